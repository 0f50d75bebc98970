//! Fixes as they cross the border, which costs more than recording one: one as bare numbers, many as bytes.

use hexmile_sdk_core::{
    self as core, DropReason,
    trace::{Provider, RawFix},
};

/// Bytes of a fix: time (i64, Unix milliseconds), then latitude, longitude, accuracy, speed, course and
/// altitude (f64, degrees, metres and metres per second, NaN where it is not known), all little endian; a
/// byte that is 1 for a mock and else 0; a byte for the provider ([`provider`]); six zeros.
const FIX_LEN: usize = 64;

/// What packed fixes must look like.
pub(crate) const EXPECTED: &str = "fixes: expected 64 bytes for each of at most 2097151";

/// Most fixes that may come together: as many as a count in an answer can say.
const MAX_FIXES: usize = (1 << COUNT_BITS) - 1;
/// Bits of a count in an answer.
const COUNT_BITS: u32 = 21;

/// What became of fixes that came together, counted: those that joined the open run in the lowest 21 bits, those
/// that wait until enough of the trip lies behind them in the next, and those that are gone in the next.
pub(crate) fn counts(recorded: impl Iterator<Item = core::Recorded>) -> u64 {
    recorded.fold(0, |counts, recorded| {
        counts
            + match recorded {
                core::Recorded::Kept => 1,
                core::Recorded::Held => 1 << COUNT_BITS,
                core::Recorded::Dropped(_) => 1 << (2 * COUNT_BITS),
            }
    })
}

/// The fixes of packed bytes; `None` where they are none.
pub(crate) fn fixes(bytes: &[u8]) -> Option<impl Iterator<Item = RawFix>> {
    let (packed, []) = bytes.as_chunks::<FIX_LEN>() else { return None };
    let is_fix = |fix: &[u8; FIX_LEN]| fix[56] <= 1 && fix[57] <= 3 && fix[58..] == [0; 6];
    (packed.len() <= MAX_FIXES && packed.iter().all(is_fix)).then(|| packed.iter().map(fix))
}

fn fix(bytes: &[u8; FIX_LEN]) -> RawFix {
    let (words, _) = bytes.as_chunks::<8>();
    let number = |at: usize| f64::from_le_bytes(words[at]);
    RawFix {
        time_ms: i64::from_le_bytes(words[0]),
        latitude_deg: number(1),
        longitude_deg: number(2),
        accuracy_m: known(number(3)),
        speed_mps: known(number(4)),
        course_deg: known(number(5)),
        altitude_m: known(number(6)),
        mock: bytes[56] == 1,
        provider: provider(bytes[57]),
    }
}

/// What a platform does not know is NaN.
pub(crate) fn known(value: f64) -> Option<f64> {
    Some(value).filter(|value| !value.is_nan())
}

/// 1 is satellites, 2 the platform's fusion, 3 Wi-Fi or cell towers; anything else is not told.
pub(crate) const fn provider(code: u8) -> Provider {
    match code {
        1 => Provider::Gnss,
        2 => Provider::Fused,
        3 => Provider::Network,
        _ => Provider::Unknown,
    }
}

/// Why fixes are dropped: stable codes, in the order that `record` counts them in.
#[uniffi::export]
pub fn drop_reasons() -> Vec<String> {
    DropReason::ALL.iter().map(|reason| reason.code().to_owned()).collect()
}

/// What became of a fix, as `record` answers.
pub(crate) const fn recorded(recorded: core::Recorded) -> u8 {
    match recorded {
        core::Recorded::Kept => 0,
        core::Recorded::Held => 1,
        core::Recorded::Dropped(reason) => 2 + reason as u8,
    }
}
