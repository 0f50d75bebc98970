//! The ends of a trip stay on the phone: so many metres of path at its start and at its end, and a
//! circle around each. An end in a zone is cut at the zone's edge and no further: a second edge, whose
//! distance is measured from the end itself, would show where that is.
//!
//! Since nobody knows where a trip will end, every fix waits until that much path lies behind it.
//!
//! A parked receiver wanders, and its wandering must not pass for a path: path is measured from an
//! anchor, which moves on only when a fix lies clearly away from it. Whatever a receiver invents
//! within that, a fix leaves only when the phone is far away from it as the crow flies, too.

use std::collections::VecDeque;

use hexmile_trace::Fix;

/// How much of a trip's ends is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndTrim {
    /// So many metres of path at both ends, and whatever is within three fifths of it as the crow
    /// flies: of the first fix until the phone has left that circle, of the last when it leaves.
    Metres(u32),
    /// Nothing; for recordings that are public, such as those of a test drive.
    Off,
}

impl Default for EndTrim {
    fn default() -> Self {
        Self::Metres(500)
    }
}

impl EndTrim {
    fn metres(self) -> f64 {
        match self {
            Self::Metres(metres) => f64::from(metres),
            Self::Off => 0.0,
        }
    }
}

/// Straight distance per metre of path.
const STRAIGHT: f64 = 0.6;
/// Shortest move that counts as path, metres.
const MIN_MOVE_M: f64 = 25.0;
/// The same in accuracies of the less accurate of two fixes.
const MIN_MOVE_ACCURACIES: f64 = 2.0;
/// Most fixes that wait; past it the oldest are forgotten. A phone that crawls for an hour at
/// 1 Hz reaches it.
const MAX_HELD: usize = 3600;

/// What becomes of a fix when it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It lies on the start, and is gone.
    Start,
    /// It waits; others may have been released by it.
    Waits,
    /// It waits, and the oldest that waited is gone to make room.
    Displaces,
}

/// Holds back the ends of one trip.
pub(super) struct Trim {
    length_m: f64,
    straight_m: f64,
    /// First fix of the trip.
    first: Option<Fix>,
    /// Whether the start lies behind, or in a zone that hides it.
    left_start: bool,
    /// Last fix that was clearly away from the one before.
    anchor: Option<Fix>,
    /// Path up to the anchor.
    anchored_m: f64,
    /// Path up to the newest fix.
    path_m: f64,
    newest: Option<Fix>,
    /// Whether the newest fix lies in a zone.
    ends_in_zone: bool,
    /// Whether fixes were passed over since the last that waits.
    cut: bool,
    waiting: VecDeque<Waiting>,
}

/// A fix that waits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Waiting {
    /// The path at which it was captured.
    at_m: f64,
    fix: Fix,
    cut: bool,
}

/// A fix that may leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Released {
    pub(super) fix: Fix,
    /// Whether fixes between it and the one before were passed over: nothing joins the two.
    pub(super) cut: bool,
}

fn min_move_m(a: Fix, b: Fix) -> f64 {
    let accuracy_dm = a.accuracy_dm().max(b.accuracy_dm()).unwrap_or(0);
    (f64::from(accuracy_dm) / 10.0 * MIN_MOVE_ACCURACIES).max(MIN_MOVE_M)
}

impl Trim {
    pub(super) fn new(trim: EndTrim) -> Self {
        let length_m = trim.metres();
        Self {
            length_m,
            straight_m: length_m * STRAIGHT,
            first: None,
            left_start: length_m == 0.0,
            anchor: None,
            anchored_m: 0.0,
            path_m: 0.0,
            newest: None,
            ends_in_zone: false,
            cut: false,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, fix: Fix) -> Fate {
        self.measure(fix);
        let first = *self.first.get_or_insert(fix);
        self.newest = Some(fix);
        self.ends_in_zone = false;
        if !self.left_start
            && (self.path_m < self.length_m
                || first.position().distance_m(fix.position()) < self.straight_m)
        {
            return Fate::Start;
        }
        self.left_start = true;
        let full = self.waiting.len() == MAX_HELD;
        if full {
            self.waiting.pop_front();
            if let Some(oldest) = self.waiting.front_mut() {
                oldest.cut = true;
            }
        }
        let cut = std::mem::take(&mut self.cut);
        self.waiting.push_back(Waiting { at_m: self.path_m, fix, cut });
        if full { Fate::Displaces } else { Fate::Waits }
    }

    /// Follows a fix that never leaves, because it lies in a zone (`in_zone`) or for another reason.
    pub(super) fn pass(&mut self, fix: Fix, in_zone: bool) {
        self.measure(fix);
        self.left_start |= self.first.is_none() && in_zone;
        self.first.get_or_insert(fix);
        self.newest = Some(fix);
        self.ends_in_zone = in_zone;
        self.cut = true;
    }

    /// Forgets what waits and lies in a zone. Returns how many.
    pub(super) fn forget(&mut self, mut hidden: impl FnMut(&Fix) -> bool) -> usize {
        let before = self.waiting.len();
        let mut cut = false;
        self.waiting.retain_mut(|waiting| {
            let gone = hidden(&waiting.fix);
            waiting.cut |= cut;
            cut = gone;
            !gone
        });
        self.cut |= cut;
        before - self.waiting.len()
    }

    fn measure(&mut self, fix: Fix) {
        let Some(anchor) = self.anchor else {
            self.anchor = Some(fix);
            return;
        };
        let moved_m = anchor.position().distance_m(fix.position());
        // A chord is never longer than the path that was driven.
        self.path_m = self.anchored_m + moved_m;
        if moved_m > min_move_m(anchor, fix) {
            self.anchored_m = self.path_m;
            self.anchor = Some(fix);
        }
    }

    /// The oldest fix that has enough path behind it, and is far enough away.
    pub(super) fn pop_released(&mut self) -> Option<Released> {
        let oldest = self.waiting.front()?;
        if self.length_m > 0.0 {
            let newest = self.newest?;
            if self.path_m - oldest.at_m < self.length_m
                || oldest.fix.position().distance_m(newest.position()) < self.straight_m
            {
                return None;
            }
        }
        self.waiting.pop_front().map(|Waiting { fix, cut, .. }| Released { fix, cut })
    }

    /// The trip ends: the oldest fix that waits, where the end lies in a zone, which hides it.
    pub(super) fn pop_at_end(&mut self) -> Option<Released> {
        if !self.ends_in_zone {
            return None;
        }
        self.waiting.pop_front().map(|Waiting { fix, cut, .. }| Released { fix, cut })
    }

    /// When the first fix of the trip was captured, Unix milliseconds.
    pub(super) fn started_ms(&self) -> Option<u64> {
        self.first.map(|fix| fix.time_ms())
    }

    /// Path up to the newest fix, metres.
    pub(super) const fn path_m(&self) -> f64 {
        self.path_m
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
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
}
