//! Accuracy, speed, course and altitude: the columns that a fix may lack.
//!
//! Each is predicted as its last value plus a share of the last change.

use super::{model::Residuals, rans::Coder};
use crate::{FixFlags, FixParts};

/// A column that a fix may lack.
pub(super) trait Optional {
    const FLAG: FixFlags;
    /// Magnitude of a residual to expect at first.
    const SCALE: u32;
    /// Share of the last change expected to go on, in 1/8.
    const TREND: i32;
    /// The value at which the column wraps around, or 0.
    const TURN: i32 = 0;
    fn get(fix: &FixParts) -> i32;
    /// Sets the value; false where it is out of range.
    fn set(fix: &mut FixParts, value: i32) -> bool;
}

/// Horizontal accuracy.
pub(super) struct Accuracy;
/// Speed over ground.
pub(super) struct Speed;
/// Course over ground.
pub(super) struct Course;
/// Altitude.
pub(super) struct Altitude;

fn set_u16(field: &mut u16, value: i32) -> bool {
    *field = u16::try_from(value).unwrap_or_default();
    i32::from(*field) == value
}

impl Optional for Accuracy {
    const FLAG: FixFlags = FixFlags::ACCURACY;
    const SCALE: u32 = 0;
    const TREND: i32 = 0;

    fn get(fix: &FixParts) -> i32 {
        i32::from(fix.accuracy_dm)
    }

    fn set(fix: &mut FixParts, value: i32) -> bool {
        set_u16(&mut fix.accuracy_dm, value)
    }
}

impl Optional for Speed {
    const FLAG: FixFlags = FixFlags::SPEED;
    const SCALE: u32 = 16;
    const TREND: i32 = 5;

    fn get(fix: &FixParts) -> i32 {
        i32::from(fix.speed_cmps)
    }

    fn set(fix: &mut FixParts, value: i32) -> bool {
        set_u16(&mut fix.speed_cmps, value)
    }
}

impl Optional for Course {
    const FLAG: FixFlags = FixFlags::COURSE;
    const SCALE: u32 = 8;
    const TREND: i32 = 3;
    const TURN: i32 = 3600;

    fn get(fix: &FixParts) -> i32 {
        i32::from(fix.course_ddeg)
    }

    fn set(fix: &mut FixParts, value: i32) -> bool {
        set_u16(&mut fix.course_ddeg, value)
    }
}

impl Optional for Altitude {
    const FLAG: FixFlags = FixFlags::ALTITUDE;
    const SCALE: u32 = 2;
    const TREND: i32 = 0;

    fn get(fix: &FixParts) -> i32 {
        fix.altitude_dm
    }

    fn set(fix: &mut FixParts, value: i32) -> bool {
        fix.altitude_dm = value;
        true
    }
}

/// Codes one column over the fixes that have it; it starts from 0.
pub(super) fn code_optional<O: Optional, C: Coder>(coder: &mut C, fixes: &mut [FixParts]) {
    let mut model = Residuals::new(O::SCALE);
    let (mut last, mut change) = (0_i32, 0_i32);
    for fix in fixes.iter_mut().filter(|f| f.flags.contains(O::FLAG)) {
        let predicted = last.wrapping_add(change.wrapping_mul(O::TREND) >> 3);
        let residual = nearest(O::get(fix).wrapping_sub(predicted), O::TURN);
        let read = model.code(coder, residual);
        let mut value = predicted.wrapping_add(read);
        let mut right = read == nearest(read, O::TURN);
        if O::TURN > 0 {
            value = value.rem_euclid(O::TURN);
        }
        right &= O::set(fix, value);
        if !right {
            coder.refuse();
        }
        change = nearest(O::get(fix).wrapping_sub(last), O::TURN);
        last = O::get(fix);
    }
}

/// The representative of `value` modulo `turn` nearest to zero; `value` itself where `turn` is 0.
fn nearest(value: i32, turn: i32) -> i32 {
    if turn == 0 {
        return value;
    }
    let value = value.rem_euclid(turn);
    if value > turn / 2 { value - turn } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rans::{Decoder, Encoder};

    /// The value that a stream of this one residual gives; `None` where it is refused.
    fn read<O: Optional>(residual: i32) -> Option<i32> {
        let mut encoder = Encoder::new(0);
        Residuals::new(O::SCALE).code(&mut encoder, residual);
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes)?;
        let mut fixes = [FixParts { flags: O::FLAG, ..FixParts::default() }];
        code_optional::<O, _>(&mut decoder, &mut fixes);
        decoder.is_whole().then(|| O::get(&fixes[0]))
    }

    #[test]
    fn a_value_has_one_residual() {
        for (residual, want) in [(0, Some(0)), (65_535, Some(65_535)), (65_536, None), (-1, None)] {
            assert_eq!(read::<Accuracy>(residual), want, "{residual}");
            assert_eq!(read::<Speed>(residual), want, "{residual}");
        }
        for (residual, want) in [
            (1800, Some(1800)),
            (-1799, Some(1801)),
            (-1, Some(3599)),
            (-1800, None),
            (1801, None),
            (3600, None),
            (i32::MAX, None),
            (i32::MIN, None),
        ] {
            assert_eq!(read::<Course>(residual), want, "{residual}");
        }
        for residual in [i32::MIN, -1, i32::MAX] {
            assert_eq!(read::<Altitude>(residual), Some(residual));
        }
    }
}
