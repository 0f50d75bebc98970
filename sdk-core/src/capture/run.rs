//! The open run: released fixes that are not yet a trace.

use hexmile_trace::{Fix, MAX_FIXES, MAX_JOIN_MS, MAX_SPAN_MS, TripId};

use super::Step;

/// When the open run becomes a trace. A trace's own limits, 300 fixes and 5 minutes, always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealLimits {
    /// Longest time from the run's first own fix to now, milliseconds: short for fresh traffic,
    /// long for small uploads.
    pub max_age_ms: u64,
}

impl SealLimits {
    /// A minute: what a driver contributes shows while they drive.
    pub const LIVE: Self = Self { max_age_ms: 45_000 };
    /// As long as a trace may be.
    pub const ECONOMY: Self = Self { max_age_ms: MAX_SPAN_MS };
}

/// Fixes that become one trace of a trip.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) trip: TripId,
    /// Whether the first fix repeats the last of the trace before.
    pub(crate) context: bool,
    /// Whether the last fix will be repeated by the trace after.
    pub(crate) joined: bool,
    /// 1 to 300 of them.
    pub(crate) fixes: Vec<Fix>,
}

impl Run {
    /// Fixes that no trace before has.
    pub(crate) fn own(&self) -> u16 {
        (self.fixes.len() - usize::from(self.context)) as u16
    }
}

/// Collects fixes until they are a trace.
pub(super) struct OpenRun {
    limits: SealLimits,
    /// Whether the first fix is context.
    context: bool,
    fixes: Vec<Fix>,
    /// The emptied list of a run that was sealed before, so that sealing allocates nothing.
    spare: Option<Vec<Fix>>,
}

impl OpenRun {
    pub(super) fn new(limits: SealLimits) -> Self {
        Self { limits, context: false, fixes: Vec::with_capacity(MAX_FIXES), spare: None }
    }

    /// Takes back the list of a run that is a trace now.
    pub(super) fn reuse(&mut self, mut fixes: Vec<Fix>) {
        fixes.clear();
        self.spare = Some(fixes);
    }

    /// A run that a journal kept: its context fix, if any, is in place before the others come.
    pub(super) fn with_context(limits: SealLimits, context: Option<Fix>) -> Self {
        let mut run = Self::new(limits);
        run.context = context.is_some();
        run.fixes.extend(context);
        run
    }

    pub(super) fn push(&mut self, trip: TripId, fix: Fix, steps: &mut Vec<Step>) {
        if let (Some(first), Some(last)) = (self.fixes.first(), self.fixes.last()) {
            let (start_ms, last_ms) = (first.time_ms(), last.time_ms());
            // A time before the last comes of a clock that was set back: nothing joins the two.
            if fix.time_ms() > last_ms + MAX_JOIN_MS || fix.time_ms() < last_ms {
                self.seal(trip, false, steps);
            } else if self.fixes.len() == MAX_FIXES || fix.time_ms() > start_ms + MAX_SPAN_MS {
                self.seal(trip, true, steps);
            }
        }
        self.fixes.push(fix);
        steps.push(Step::Keep(fix));
        self.tick(trip, fix.time_ms(), steps);
    }

    pub(super) fn tick(&mut self, trip: TripId, now_ms: u64, steps: &mut Vec<Step>) {
        let own = self.fixes.get(usize::from(self.context));
        if own.is_some_and(|first| now_ms >= first.time_ms().saturating_add(self.limits.max_age_ms))
        {
            self.seal(trip, true, steps);
        }
    }

    /// Seals what there is; with `joined`, the last fix goes on as context of the next trace.
    pub(super) fn seal(&mut self, trip: TripId, joined: bool, steps: &mut Vec<Step>) {
        if self.fixes.len() <= usize::from(self.context) {
            if !joined {
                self.fixes.clear();
                self.context = false;
            }
            return;
        }
        let last = self.fixes.last().copied().filter(|_| joined);
        let mut next = self.spare.take().unwrap_or_else(|| Vec::with_capacity(MAX_FIXES));
        next.extend(last);
        let fixes = std::mem::replace(&mut self.fixes, next);
        steps.push(Step::Seal(Run { trip, context: self.context, joined, fixes }));
        self.context = last.is_some();
    }
}
