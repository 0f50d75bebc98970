//! From fixes as the platform reports them to traces ready to be signed.
//!
//! [`Capture`] is a pure state machine: every call says at once what to write and what to seal,
//! and reads no clock. A fix passes the filter, stays where it lies in a zone or in quiet hours,
//! waits at the trip's ends until it is private enough to leave, and joins the open run, which is
//! sealed when it is full, old, or cut by a gap.

mod clock;
mod filter;
mod places;
mod privacy;
#[cfg(test)]
mod privacy_laws;
mod resume;
mod run;
mod trim;
mod zone;

pub(crate) use clock::PhoneClock;
pub use filter::{DropReason, FilterLimits};
pub(crate) use places::Places;
pub use privacy::{Privacy, PrivacyError, QuietHours};
pub(crate) use resume::{Held, Unfinished};
pub use run::SealLimits;
pub(crate) use run::{Kept, Run};
pub use trim::EndTrim;
pub(crate) use trim::{Progress, Waiting};
pub use zone::Zone;

use hexmile_trace::{Fix, RawFix, TripId};

use filter::Filter;
use run::OpenRun;
use trim::Trim;

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

impl Recorded {
    /// Whether it was a good fix of the trip under way, whatever became of it.
    pub(crate) const fn is_of_the_trip(self) -> bool {
        use DropReason::{QuietHours, TripStart, Zone};
        matches!(self, Self::Kept | Self::Held | Self::Dropped(TripStart | Zone | QuietHours))
    }
}

/// What the caller must do, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Write a released fix, which joins the open run.
    Keep(Kept),
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
    fn release(&mut self, now_ms: u64, steps: &mut Vec<Step>) {
        while let Some(released) = self.trim.pop_released() {
            self.run.push(self.id, released, now_ms, steps);
        }
    }
}

/// Fixes that were forgotten because a zone or quiet hours were set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Of those that waited.
    pub(crate) held: usize,
    /// Of those that had joined the open run.
    pub(crate) kept: usize,
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
    closed: bool,
}

impl Capture {
    /// No trip yet.
    pub(crate) fn new(
        filter: FilterLimits,
        seal: SealLimits,
        trim: EndTrim,
        privacy: Privacy,
    ) -> Self {
        let clock = PhoneClock::default();
        Self { filter, seal, trim, privacy, clock, trip: None, displaced: 0, closed: false }
    }

    /// Other zones and hours, from now on. What waits, or is in the open run, and lies in one of them is
    /// forgotten; returns how many fixes were, of each.
    pub(crate) fn set_privacy(&mut self, privacy: Privacy, steps: &mut Vec<Step>) -> Forgotten {
        self.privacy = privacy;
        let hidden = |fix: &Fix| self.closed || self.privacy.hides(fix).is_some();
        self.trip.as_mut().map_or(Forgotten::default(), |trip| Forgotten {
            held: trip.trim.forget(hidden),
            kept: trip.run.hide(trip.id, hidden, steps),
        })
    }

    /// Whether a fix stays on the phone, by the zones and hours that hold now.
    pub(crate) fn hides(&self, fix: &Fix) -> bool {
        self.closed || self.privacy.hides(fix).is_some()
    }

    /// Other limits for the traces to be, from now on.
    pub(crate) fn set_seal(&mut self, seal: SealLimits) {
        self.seal = seal;
        if let Some(trip) = &mut self.trip {
            trip.run.set_limits(seal);
        }
    }

    /// What holds now.
    pub(crate) const fn privacy(&self) -> &Privacy {
        &self.privacy
    }

    /// While it is closed, every place might be one that stays on the phone.
    pub(crate) const fn close(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// The first fix of the trip under way.
    pub(crate) fn first(&self) -> Option<Fix> {
        self.trip.as_ref()?.trim.progress().first
    }

    /// The newest fix of the trip under way.
    pub(crate) fn newest(&self) -> Option<Fix> {
        self.trip.as_ref()?.trim.progress().newest
    }

    /// What is known of the phone's clock.
    pub(crate) const fn clock(&self) -> &PhoneClock {
        &self.clock
    }

    /// Of the trip under way: when its first fix was captured, its path in metres, and how many fixes
    /// wait at its end.
    pub(crate) fn progress(&self) -> Option<(Option<u64>, f64, usize)> {
        let trim = &self.trip.as_ref()?.trim;
        Some((trim.started_ms(), trim.path_m(), trim.held()))
    }

    /// A server's clock was `server_ms` when the phone's was `now_ms`.
    pub(crate) fn note_server_time(&mut self, server_ms: u64, now_ms: u64) {
        self.clock.note_server(server_ms, now_ms);
    }

    /// Fixes forgotten since the last call because too many waited at the end of a trip.
    pub(crate) fn take_displaced(&mut self) -> u64 {
        std::mem::take(&mut self.displaced)
    }

    /// Whether the trip under way holds fixes back at its end.
    pub(crate) fn holds(&self) -> bool {
        self.trip.as_ref().is_some_and(|trip| trip.trim.holds())
    }

    /// What waits at the end of the trip and was not saved, or all of it; from now on it counts as saved.
    pub(crate) fn save_held(
        &mut self,
        all: bool,
    ) -> Option<(Progress, Option<i64>, impl ExactSizeIterator<Item = &Waiting>)> {
        let trip = self.trip.as_mut().filter(|trip| trip.trim.holds())?;
        let progress = *trip.trim.progress();
        Some((progress, self.clock.gnss_offset_ms(), trip.trim.save(all)))
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
        let closed = self.closed.then_some(DropReason::Zone);
        let recorded = if let Some(reason) = closed.or_else(|| self.privacy.hides(&fix)) {
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
        trip.release(self.clock.capture_now_ms(now_ms), steps);
        let held = trip.trim.held() > 0;
        if recorded == Recorded::Held && !held { Recorded::Kept } else { recorded }
    }

    /// A fix was not even looked at: nothing joins what was before it to what comes after.
    pub(crate) fn miss(&mut self) {
        if let Some(trip) = &mut self.trip {
            trip.trim.miss();
        }
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
            trip.run.push(trip.id, released, released.fix.time_ms(), steps);
        }
        trip.run.seal(trip.id, false, steps);
        trip.trim.held()
    }

    /// Forgets the trip and everything of it that was not sealed.
    pub(crate) fn forget(&mut self) {
        self.trip = None;
    }
}
