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

use super::run::Kept;

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
    /// Whether anything is cut.
    pub(crate) fn cuts(self) -> bool {
        self.metres() > 0.0
    }

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
    progress: Progress,
    waiting: VecDeque<Waiting>,
    /// How many of the last that wait were not saved yet.
    unsaved: usize,
}

/// How far a trip has come, as far as its ends are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// First fix of the trip.
    pub(crate) first: Option<Fix>,
    /// Whether the start lies behind, or in a zone that hides it.
    pub(crate) left_start: bool,
    /// Last fix that was clearly away from the one before.
    pub(crate) anchor: Option<Fix>,
    /// Path up to the anchor.
    pub(crate) anchored_m: f64,
    /// Path up to the newest fix.
    pub(crate) path_m: f64,
    pub(crate) newest: Option<Fix>,
    /// Whether the newest fix lies in a zone.
    pub(crate) ends_in_zone: bool,
    /// Whether fixes were passed over since the last that waits.
    pub(crate) cut: bool,
}

/// A fix that waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waiting {
    /// The path at which it was captured.
    pub(crate) at_m: f64,
    pub(crate) fix: Fix,
    /// Whether nothing joins it to the one before.
    pub(crate) cut: bool,
}

fn min_move_m(a: Fix, b: Fix) -> f64 {
    let accuracy_dm = a.accuracy_dm().max(b.accuracy_dm()).unwrap_or(0);
    (f64::from(accuracy_dm) / 10.0 * MIN_MOVE_ACCURACIES).max(MIN_MOVE_M)
}

impl Progress {
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
}

impl Trim {
    pub(super) fn new(trim: EndTrim) -> Self {
        let length_m = trim.metres();
        let progress = Progress { left_start: length_m == 0.0, ..Progress::default() };
        Self::resume(trim, progress, std::iter::empty())
    }

    /// Goes on where an earlier process stopped. What that one may have seen last is not known, so that
    /// nothing joins the next fix to those before.
    pub(super) fn resume(
        trim: EndTrim,
        progress: Progress,
        waiting: impl Iterator<Item = Waiting>,
    ) -> Self {
        let length_m = trim.metres();
        let mut waiting: VecDeque<Waiting> = waiting.collect();
        waiting.drain(..waiting.len().saturating_sub(MAX_HELD));
        Self { length_m, straight_m: length_m * STRAIGHT, progress, waiting, unsaved: 0 }
    }

    /// Whether anything ever waits.
    pub(super) fn holds(&self) -> bool {
        self.length_m > 0.0
    }

    pub(super) fn push(&mut self, fix: Fix) -> Fate {
        let progress = &mut self.progress;
        progress.measure(fix);
        let first = *progress.first.get_or_insert(fix);
        progress.newest = Some(fix);
        progress.ends_in_zone = false;
        if !progress.left_start
            && (progress.path_m < self.length_m
                || first.position().distance_m(fix.position()) < self.straight_m)
        {
            return Fate::Start;
        }
        progress.left_start = true;
        let full = self.waiting.len() == MAX_HELD;
        if full {
            self.waiting.pop_front();
            if let Some(oldest) = self.waiting.front_mut() {
                oldest.cut = true;
            }
        }
        let cut = std::mem::take(&mut progress.cut);
        self.waiting.push_back(Waiting { at_m: progress.path_m, fix, cut });
        self.unsaved += 1;
        if full { Fate::Displaces } else { Fate::Waits }
    }

    /// Follows a fix that never leaves, because it lies in a zone (`in_zone`) or for another reason.
    pub(super) fn pass(&mut self, fix: Fix, in_zone: bool) {
        let progress = &mut self.progress;
        progress.measure(fix);
        progress.left_start |= progress.first.is_none() && in_zone;
        progress.first.get_or_insert(fix);
        progress.newest = Some(fix);
        progress.ends_in_zone = in_zone;
        progress.cut = true;
    }

    /// Something was not seen: nothing joins the next fix to those before.
    pub(super) const fn miss(&mut self) {
        self.progress.cut = true;
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
        self.progress.cut |= cut;
        before - self.waiting.len()
    }

    /// The oldest fix that has enough path behind it, and is far enough away.
    pub(super) fn pop_released(&mut self) -> Option<Kept> {
        let oldest = self.waiting.front()?;
        if self.length_m > 0.0 {
            let newest = self.progress.newest?;
            if self.progress.path_m - oldest.at_m < self.length_m
                || oldest.fix.position().distance_m(newest.position()) < self.straight_m
            {
                return None;
            }
        }
        self.pop()
    }

    /// The trip ends: the oldest fix that waits, where the end lies in a zone, which hides it.
    pub(super) fn pop_at_end(&mut self) -> Option<Kept> {
        if self.progress.ends_in_zone { self.pop() } else { None }
    }

    fn pop(&mut self) -> Option<Kept> {
        self.waiting.pop_front().map(|Waiting { fix, cut, .. }| Kept { fix, cut })
    }

    /// When the first fix of the trip was captured, Unix milliseconds.
    pub(super) fn started_ms(&self) -> Option<u64> {
        self.progress.first.map(|fix| fix.time_ms())
    }

    /// Path up to the newest fix, metres.
    pub(super) const fn path_m(&self) -> f64 {
        self.progress.path_m
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What waits and was not saved, or all of it; from now on it counts as saved.
    pub(super) fn save(&mut self, all: bool) -> impl ExactSizeIterator<Item = &Waiting> {
        let unsaved = std::mem::take(&mut self.unsaved);
        let from = if all { 0 } else { self.waiting.len().saturating_sub(unsaved) };
        self.waiting.range(from..)
    }
}

#[cfg(test)]
mod laws;
