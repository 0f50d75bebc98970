//! The trips that are not ended, and their fixes that are no trace yet, as the entries tell them.

use std::collections::VecDeque;

use hexmile_trace::{Fix, TripId};

use super::{Entry, entry::Stretch};
use crate::capture::Kept;

/// A trip that was not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenTrip {
    pub(crate) id: TripId,
    /// Whether the first fix is context: the last of the trace before.
    pub(crate) context: bool,
    pub(crate) fixes: Vec<Kept>,
    /// When the last fix that was kept was captured, whether it is a trace or not.
    pub(crate) last_ms: Option<u64>,
    /// Whether nothing joins the next fix to those before.
    cut: bool,
}

impl OpenTrip {
    /// Its fixes in stretches that nothing joins, each with whether its first is context.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = (bool, Vec<Fix>)> {
        let stretches = self.fixes.chunk_by(|_, next| !next.cut);
        stretches.enumerate().map(|(n, stretch)| {
            (n == 0 && self.context, stretch.iter().map(|kept| kept.fix).collect())
        })
    }

    fn new(id: TripId, context: Option<Fix>) -> Self {
        Self {
            id,
            context: context.is_some(),
            last_ms: context.map(|fix| fix.time_ms()),
            fixes: context.into_iter().map(Kept::joined).collect(),
            cut: false,
        }
    }

    /// Fixes that are no trace yet.
    fn own(&self) -> usize {
        self.fixes.len() - usize::from(self.context)
    }

    pub(super) fn own_fixes(&self) -> &[Kept] {
        &self.fixes[usize::from(self.context)..]
    }

    /// The entry with which a segment begins inside it.
    pub(super) fn beginning(&self) -> Entry {
        match self.last_ms {
            Some(last_ms) => Entry::TripGoesOn { trip: self.id, last_ms },
            None => Entry::TripStarted(self.id),
        }
    }

    /// Takes `own` fixes off the front; the last stays as context where they are joined.
    fn take(&mut self, own: usize, joined: bool) {
        let end = (usize::from(self.context) + own).min(self.fixes.len());
        let gone = if joined { end.saturating_sub(1) } else { end };
        self.fixes.drain(..gone);
        self.context = joined && end > 0;
    }

    fn keep(&mut self, mut kept: Kept) {
        kept.cut |= std::mem::take(&mut self.cut);
        self.last_ms = Some(kept.fix.time_ms());
        self.fixes.push(kept);
    }

    /// Forgets fixes by their number.
    fn hide(&mut self, hidden: impl Fn(usize) -> bool) {
        self.context &= !hidden(0);
        let (mut number, mut cut) = (0, false);
        self.fixes.retain_mut(|kept| {
            let gone = hidden(number);
            kept.cut |= cut;
            cut = gone;
            number += 1;
            !gone
        });
        self.cut |= cut;
    }
}

/// Whether a fix, by its number, lies in one of these stretches.
fn has(stretches: &[Stretch], number: usize) -> bool {
    stretches.iter().any(|s| (s.from.into()..s.until.into()).contains(&number))
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
            Entry::TripStarted(id) => self.go_on(*id),
            Entry::TripGoesOn { trip, last_ms } => {
                self.go_on(*trip);
                if let Some(trip) = self.0.back_mut() {
                    trip.last_ms = Some(*last_ms);
                }
            }
            Entry::Kept(kept) => self.keep(*kept),
            Entry::Sealed { own, joined, .. } | Entry::Discarded { own, joined } => {
                if let Some(trip) = self.0.iter_mut().find(|trip| trip.own() > 0) {
                    trip.take(usize::from(*own), *joined);
                }
            }
            Entry::TripEnded(id) => self.0.retain(|trip| trip.id != *id),
            Entry::Hidden(stretches) => self.hide(stretches),
            Entry::Withdrawn => self.0.clear(),
            Entry::Opened { resumed: None, .. } | Entry::Settled { .. } => {}
        }
    }

    fn go_on(&mut self, id: TripId) {
        if self.0.back().is_none_or(|trip| trip.id != id) {
            self.0.push_back(OpenTrip::new(id, None));
        }
    }

    pub(super) fn keep(&mut self, kept: Kept) {
        if let Some(trip) = self.0.back_mut() {
            trip.keep(kept);
        }
    }

    fn hide(&mut self, stretches: &[Stretch]) {
        let mut before = 0;
        for trip in &mut self.0 {
            let len = trip.fixes.len();
            trip.hide(|number| has(stretches, before + number));
            before += len;
        }
    }

    /// Where the open fixes are that a predicate says to hide, and those that are to be hidden already.
    pub(super) fn hidden(
        &self,
        already: &[Stretch],
        hidden: &dyn Fn(&Fix) -> bool,
    ) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let fixes = self.0.iter().flat_map(|trip| &trip.fixes).enumerate();
        for (number, _) in fixes.filter(|(n, kept)| hidden(&kept.fix) || has(already, *n)) {
            let Ok(from) = u16::try_from(number) else { break };
            match stretches.last_mut() {
                Some(last) if last.until == from => last.until = from.saturating_add(1),
                _ => stretches.push(Stretch { from, until: from.saturating_add(1) }),
            }
        }
        stretches
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

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenTrip> {
        self.0.iter()
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
        let kept = || Entry::Kept(Kept::joined(fix(1)));
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

    #[test]
    fn what_is_hidden_is_forgotten_and_nothing_is_joined_across_it() {
        let (a, b) = (TripId([1; 8]), TripId([2; 8]));
        let mut open = OpenTrips::default();
        let kept = |ms| Entry::Kept(Kept::joined(fix(ms)));
        let drive = |trip, from: i64| {
            [Entry::TripStarted(trip)].into_iter().chain((from..from + 4).map(kept))
        };
        for entry in drive(a, 0).chain([sealed(1, true)]).chain(drive(b, 10)) {
            open.apply(&entry);
        }
        let hide = |ms: &[u64]| {
            let stretches = open.hidden(&[], &|fix| ms.contains(&fix.time_ms()));
            open.apply(&Entry::Hidden(stretches));
            let trip = |t: &OpenTrip| {
                let fixes = t.fixes.iter().map(|k| (k.fix.time_ms(), k.cut)).collect::<Vec<_>>();
                (t.context, fixes, t.cut)
            };
            open.0.iter().map(trip).collect::<Vec<_>>()
        };
        let mut hide = hide;
        let all = |from: u64| (from..from + 4).map(|ms| (ms, false)).collect::<Vec<_>>();
        assert_eq!(hide(&[]), [(true, all(0), false), (false, all(10), false)]);
        let left = hide(&[0, 2, 13]);
        assert_eq!(left[0], (false, vec![(1, true), (3, true)], false), "its context, too");
        assert_eq!(left[1], (false, all(10)[..3].to_vec(), true), "nothing joins the next");
    }
}
