//! Going on where an earlier process stopped.

use hexmile_trace::TripId;

use super::{
    Capture, Kept, Step, Trip,
    filter::Filter,
    run::OpenRun,
    trim::{Progress, Trim, Waiting},
};

/// What an earlier process left of the trip under way.
pub(crate) struct Unfinished<'a> {
    pub(crate) trip: TripId,
    /// Whether the first kept fix is context.
    pub(crate) context: bool,
    /// What was kept and is no trace yet.
    pub(crate) kept: &'a [Kept],
    /// When the last fix that was kept was captured.
    pub(crate) last_ms: Option<u64>,
    pub(crate) held: Held,
}

/// What waits at the end of a trip.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Held {
    pub(crate) progress: Progress,
    /// By how much satellites say that the phone's clock is off, milliseconds.
    pub(crate) clock_offset_ms: Option<i64>,
    pub(crate) waiting: Vec<Waiting>,
}

impl Held {
    /// What was not kept, where the last fix that was is of `last_ms`: fixes leave in the order in which
    /// they wait. Time alone is no order where the phone's clock was set back.
    fn after(self, last_ms: Option<u64>) -> impl Iterator<Item = Waiting> {
        let kept = last_ms.map_or(0, |last_ms| {
            let at = |w: &Waiting| w.fix.time_ms() == last_ms;
            let known = self.waiting.iter().rposition(at).map(|last| last + 1);
            known.unwrap_or_else(|| self.waiting.partition_point(|w| w.fix.time_ms() < last_ms))
        });
        self.waiting.into_iter().skip(kept)
    }
}

impl Capture {
    /// Cuts fixes that a journal kept into runs to be sealed; the first is context where `context`
    /// says so. They were written before: no step asks for it again.
    pub(crate) fn reseal_open(
        &self,
        trip: TripId,
        context: bool,
        kept: &[Kept],
        steps: &mut Vec<Step>,
    ) {
        let mut run = self.reopen(trip, context, kept, steps);
        run.seal(trip, false, steps);
    }

    fn reopen(&self, trip: TripId, context: bool, kept: &[Kept], steps: &mut Vec<Step>) -> OpenRun {
        let (context, own) = kept.split_at(usize::from(context).min(kept.len()));
        let mut run = OpenRun::with_context(self.seal, context.first().map(|kept| kept.fix));
        for kept in own {
            run.push(trip, *kept, kept.fix.time_ms(), steps);
        }
        steps.retain(|step| matches!(step, Step::Seal(_)));
        run
    }

    /// Goes on with a trip that an earlier process left. What it had seen since it last saved is not
    /// known: nothing joins what comes to what was.
    pub(crate) fn resume(&mut self, unfinished: Unfinished<'_>, steps: &mut Vec<Step>) {
        let Unfinished { trip: id, context, kept, last_ms, held } = unfinished;
        self.clock.resume(held.clock_offset_ms);
        // Nor is it known whether the zone that it was in, if it was in one, was its end.
        let progress = Progress { cut: true, ends_in_zone: false, ..held.progress };
        let last_seen_ms = progress.newest.map(|fix| fix.time_ms());
        let hidden = |waiting: &Waiting| self.hides(&waiting.fix);
        let mut cut = false;
        let waiting = held.after(last_ms).filter_map(|mut waiting| {
            let gone = hidden(&waiting);
            waiting.cut |= std::mem::replace(&mut cut, gone);
            (!gone).then_some(waiting)
        });
        let trim = Trim::resume(self.trim, progress, waiting);
        let filter = Filter::resume(self.filter, last_seen_ms);
        let run = self.reopen(id, context, kept, steps);
        let mut trip = Trip { id, filter, trim, run };
        trip.release(last_seen_ms.unwrap_or(0), steps);
        self.trip = Some(trip);
    }
}
