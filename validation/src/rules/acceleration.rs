//! `acceleration`: a change of speed or direction that tyres cannot transmit.
//!
//! 12 m/s² is 1.2 g; emergency braking on a dry road reaches about 1 g. Judged twice:
//! - by position: a fix may lie off the straight line between its neighbours (at its moment in time)
//!   by at most `a·t1·t2/2`, with `t1`, `t2` the times to them, plus twice the position error. Being a
//!   distance, this is robust to jitter, which a second difference of speeds is not. An outlier puts
//!   its neighbours off too: of successive fixes that are off the farthest goes, and the first or last
//!   fix goes where its neighbour agrees with all others.
//! - by reported speed: it may differ from that of the last fix by `a·t` plus 5 m/s, since phones
//!   hold an old speed for a moment when they set off.
//!
//! Beyond 10 s between fixes neither says anything.

use hexmile_trace::Fix;

use crate::{
    Reason, Rules,
    step::{Step, seconds},
};

const MAX_INTERVAL_MS: u64 = 10_000;

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    mark_by_position(fixes, fates, rules);
    mark_by_speed(fixes, fates, rules);
}

fn mark_by_position(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    let next_kept = |fates: &[Option<Reason>], after: usize| {
        (after + 1..fates.len()).find(|&i| fates[i].is_none())
    };
    let Some(mut before) = fates.iter().position(Option::is_none) else { return };
    let Some(mut at) = next_kept(fates, before) else { return };
    // The first has not been judged itself, and `at` may have been found to agree with those before.
    let (mut is_first, mut agrees) = (true, false);
    while let Some(after) = next_kept(fates, at) {
        let excess = excess_m(fixes, [before, at, after], rules);
        let outlier = if excess <= 0.0 {
            None
        } else {
            let then = next_kept(fates, after);
            let next_excess = then.map(|then| excess_m(fixes, [at, after, then], rules));
            match next_excess {
                Some(next) if next > excess => None,
                Some(next) if next <= 0.0 && is_first => Some(before),
                None if agrees => Some(after),
                _ => Some(at),
            }
        };
        if let Some(outlier) = outlier {
            fates[outlier] = Some(Reason::Acceleration);
        }
        if outlier != Some(at) {
            is_first = outlier == Some(before);
            before = at;
        }
        agrees = excess <= 0.0;
        at = after;
    }
}

/// How far beyond what is allowed the middle fix lies off the line between the others, metres; zero
/// or less where it does not.
fn excess_m(fixes: &[Fix], triple: [usize; 3], rules: &Rules) -> f64 {
    let [before, at, after] = triple.map(|i| &fixes[i]);
    let near = |a: &Fix, b: &Fix| b.time_ms() - a.time_ms() <= MAX_INTERVAL_MS;
    if !near(before, at) || !near(at, after) {
        return 0.0;
    }
    let (t1, t2) = (seconds(before, at), seconds(at, after));
    let neighbours_m = f64::midpoint(rules.position_error_m(before), rules.position_error_m(after));
    let error_m = 2.0 * (rules.position_error_m(at) + neighbours_m);
    let allowed_m = f64::from(rules.max_acceleration_cmps2) / 100.0 * t1 * t2 / 2.0 + error_m;
    let off_m = |to: Step, from: Step| {
        let off = Step {
            east_m: (to.east_m * t2 - from.east_m * t1) / (t1 + t2),
            north_m: (to.north_m * t2 - from.north_m * t1) / (t1 + t2),
        };
        off.length_m()
    };
    let [a, b, c] = [before, at, after].map(Fix::position);
    if off_m(Step::at_most(a, b), Step::at_most(b, c)) <= allowed_m {
        return 0.0;
    }
    match (Step::between(a, b), Step::between(b, c)) {
        (Some(to), Some(from)) => off_m(to, from) - allowed_m,
        _ => 0.0,
    }
}

fn mark_by_speed(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    let mut last: Option<(u64, u16)> = None;
    for (fix, fate) in fixes.iter().zip(fates) {
        let (None, Some(cmps)) = (*fate, fix.speed_cmps()) else { continue };
        if let Some((last_ms, last_cmps)) = last {
            let interval_ms = fix.time_ms() - last_ms;
            let change = u64::from(cmps.abs_diff(last_cmps));
            let gained = u64::from(rules.max_acceleration_cmps2).saturating_mul(interval_ms) / 1000;
            let allowed = gained + u64::from(rules.speed_error_cmps);
            if interval_ms <= MAX_INTERVAL_MS && change > allowed {
                *fate = Some(Reason::Acceleration);
                continue;
            }
        }
        last = Some((fix.time_ms(), cmps));
    }
}
