//! The eight columns of a trace: what is predicted from what, and coded how.
//!
//! Order in the stream: flags, time, accuracy, speed, course, altitude, latitude, longitude; the
//! whole of one column before the next, so that each may be predicted from those before it. The
//! first position is written out; the first time is in the header.

use super::{
    model::Residuals,
    range::{Coder, Decoder, Encoder},
};
use crate::{Fix, FixError, FixFlags, FixParts};

/// Why columns cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// Bytes are left over after the last fix.
    Trailing,
    /// The fix at this index is out of range.
    Fix(usize, FixError),
}

/// Encodes the columns of `fixes`; a decoder needs their number and the first time besides.
pub(crate) fn encode(fixes: &[Fix]) -> Vec<u8> {
    let mut parts: Vec<FixParts> = fixes.iter().map(Fix::parts).collect();
    let mut coder = Encoder::new(fixes.len() * 5 + 16);
    code(&mut coder, &mut parts);
    coder.finish()
}

/// Decodes `count` fixes. Total: any bytes give fixes or an error, in time and memory
/// proportional to `count`.
pub(crate) fn decode(
    bytes: &[u8],
    count: usize,
    first_time_ms: u64,
) -> Result<Vec<Fix>, DecodeError> {
    let mut parts = vec![FixParts { time_ms: first_time_ms, ..FixParts::default() }; count];
    let mut coder = Decoder::new(bytes);
    code(&mut coder, &mut parts);
    if !coder.is_at_end() {
        return Err(DecodeError::Trailing);
    }
    parts
        .iter()
        .enumerate()
        .map(|(i, p)| Fix::from_parts(p).map_err(|e| DecodeError::Fix(i, e)))
        .collect()
}

/// Codes every column: an encoder reads `fixes`, a decoder fills them in.
fn code(coder: &mut impl Coder, fixes: &mut [FixParts]) {
    code_flags(coder, fixes);
    code_time(coder, fixes);
    for column in &OPTIONAL {
        code_optional(coder, fixes, column);
    }
    code_position(coder, fixes);
}

fn code_flags(coder: &mut impl Coder, fixes: &mut [FixParts]) {
    let mut model = Residuals::new(0);
    let mut last = 0;
    for fix in fixes {
        let read = last ^ model.code(coder, i32::from(fix.flags.bits()) ^ last);
        // Out of range becomes "nothing present", which later columns then respect.
        fix.flags = u8::try_from(read).ok().and_then(FixFlags::from_bits).unwrap_or_default();
        last = i32::from(fix.flags.bits());
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

/// A column that a fix may lack.
struct OptionalColumn {
    flag: FixFlags,
    get: fn(&FixParts) -> i32,
    set: fn(&mut FixParts, i32),
    /// Magnitude of a residual to expect at first.
    scale: u32,
    /// The value at which the column wraps around, or 0.
    wrap: i32,
    /// Share of the last change expected to go on, in 1/8.
    trend: i32,
}

const OPTIONAL: [OptionalColumn; 4] = [
    OptionalColumn {
        flag: FixFlags::ACCURACY,
        get: |f| i32::from(f.accuracy_dm),
        set: |f, v| f.accuracy_dm = v as u16,
        scale: 0,
        wrap: 0,
        trend: 0,
    },
    OptionalColumn {
        flag: FixFlags::SPEED,
        get: |f| i32::from(f.speed_cmps),
        set: |f, v| f.speed_cmps = v as u16,
        scale: 16,
        wrap: 0,
        trend: 4,
    },
    OptionalColumn {
        flag: FixFlags::COURSE,
        get: |f| i32::from(f.course_ddeg),
        set: |f, v| f.course_ddeg = v as u16,
        scale: 8,
        wrap: 3600,
        trend: 4,
    },
    OptionalColumn {
        flag: FixFlags::ALTITUDE,
        get: |f| f.altitude_dm,
        set: |f, v| f.altitude_dm = v,
        scale: 2,
        wrap: 0,
        trend: 4,
    },
];

fn code_optional(coder: &mut impl Coder, fixes: &mut [FixParts], column: &OptionalColumn) {
    let mut model = Residuals::new(column.scale);
    let (mut last, mut change) = (0_i32, 0_i32);
    for fix in fixes.iter_mut().filter(|f| f.flags.contains(column.flag)) {
        let predicted = last.wrapping_add(change.wrapping_mul(column.trend) / 8);
        let mut residual = (column.get)(fix).wrapping_sub(predicted);
        if column.wrap > 0 {
            residual = wrap_half(residual, column.wrap);
        }
        let mut value = predicted.wrapping_add(model.code(coder, residual));
        if column.wrap > 0 {
            value = value.rem_euclid(column.wrap);
        }
        (column.set)(fix, value);
        let value = (column.get)(fix);
        change = value.wrapping_sub(last);
        if column.wrap > 0 {
            change = wrap_half(change, column.wrap);
        }
        last = value;
    }
}

/// The representative of `value` modulo `wrap` nearest to zero.
fn wrap_half(value: i32, wrap: i32) -> i32 {
    let value = value.rem_euclid(wrap);
    if value > wrap / 2 { value - wrap } else { value }
}

/// Metres in 1e-6 degrees of latitude, on the sphere.
const METRES_PER_E6: f64 = crate::EARTH_RADIUS_M * core::f64::consts::PI / 180.0 / 1e6;

/// Positions, as what dead reckoning from speed and course leaves over.
///
/// The step between two fixes is predicted as the mean of their velocities times the interval,
/// plus half of what that missed by last time; without speed and course, as the last step again.
fn code_position(coder: &mut impl Coder, fixes: &mut [FixParts]) {
    let Some(first) = fixes.first_mut() else { return };
    first.lat_e6 = coder.raw(first.lat_e6 as u32, 32) as i32;
    first.lon_e6 = coder.raw(first.lon_e6 as u32, 32) as i32;
    let shrink =
        libm::cos(f64::from(first.lat_e6).clamp(-89e6, 89e6) / 1e6 * core::f64::consts::PI / 180.0);
    let per_cm = [0.01 / METRES_PER_E6, 0.01 / METRES_PER_E6 / shrink];
    let velocities: Vec<Option<[f64; 2]>> = fixes.iter().map(|f| velocity(f, per_cm)).collect();
    for axis in 0..2 {
        let mut model = Residuals::new(8);
        let mut step = 0_i32;
        let mut miss = 0_i32;
        for i in 1..fixes.len() {
            let interval_s =
                fixes[i].time_ms.wrapping_sub(fixes[i - 1].time_ms).min(60_000) as f64 / 1000.0;
            let predicted = match (velocities[i - 1], velocities[i]) {
                (Some(a), Some(b)) => {
                    libm::rint(f64::midpoint(a[axis], b[axis]) * interval_s) as i32
                }
                _ => step,
            };
            let before = *axis_of(&mut fixes[i - 1], axis);
            let value = axis_of(&mut fixes[i], axis);
            let guess = before.wrapping_add(predicted).wrapping_add(miss / 2);
            *value = guess.wrapping_add(model.code(coder, value.wrapping_sub(guess)));
            step = value.wrapping_sub(before);
            miss = step.wrapping_sub(predicted);
        }
    }
}

fn axis_of(fix: &mut FixParts, axis: usize) -> &mut i32 {
    if axis == 0 { &mut fix.lat_e6 } else { &mut fix.lon_e6 }
}

/// North and east velocity in 1e-6 degrees per second, where speed and course are known.
fn velocity(fix: &FixParts, per_cm: [f64; 2]) -> Option<[f64; 2]> {
    if !fix.flags.contains(FixFlags::SPEED.with(FixFlags::COURSE)) {
        return None;
    }
    let course = f64::from(fix.course_ddeg) / 10.0 * core::f64::consts::PI / 180.0;
    let (sin, cos) = libm::sincos(course);
    let speed = f64::from(fix.speed_cmps);
    Some([speed * cos * per_cm[0], speed * sin * per_cm[1]])
}
