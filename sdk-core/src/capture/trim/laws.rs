//! What a trip's ends never give away.

use super::*;
use hexmile_trace::{Position, RawFix};
use proptest::prelude::*;

const METRE_DEG: f64 = 1.0 / 111_195.0;

fn fix(second: usize, east_m: f64, north_m: f64, accuracy_m: f64) -> Fix {
    let raw = RawFix {
        time_ms: second as i64 * 1000,
        latitude_deg: north_m * METRE_DEG,
        longitude_deg: east_m * METRE_DEG,
        accuracy_m: Some(accuracy_m),
        ..RawFix::default()
    };
    Fix::quantise(&raw).unwrap()
}

fn released(fixes: &[Fix]) -> Vec<Fix> {
    let mut trim = Trim::new(EndTrim::Metres(500));
    let mut out = Vec::new();
    for fix in fixes {
        trim.push(*fix);
        out.extend(std::iter::from_fn(|| trim.pop_released().map(|r| r.fix)));
    }
    out
}

/// Jitter of a parked receiver: it wanders by `step_m`, and is drawn back.
fn parked(seconds: usize, sigma_m: f64, seed: u64) -> Vec<(f64, f64)> {
    let mut state = seed | 1;
    let mut draw = move || {
        // xorshift64*: twelve draws make a normal one.
        (0..12)
            .map(|_| {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
            })
            .sum::<f64>()
            - 6.0
    };
    let (mut east, mut north) = (0.0, 0.0);
    let keep: f64 = 0.8;
    let fresh = sigma_m * (1.0 - keep * keep).sqrt();
    (0..seconds)
        .map(|_| {
            east = keep * east + fresh * draw();
            north = keep * north + fresh * draw();
            (east, north)
        })
        .collect()
}

#[test]
fn twenty_minutes_of_jitter_at_either_end_do_not_give_the_place_away() {
    for (sigma_m, accuracy_m) in [(3.0, 4.0), (10.0, 8.0), (25.0, 10.0), (40.0, 20.0)] {
        let drive: Vec<_> = (0..300).map(|s| (0.0, f64::from(s) * 12.0)).collect();
        let end_m = 299.0 * 12.0;
        let before = parked(1200, sigma_m, 7);
        let after = parked(1200, sigma_m, 8);
        let path = before
            .into_iter()
            .chain(drive)
            .chain(after.into_iter().map(|(east, north)| (east, north + end_m)));
        let fixes: Vec<Fix> = path
            .enumerate()
            .map(|(second, (east, north))| fix(second, east, north, accuracy_m))
            .collect();
        let released = released(&fixes);
        assert!(released.len() > 100, "sigma {sigma_m}: {} left", released.len());
        let nearest = |place: Position| {
            released.iter().map(|f| f.position().distance_m(place)).fold(f64::MAX, f64::min)
        };
        // The first and the last fix, from which it is measured, wander themselves.
        let least = 300.0 - 4.0 * sigma_m;
        let (start, end) = (fix(0, 0.0, 0.0, 1.0), fix(0, 0.0, end_m, 1.0));
        assert!(nearest(start.position()) > least, "{}", nearest(start.position()));
        assert!(nearest(end.position()) > least, "{}", nearest(end.position()));
    }
}

#[test]
fn what_had_no_room_to_wait_is_a_gap() {
    let mut trim = Trim::new(EndTrim::Metres(500));
    let place = |second: usize| if second < 50 { 15.0 * second as f64 } else { 750.0 };
    let (mut displaced, mut released) = (0, Vec::new());
    for second in 0..3800 {
        let north = place(second) + 15.0 * second.saturating_sub(3700) as f64;
        displaced += usize::from(trim.push(fix(second, 0.0, north, 4.0)) == Fate::Displaces);
        released.extend(std::iter::from_fn(|| trim.pop_released()));
    }
    assert!(displaced > 0 && !released.is_empty());
    assert!(released[0].cut && released[1..].iter().all(|r| !r.cut));
}

proptest! {
    /// Whatever way a trip takes, no released fix is within the trimmed path of either end, nor
    /// within the circle around the fix that released it; and little more than that is cut.
    #[test]
    fn no_released_fix_is_near_an_end(
        moves in proptest::collection::vec((0.0..60.0f64, -0.4..0.4f64, 1.0..30.0f64), 1..200),
    ) {
        let (mut east, mut north, mut heading) = (0.0, 0.0, 0.0f64);
        let mut fixes: Vec<Fix> = Vec::new();
        let mut path = Vec::new();
        for (second, (step, turn, accuracy)) in moves.iter().enumerate() {
            heading += turn;
            let (sin, cos) = heading.sin_cos();
            east += step * sin;
            north += step * cos;
            let fix = fix(second, east, north, *accuracy);
            let moved = fixes.last().map_or(0.0, |l| l.position().distance_m(fix.position()));
            path.push(path.last().map_or(0.0, |p| p + moved));
            fixes.push(fix);
        }
        let released = released(&fixes);
        let total = path[path.len() - 1];
        let first = fixes[0].position();
        for (i, fix) in fixes.iter().enumerate() {
            let out = released.contains(fix);
            // Positions on the wire are rounded.
            prop_assert!(!out || path[i] > 499.9, "fix {i} at {}", path[i]);
            prop_assert!(!out || total - path[i] > 499.9, "fix {i} of {total}");
            let far = |to: Position| fix.position().distance_m(to) >= 299.9;
            prop_assert!(!out || fixes[i..].iter().any(|later| far(later.position())));
            prop_assert!(!out || fixes[..=i].iter().any(|f| f.position().distance_m(first) >= 299.9));
        }
    }

    /// On a straight road nothing beyond the trimmed ends is cut.
    #[test]
    fn a_straight_drive_loses_its_ends_alone(
        steps in proptest::collection::vec(0.0..60.0f64, 1..200),
    ) {
        let mut north = 0.0;
        let fixes: Vec<Fix> = steps.iter().enumerate().map(|(second, step)| {
            north += step;
            fix(second, 0.0, north, 5.0)
        }).collect();
        let released = released(&fixes);
        let from = |i: usize| fixes[0].position().distance_m(fixes[i].position());
        let total = from(fixes.len() - 1);
        for (i, fix) in fixes.iter().enumerate() {
            let away = from(i).min(total - from(i));
            let out = released.contains(fix);
            prop_assert!(out || away < 500.1, "fix {i} at {} of {total}", from(i));
            prop_assert!(!out || away > 499.9, "fix {i} at {} of {total}", from(i));
        }
    }
}
