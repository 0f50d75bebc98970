//! The eight columns of a trace: what is predicted from what, and coded how.
//!
//! Order in the stream: flags, time, accuracy, speed, course, altitude, each whole before the next,
//! so that each may be predicted from those before it; then positions. The first position is
//! written out; the first time is in the header.

use super::{
    model::Residuals,
    optional::{Accuracy, Altitude, Course, Speed, code_optional},
    positions::code_positions,
    rans::{Coder, Decoder, Encoder},
};
use crate::{Fix, FixError, FixFlags, FixParts};

/// Why columns cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The bytes are not those that an encoder writes for any fixes.
    NotCanonical,
    /// The fix at this index is out of range.
    Fix(usize, FixError),
}

/// Steps of the coder that a fix takes at most, in all but pathological traces.
const STEPS_PER_FIX: usize = 15;

/// Encodes the columns of `fixes`; a decoder needs their number and the first time besides.
pub(crate) fn encode(fixes: &[Fix]) -> Vec<u8> {
    let mut parts: Vec<FixParts> = fixes.iter().map(Fix::parts).collect();
    let mut coder = Encoder::new(fixes.len() * STEPS_PER_FIX + 16);
    code(&mut coder, &mut parts);
    coder.finish()
}

/// Decodes `count` fixes. Total: any bytes give fixes or an error, in time and memory
/// proportional to `count`. Bytes that decode are those that [`encode`] gives.
pub(crate) fn decode(
    bytes: &[u8],
    count: usize,
    first_time_ms: u64,
) -> Result<Vec<Fix>, DecodeError> {
    let mut coder = Decoder::new(bytes).ok_or(DecodeError::NotCanonical)?;
    let mut parts = vec![FixParts { time_ms: first_time_ms, ..FixParts::default() }; count];
    code(&mut coder, &mut parts);
    if !coder.is_whole() {
        return Err(DecodeError::NotCanonical);
    }
    parts
        .into_iter()
        .enumerate()
        .map(|(i, p)| Fix::from_parts(&p).map_err(|e| DecodeError::Fix(i, e)))
        .collect()
}

/// Codes every column: an encoder reads `fixes`, a decoder fills them in.
fn code<C: Coder>(coder: &mut C, fixes: &mut [FixParts]) {
    code_flags(coder, fixes);
    code_time(coder, fixes);
    code_optional::<Accuracy, C>(coder, fixes);
    code_optional::<Speed, C>(coder, fixes);
    code_optional::<Course, C>(coder, fixes);
    code_optional::<Altitude, C>(coder, fixes);
    code_positions(coder, fixes);
}

/// Flags as the bits that changed.
fn code_flags(coder: &mut impl Coder, fixes: &mut [FixParts]) {
    let mut model = Residuals::new(0);
    let mut last = 0;
    for fix in fixes {
        let changed = model.code(coder, i32::from(fix.flags.bits() ^ last));
        let flags = u8::try_from(changed).ok().and_then(|c| FixFlags::from_bits(c ^ last));
        fix.flags = flags.unwrap_or_else(|| {
            coder.refuse();
            FixFlags::default()
        });
        last = fix.flags.bits();
    }
}

/// Time as the change of the interval, so that a steady rate costs next to nothing.
fn code_time(coder: &mut impl Coder, fixes: &mut [FixParts]) {
    let mut model = Residuals::new(0);
    let mut interval = 1000_i32;
    for i in 1..fixes.len() {
        let before = fixes[i - 1].time_ms;
        let step = fixes[i].time_ms.wrapping_sub(before) as i32;
        interval = interval.wrapping_add(model.code(coder, step.wrapping_sub(interval)));
        fixes[i].time_ms = before.wrapping_add_signed(i64::from(interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_below_128_and_time_starts_where_the_header_says() {
        for (residual, want) in
            [(0, Some(0)), (127, Some(127)), (128, None), (-1, None), (256, None)]
        {
            let mut encoder = Encoder::new(0);
            Residuals::new(0).code(&mut encoder, residual);
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes).unwrap();
            let mut fixes = [FixParts::default()];
            code_flags(&mut decoder, &mut fixes);
            assert_eq!(decoder.is_whole().then(|| fixes[0].flags.bits()), want, "{residual}");
        }
        let fix = Fix::from_parts(&FixParts { time_ms: 77, ..FixParts::default() }).unwrap();
        assert_eq!(decode(&encode(&[fix]), 1, 77), Ok(vec![fix]));
        let late = DecodeError::Fix(0, FixError::Time);
        assert_eq!(decode(&encode(&[fix]), 1, u64::MAX), Err(late));
    }
}
