//! From fixes as the platform reports them to traces ready to be signed.
//!
//! [`Capture`] is a pure state machine: every call says at once what to write and what to seal,
//! and reads no clock. A fix passes the filter, stays where it lies in a zone or in quiet hours,
//! waits at the trip's ends until it is private enough to leave, and joins the open run, which is
//! sealed when it is full, old, or cut by a gap.

mod clock;
mod filter;
#[cfg(test)]
mod privacy_laws;
mod run;
mod trim;
mod zones;

pub(crate) use clock::PhoneClock;
pub use filter::{DropReason, FilterLimits};
pub(crate) use run::Run;
pub use run::SealLimits;
pub use trim::EndTrim;
pub use zones::{Privacy, PrivacyError, QuietHours, Zone};

use hexmile_trace::{Fix, RawFix, TripId};

use filter::Filter;
use run::OpenRun;
use trim::{Released, Trim};

/// What became of one fix at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It joined the open run.
    Kept,
    /// It waits until enough of the trip lies between it and the trip's end.
    Held,
    /// It is gone, and counted.
    Dropped(DropReason),
}

/// What the caller must do, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Write a released fix, which joins the open run.
    Keep(Fix),
    /// Seal a run as one trace; its fixes were all written before.
    Seal(Run),
}

/// The trip being recorded.
struct Trip {
    id: TripId,
    filter: Filter,
    trim: Trim,
    run: OpenRun,
}

impl Trip {
    fn release(&mut self, released: Released, steps: &mut Vec<Step>) {
        if released.cut {
            self.run.seal(self.id, false, steps);
        }
        self.run.push(self.id, released.fix, steps);
    }
}

/// Follows one trip at a time.
pub(crate) struct Capture {
    filter: FilterLimits,
    seal: SealLimits,
    trim: EndTrim,
    privacy: Privacy,
    clock: PhoneClock,
    trip: Option<Trip>,
    /// Fixes that waited at the end of a trip until there was no more room.
    displaced: u64,
}

impl Capture {
    /// No trip yet.
    pub(crate) fn new(
        filter: FilterLimits,
        seal: SealLimits,
        trim: EndTrim,
        privacy: Privacy,
    ) -> Self {
        Self { filter, seal, trim, privacy, clock: PhoneClock::default(), trip: None, displaced: 0 }
    }

    /// Other zones and hours, from now on; what waits in one of them is forgotten. Returns how many
    /// fixes were.
    pub(crate) fn set_privacy(&mut self, privacy: Privacy) -> usize {
        self.privacy = privacy;
        let hidden = |fix: &Fix| self.privacy.hides(fix).is_some();
        self.trip.as_mut().map_or(0, |trip| trip.trim.forget(hidden))
    }

    /// What is known of the phone's clock.
    pub(crate) const fn clock(&self) -> &PhoneClock {
        &self.clock
    }

    /// A server's clock was `server_ms` when the phone's was `now_ms`.
    pub(crate) fn note_server_time(&mut self, server_ms: u64, now_ms: u64) {
        self.clock.note_server(server_ms, now_ms);
    }

    /// Fixes forgotten since the last call because too many waited at the end of a trip.
    pub(crate) fn take_displaced(&mut self) -> u64 {
        std::mem::take(&mut self.displaced)
    }

    /// Cuts fixes that a journal kept into runs to be sealed; the first is context where `context`
    /// says so. They were written before: no step asks for it again.
    pub(crate) fn reseal_open(
        &self,
        trip: TripId,
        context: bool,
        fixes: &[Fix],
        steps: &mut Vec<Step>,
    ) {
        let (context, own) = fixes.split_at(usize::from(context).min(fixes.len()));
        let mut run = OpenRun::with_context(self.seal, context.first().copied());
        for fix in own {
            run.push(trip, *fix, steps);
        }
        run.seal(trip, false, steps);
        steps.retain(|step| matches!(step, Step::Seal(_)));
    }

    /// Begins a trip, after ending the one under way.
    pub(crate) fn start(&mut self, id: TripId, steps: &mut Vec<Step>) {
        self.stop(steps);
        self.trip = Some(Trip {
            id,
            filter: Filter::new(self.filter),
            trim: Trim::new(self.trim),
            run: OpenRun::new(self.seal),
        });
    }

    /// Takes a fix of the trip under way.
    pub(crate) fn record(&mut self, raw: &RawFix, now_ms: u64, steps: &mut Vec<Step>) -> Recorded {
        let Some(trip) = &mut self.trip else { return Recorded::Dropped(DropReason::NoTrip) };
        let fix = match trip.filter.take(raw, now_ms, &mut self.clock) {
            Ok(fix) => fix,
            Err(reason) => return Recorded::Dropped(reason),
        };
        let recorded = if let Some(reason) = self.privacy.hides(&fix) {
            trip.trim.pass(fix, reason == DropReason::Zone);
            Recorded::Dropped(reason)
        } else {
            match trip.trim.push(fix) {
                trim::Fate::Start => return Recorded::Dropped(DropReason::TripStart),
                trim::Fate::Displaces => self.displaced += 1,
                trim::Fate::Waits => {}
            }
            Recorded::Held
        };
        while let Some(released) = trip.trim.pop_released() {
            trip.release(released, steps);
        }
        let held = trip.trim.held() > 0;
        if recorded == Recorded::Held && !held { Recorded::Kept } else { recorded }
    }

    /// Seals the open run if it has grown old; call it now and then while nothing arrives.
    pub(crate) fn tick(&mut self, now_ms: u64, steps: &mut Vec<Step>) {
        if let Some(trip) = &mut self.trip {
            trip.run.tick(trip.id, self.clock.capture_now_ms(now_ms), steps);
        }
    }

    /// Seals what is open, however young it is.
    pub(crate) fn seal_open(&mut self, steps: &mut Vec<Step>) {
        if let Some(trip) = &mut self.trip {
            trip.run.seal(trip.id, true, steps);
        }
    }

    /// Takes back the fixes of a run that is a trace now, for their room.
    pub(crate) fn reuse(&mut self, run: Run) {
        if let Some(trip) = &mut self.trip {
            trip.run.reuse(run.fixes);
        }
    }

    /// Ends the trip: what waits at its end is forgotten, the rest is sealed. Returns how many
    /// fixes were forgotten.
    pub(crate) fn stop(&mut self, steps: &mut Vec<Step>) -> usize {
        let Some(mut trip) = self.trip.take() else { return 0 };
        while let Some(released) = trip.trim.pop_at_end() {
            trip.release(released, steps);
        }
        trip.run.seal(trip.id, false, steps);
        trip.trim.held()
    }

    /// Forgets the trip and everything of it that was not sealed.
    pub(crate) fn forget(&mut self) {
        self.trip = None;
    }
}
