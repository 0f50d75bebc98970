//! Latitude and longitude, in turn for each fix.

use super::{
    model::Residuals,
    rans::Coder,
    reckoning::{Plane, Velocity, carried},
};
use crate::{FixFlags, FixParts};

/// Longest interval over which a velocity is carried, milliseconds.
const MAX_CARRY_MS: u64 = 60_000;

/// Positions, as what dead reckoning from speed and course leaves over.
///
/// The step between two fixes is predicted as the mean of their velocities times the interval;
/// without speed and course, as the last step again.
pub(super) fn code_positions(coder: &mut impl Coder, fixes: &mut [FixParts]) {
    let Some(first) = fixes.first_mut() else { return };
    first.lat_e6 = coder.raw(first.lat_e6 as u32, 32) as i32;
    first.lon_e6 = coder.raw(first.lon_e6 as u32, 32) as i32;
    let plane = Plane::at(first.lat_e6);
    let both = FixFlags::SPEED.with(FixFlags::COURSE);
    let velocity = |fix: &FixParts| -> Option<Velocity> {
        fix.flags.contains(both).then(|| plane.velocity(fix.speed_cmps, fix.course_ddeg))
    };
    let mut before = *first;
    let mut velocity_before = velocity(&before);
    let mut models = [Residuals::new(4), Residuals::new(4)];
    let mut step = [0_i32; 2];
    for fix in &mut fixes[1..] {
        let interval_ms = fix.time_ms.saturating_sub(before.time_ms).min(MAX_CARRY_MS) as i64;
        let velocity = velocity(fix);
        let mut code = |axis: usize, from: i32, to: i32| {
            let predicted = match (velocity_before, velocity) {
                (Some(a), Some(b)) => carried(a[axis], b[axis], interval_ms),
                _ => step[axis],
            };
            let guess = from.wrapping_add(predicted);
            let to = guess.wrapping_add(models[axis].code(coder, to.wrapping_sub(guess)));
            step[axis] = to.wrapping_sub(from);
            to
        };
        fix.lat_e6 = code(0, before.lat_e6, fix.lat_e6);
        fix.lon_e6 = code(1, before.lon_e6, fix.lon_e6);
        before = *fix;
        velocity_before = velocity;
    }
}
