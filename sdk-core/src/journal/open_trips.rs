//! The trips that are not ended, and their fixes that are no trace yet, as the entries tell them.

use std::collections::VecDeque;

use hexmile_trace::{Fix, TripId};

use super::Entry;

/// A trip that was not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenTrip {
    pub(crate) id: TripId,
    /// Whether the first fix is context: the last of the trace before.
    pub(crate) context: bool,
    pub(crate) fixes: Vec<Fix>,
}

impl OpenTrip {
    fn new(id: TripId, context: Option<Fix>) -> Self {
        Self { id, context: context.is_some(), fixes: context.into_iter().collect() }
    }

    /// Fixes that are no trace yet.
    fn own(&self) -> usize {
        self.fixes.len() - usize::from(self.context)
    }

    /// Takes `own` fixes off the front; the last stays as context where they are joined.
    fn take(&mut self, own: usize, joined: bool) {
        let end = (usize::from(self.context) + own).min(self.fixes.len());
        let gone = if joined { end.saturating_sub(1) } else { end };
        self.fixes.drain(..gone);
        self.context = joined && end > 0;
    }
}

/// Oldest first. Runs become traces in the order of recording, so that a trace is always of the
/// first trip that has fixes left; new fixes are of the last.
#[derive(Debug, Default)]
pub(super) struct OpenTrips(VecDeque<OpenTrip>);

impl OpenTrips {
    pub(super) fn apply(&mut self, entry: &Entry) {
        match entry {
            // A segment that resumes a trip begins while no fix is open.
            Entry::Opened { resumed: Some((id, fix)), .. } => {
                self.0.clear();
                self.0.push_back(OpenTrip::new(*id, Some(*fix)));
            }
            Entry::TripStarted(id) => {
                if self.0.back().is_none_or(|trip| trip.id != *id) {
                    self.0.push_back(OpenTrip::new(*id, None));
                }
            }
            Entry::Kept(fix) => self.keep(*fix),
            Entry::Sealed { own, joined, .. } | Entry::Discarded { own, joined } => {
                if let Some(trip) = self.0.iter_mut().find(|trip| trip.own() > 0) {
                    trip.take(usize::from(*own), *joined);
                }
            }
            Entry::TripEnded(id) => self.0.retain(|trip| trip.id != *id),
            Entry::Withdrawn => self.0.clear(),
            Entry::Opened { resumed: None, .. } | Entry::Settled { .. } => {}
        }
    }

    pub(super) fn keep(&mut self, fix: Fix) {
        if let Some(trip) = self.0.back_mut() {
            trip.fixes.push(fix);
        }
    }

    /// Fixes that are no trace yet, of all trips.
    pub(super) fn own(&self) -> usize {
        self.0.iter().map(OpenTrip::own).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn newest(&self) -> Option<&OpenTrip> {
        self.0.back()
    }

    pub(super) fn to_vec(&self) -> Vec<OpenTrip> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::RawFix;

    fn fix(time_ms: i64) -> Fix {
        Fix::quantise(&RawFix { time_ms, ..RawFix::default() }).unwrap()
    }

    fn sealed(own: u16, joined: bool) -> Entry {
        Entry::Sealed { sequence: 0, joined, own, bytes: Vec::new() }
    }

    #[test]
    fn traces_take_the_oldest_fixes_and_trips_end_by_name() {
        let (a, b) = (TripId([1; 8]), TripId([2; 8]));
        let mut open = OpenTrips::default();
        let mut tell = |entries: &[Entry]| {
            for entry in entries {
                open.apply(entry);
            }
            open.to_vec().iter().map(|t| (t.id, t.context, t.own())).collect::<Vec<_>>()
        };
        let kept = || Entry::Kept(fix(1));
        assert_eq!(tell(&[Entry::TripStarted(a), kept(), kept(), kept()]), [(a, false, 3)]);
        assert_eq!(tell(&[sealed(2, true)]), [(a, true, 1)]);
        assert_eq!(tell(&[Entry::TripStarted(b), kept(), kept()]), [(a, true, 1), (b, false, 2)]);
        assert_eq!(tell(&[sealed(1, false)]), [(a, false, 0), (b, false, 2)]);
        let discarded = Entry::Discarded { own: 1, joined: true };
        assert_eq!(tell(&[discarded]), [(a, false, 0), (b, true, 1)]);
        assert_eq!(tell(&[Entry::TripEnded(a), Entry::TripStarted(b)]), [(b, true, 1)]);
        assert_eq!(tell(&[sealed(0, true)]), [(b, true, 1)], "a trace sealed anew takes nothing");
        assert_eq!(tell(&[Entry::Withdrawn]), []);
        assert_eq!(tell(&[kept()]), [], "no trip, no fix");
    }
}
