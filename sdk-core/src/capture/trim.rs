//! The ends of a trip stay on the phone: so many metres of path at its start and at its end.
//!
//! Since nobody knows where a trip will end, every fix waits until that much path lies behind it.

use std::collections::VecDeque;

use hexmile_trace::Fix;

/// How much of a trip's ends is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndTrim {
    /// So many metres of path at both ends.
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

/// Most fixes that wait; past it the oldest are forgotten. A phone that crawls for an hour at
/// 1 Hz reaches it.
const MAX_HELD: usize = 3600;

/// What becomes of a fix when it comes.
pub(super) enum Fate {
    /// It lies on the start, and is gone.
    Start,
    /// It waits; others may have been released by it.
    Waits,
}

/// Holds back the ends of one trip.
pub(super) struct Trim {
    length_m: f64,
    /// Path from the first fix to the last.
    path_m: f64,
    last: Option<Fix>,
    /// Fixes with the path at which they were captured.
    waiting: VecDeque<(f64, Fix)>,
}

impl Trim {
    pub(super) fn new(trim: EndTrim) -> Self {
        Self { length_m: trim.metres(), path_m: 0.0, last: None, waiting: VecDeque::new() }
    }

    pub(super) fn push(&mut self, fix: Fix) -> Fate {
        if let Some(last) = self.last {
            self.path_m += last.position().distance_m(fix.position());
        }
        self.last = Some(fix);
        if self.path_m < self.length_m {
            return Fate::Start;
        }
        if self.waiting.len() == MAX_HELD {
            self.waiting.pop_front();
        }
        self.waiting.push_back((self.path_m, fix));
        Fate::Waits
    }

    /// The oldest fix that has enough path behind it.
    pub(super) fn pop_released(&mut self) -> Option<Fix> {
        let (at_m, _) = self.waiting.front()?;
        if self.path_m - at_m < self.length_m {
            return None;
        }
        self.waiting.pop_front().map(|(_, fix)| fix)
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::RawFix;
    use proptest::prelude::*;

    proptest! {
        /// Whatever way a trip takes, no released fix is within the trimmed path of either end.
        #[test]
        fn no_released_fix_is_near_an_end(steps in proptest::collection::vec(0.0..60.0f64, 1..200)) {
            let mut trim = Trim::new(EndTrim::Metres(500));
            let mut released = Vec::new();
            let mut path = vec![0.0];
            let mut lat = 10.0;
            let mut fixes: Vec<Fix> = Vec::new();
            for (i, step) in steps.iter().enumerate() {
                lat += step / 111_195.0;
                let raw = RawFix { time_ms: i as i64, latitude_deg: lat, ..RawFix::default() };
                let fix = Fix::quantise(&raw).unwrap();
                if let Some(last) = fixes.last() {
                    path.push(path[i - 1] + last.position().distance_m(fix.position()));
                }
                fixes.push(fix);
                trim.push(fix);
                while let Some(fix) = trim.pop_released() {
                    released.push(fix);
                }
            }
            let total = path[path.len() - 1];
            let near = |i: usize| path[i] < 500.0 || total - path[i] < 500.0;
            for (i, fix) in fixes.iter().enumerate() {
                prop_assert_eq!(released.contains(fix), !near(i), "fix {} of {}", i, total);
            }
        }
    }
}
