//! The open run: released fixes that are not yet a trace.

use hexmile_trace::{Fix, MAX_FIXES, MAX_JOIN_MS, MAX_SPAN_MS, TripId};

use super::Step;

/// When the open run becomes a trace. A trace's own limits, 300 fixes and 5 minutes, always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealLimits {
    /// Longest time that the run's first own fix waits in it, milliseconds: short for fresh traffic,
    /// long for small uploads. It counts from when the fix joined: what was held back at the end of a
    /// trip is old by then, and would become a trace of its own.
    pub max_age_ms: u64,
}

impl SealLimits {
    /// A minute: what a driver contributes shows while they drive.
    pub const LIVE: Self = Self { max_age_ms: 45_000 };
    /// As long as a trace may be.
    pub const ECONOMY: Self = Self { max_age_ms: MAX_SPAN_MS };
}

/// A fix that may leave the phone, and joins the open run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) fix: Fix,
    /// Whether fixes between it and the one before were passed over: nothing joins the two.
    pub(crate) cut: bool,
}

impl Kept {
    /// Goes on where the fix before ended.
    pub(crate) const fn joined(fix: Fix) -> Self {
        Self { fix, cut: false }
    }
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

    /// The run without the fixes that are hidden: the stretches between them, which nothing joins.
    pub(crate) fn without(&self, hidden: impl Fn(&Fix) -> bool) -> Vec<Self> {
        let stretches = self.fixes.split(|fix| hidden(fix));
        let (mut from, mut runs) = (0, Vec::new());
        for fixes in stretches {
            let until = from + fixes.len();
            let run = Self {
                trip: self.trip,
                context: self.context && from == 0 && !fixes.is_empty(),
                joined: self.joined && until == self.fixes.len() && !fixes.is_empty(),
                fixes: fixes.to_vec(),
            };
            if run.own() > 0 {
                runs.push(run);
            }
            from = until + 1;
        }
        runs
    }
}

/// Collects fixes until they are a trace.
pub(super) struct OpenRun {
    limits: SealLimits,
    /// Whether the first fix is context.
    context: bool,
    fixes: Vec<Fix>,
    /// When the first own fix joined, Unix milliseconds as satellites correct it.
    opened_ms: u64,
    /// The emptied list of a run that was sealed before, so that sealing allocates nothing.
    spare: Option<Vec<Fix>>,
}

impl OpenRun {
    pub(super) fn new(limits: SealLimits) -> Self {
        let fixes = Vec::with_capacity(MAX_FIXES);
        Self { limits, context: false, fixes, opened_ms: 0, spare: None }
    }

    pub(super) const fn set_limits(&mut self, limits: SealLimits) {
        self.limits = limits;
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

    pub(super) fn push(&mut self, trip: TripId, kept: Kept, now_ms: u64, steps: &mut Vec<Step>) {
        let fix = kept.fix;
        if kept.cut {
            self.seal(trip, false, steps);
        }
        if let (Some(first), Some(last)) = (self.fixes.first(), self.fixes.last()) {
            let (start_ms, last_ms) = (first.time_ms(), last.time_ms());
            // A time before the last comes of a clock that was set back: nothing joins the two.
            if fix.time_ms() > last_ms + MAX_JOIN_MS || fix.time_ms() < last_ms {
                self.seal(trip, false, steps);
            } else if self.fixes.len() == MAX_FIXES || fix.time_ms() > start_ms + MAX_SPAN_MS {
                self.seal(trip, true, steps);
            }
        }
        if self.own() == 0 {
            self.opened_ms = now_ms;
        }
        self.fixes.push(fix);
        steps.push(Step::Keep(kept));
        self.tick(trip, now_ms, steps);
    }

    /// Fixes that no trace before has.
    fn own(&self) -> usize {
        self.fixes.len() - usize::from(self.context)
    }

    pub(super) fn tick(&mut self, trip: TripId, now_ms: u64, steps: &mut Vec<Step>) {
        // A clock that was set back starts anew.
        self.opened_ms = self.opened_ms.min(now_ms);
        if self.own() > 0 && now_ms - self.opened_ms >= self.limits.max_age_ms {
            self.seal(trip, true, steps);
        }
    }

    /// Forgets the fixes that are hidden: what was before them is sealed, and nothing joins what comes
    /// after. Returns how many of its own were.
    pub(super) fn hide(
        &mut self,
        trip: TripId,
        hidden: impl Fn(&Fix) -> bool,
        steps: &mut Vec<Step>,
    ) -> usize {
        if !self.fixes.iter().any(&hidden) {
            return 0;
        }
        let own = self.fixes.iter().skip(usize::from(self.context));
        let forgotten = own.filter(|fix| hidden(fix)).count();
        let goes_on = self.fixes.last().is_some_and(|last| !hidden(last));
        let fixes = std::mem::replace(&mut self.fixes, Vec::with_capacity(MAX_FIXES));
        let all = Run { trip, context: self.context, joined: false, fixes };
        let mut runs = all.without(hidden);
        self.context = false;
        if goes_on && let Some(last) = runs.pop() {
            self.context = last.context;
            self.fixes.extend(last.fixes);
        }
        steps.extend(runs.into_iter().map(Step::Seal));
        forgotten
    }

    /// Seals what there is; with `joined`, the last fix goes on as context of the next trace.
    pub(super) fn seal(&mut self, trip: TripId, joined: bool, steps: &mut Vec<Step>) {
        if self.own() == 0 {
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
