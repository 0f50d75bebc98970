//! What is held back at the end of a trip: on disk under the trip's key, and after a crash.

use hexmile_trace::TripId;

use super::{Effect, HeldLoss, Moment, Recorder, RecorderError};
use crate::{
    capture::{Held, Unfinished},
    journal::{HeldName, Journal, JournalError, OpenTrip},
    secrets::SecretError,
};

/// Longest time from the last fix before a crash to the first one after it, milliseconds, in which the
/// trip goes on.
const RESUME_MS: u64 = 5 * 60_000;
/// How long to wait until a secret store that failed is asked again, milliseconds.
const AGAIN_MS: u64 = 60_000;

/// Where the stretch that is held back lies.
#[derive(Default)]
pub(super) struct Holding {
    /// The file of the trip under way, whose key the host keeps.
    name: Option<HeldName>,
    /// Files of the same trip by earlier processes, until its own is written.
    earlier: Vec<HeldName>,
    /// Files whose keys could not be destroyed yet.
    doomed: Vec<HeldName>,
    /// When the secret store last failed to make a key, by the phone's clock.
    failed_ms: Option<u64>,
    /// Whether there is something that was not handed over.
    pub(super) unsaved: bool,
    /// The last fix before a crash, where none has come since; capture time.
    resumed_ms: Option<u64>,
}

impl Recorder {
    /// The trip under way has begun, or goes on: what it holds back is kept on disk from now on, where the
    /// host's secret store makes a key.
    pub(super) fn begin_holding(&mut self, trip: TripId, effects: &mut Vec<Effect>) {
        let Some(journal) = self.journal.as_mut().filter(|_| self.capture.holds()) else { return };
        let name = HeldName::after(trip, self.holding.earlier.iter());
        match self.config.secrets.create(&name.key()) {
            Ok(key) => {
                journal.begin_held(&name, trip, &key);
                self.holding.name = Some(name);
                self.holding.unsaved = true;
                self.status.held_in_memory = None;
            }
            Err(error) => {
                let why = error.to_string();
                if self.status.held_in_memory.as_ref() != Some(&why) {
                    effects.push(Effect::HeldInMemory { why: why.clone() });
                }
                self.status.held_in_memory = Some(why);
            }
        }
    }

    /// Hands over what was kept and what came to wait, for the journal's thread to write. `fix_ms` is the
    /// capture time of the newest fix, where it is one that asks for it.
    pub(super) fn hand_over(&mut self, fix_ms: Option<u64>) {
        let Some(journal) = &mut self.journal else { return };
        self.holding.unsaved = false;
        if self.holding.name.is_some() {
            let all = journal.wants_all_held();
            if let Some((progress, offset_ms, waiting)) = self.capture.save_held(all) {
                return journal.hand_over_held(fix_ms, all, (&progress, offset_ms), waiting);
            }
        }
        journal.hand_over(fix_ms);
    }

    /// Sees to what is held back now and then: asks a secret store that failed again, lets earlier files
    /// go, and tells what went wrong.
    pub(super) fn tend_holding(
        &mut self,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let holding = &mut self.holding;
        if holding.name.is_none()
            && self.capture.holds()
            && let Some(trip) = self.trip
            && holding.failed_ms.is_none_or(|ms| moment.now_ms.abs_diff(ms) >= AGAIN_MS)
        {
            holding.failed_ms = Some(moment.now_ms);
            self.begin_holding(trip, effects);
        }
        // What a slow disk has not taken yet goes with the next tick.
        if self.holding.unsaved && !self.journal.as_ref().is_some_and(Journal::is_behind) {
            self.hand_over(None);
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if let Some(cause) = journal.take_held_failure() {
            let why = cause.to_string();
            if self.status.held_in_memory.as_ref() != Some(&why) {
                effects.push(Effect::HeldInMemory { why: why.clone() });
            }
            self.status.held_in_memory = Some(why);
        } else if journal.is_held_saved() {
            self.status.held_in_memory = None;
        }
        if !self.holding.earlier.is_empty() && journal.is_held_saved() {
            let earlier = std::mem::take(&mut self.holding.earlier);
            self.destroy(earlier)?;
        }
        Ok(())
    }

    /// Destroys the keys that could not be destroyed before.
    pub(super) fn destroy_doomed(&mut self) -> Result<(), RecorderError> {
        let doomed = std::mem::take(&mut self.holding.doomed);
        self.destroy(doomed)
    }

    /// Nothing is held back any more: its keys are destroyed, and then its files are deleted.
    pub(super) fn end_holding(&mut self) -> Result<(), RecorderError> {
        let mut names = std::mem::take(&mut self.holding.earlier);
        names.extend(self.holding.name.take());
        self.holding.unsaved = false;
        self.holding.resumed_ms = None;
        self.holding.failed_ms = None;
        self.status.held_in_memory = None;
        let destroyed = self.destroy(names);
        if let Some(journal) = &mut self.journal {
            journal.end_held();
        }
        destroyed
    }

    /// Destroys keys, and then deletes the files that are under them. A file goes even where the store
    /// fails to destroy its key; it is asked again later.
    pub(super) fn destroy(&mut self, names: Vec<HeldName>) -> Result<(), RecorderError> {
        let mut result = Ok(());
        for name in names {
            let destroyed = self.config.secrets.destroy(&name.key());
            if let Some(journal) = &mut self.journal {
                journal.delete_held(&name);
            }
            if let Err(error) = destroyed {
                self.holding.doomed.push(name);
                result = Err(error.into());
            }
        }
        result
    }

    /// Goes on with the trip that was under way when an earlier process died, where what it held back can
    /// be read; of every other trip the rest is sealed.
    pub(super) fn recover(&mut self, effects: &mut Vec<Effect>) {
        let Some(journal) = &self.journal else { return };
        let mut trips = journal.open_trips();
        let mut names = journal.held_names().unwrap_or_else(|_| {
            self.lose(HeldLoss::Unreadable, effects);
            Vec::new()
        });
        let last = trips.pop();
        for trip in trips {
            self.seal_rest(&trip);
        }
        let id = last.as_ref().map(|trip| trip.id);
        let own: Vec<_> =
            names.extract_if(.., |name| id.is_some_and(|id| name.is_of(id))).collect();
        if let Some(trip) = last {
            if let Some(held) = self.find_held(trip.id, &own, effects) {
                self.holding.earlier = own;
                self.resume(&trip, held, effects);
            } else {
                self.seal_rest(&trip);
                names.extend(own);
            }
        }
        // A store that fails is asked again by the next tick, which tells.
        let _ = self.destroy(names);
    }

    /// Cuts what a crash left open into runs, and queues them.
    fn seal_rest(&mut self, trip: &OpenTrip) {
        let mut steps = std::mem::take(&mut self.steps);
        self.capture.reseal_open(trip.id, trip.context, &trip.fixes, &mut steps);
        self.carry_out(steps);
        self.pending.push_back(super::Pending::Ended(trip.id));
    }

    fn resume(&mut self, trip: &OpenTrip, held: Held, effects: &mut Vec<Effect>) {
        let last = held.progress.newest.map_or(0, |fix| fix.time_ms());
        let offset_ms = held.clock_offset_ms.unwrap_or(0);
        let unfinished = Unfinished {
            trip: trip.id,
            context: trip.context,
            kept: &trip.fixes,
            last_ms: trip.last_ms,
            held,
        };
        let mut steps = std::mem::take(&mut self.steps);
        self.capture.resume(unfinished, &mut steps);
        self.carry_out(steps);
        self.trip = Some(trip.id);
        self.known.left = true;
        self.holding.resumed_ms = Some(last);
        if let Some(follower) = &mut self.follower {
            follower.motion.resume(last.saturating_add_signed(-offset_ms));
        }
        effects.push(Effect::TripResumed(trip.id));
        self.begin_holding(trip.id, effects);
        self.hand_over(None);
    }

    /// What an earlier process held back, from the newest file that can be read.
    fn find_held(
        &mut self,
        trip: TripId,
        names: &[HeldName],
        effects: &mut Vec<Effect>,
    ) -> Option<Held> {
        // Who cuts nothing from a trip's ends now did when this one began.
        let names = if self.config.trim.cuts() { names } else { &[] };
        let mut loss = None;
        for name in names.iter().rev() {
            match self.read_held(trip, name) {
                Ok((held, None)) => return Some(held),
                Ok((held, Some(damaged))) => {
                    self.lose(damaged, effects);
                    return Some(held);
                }
                Err(why) => loss = loss.or(why),
            }
        }
        if let Some(loss) = loss {
            self.lose(loss, effects);
        }
        None
    }

    fn lose(&mut self, loss: HeldLoss, effects: &mut Vec<Effect>) {
        *self.status.held_lost.entry(loss).or_default() += 1;
        effects.push(Effect::HeldLost(loss));
    }

    /// What a file holds, and whether part of it is lost; or why it is, where anything is.
    fn read_held(
        &mut self,
        trip: TripId,
        name: &HeldName,
    ) -> Result<(Held, Option<HeldLoss>), Option<HeldLoss>> {
        let Some(journal) = &self.journal else { return Err(None) };
        let key = match self.config.secrets.read(&name.key()) {
            Ok(Some(key)) => key,
            Ok(None) => return Err(Some(HeldLoss::KeyMissing)),
            Err(SecretError::Locked) => return Err(Some(HeldLoss::KeyLocked)),
            Err(SecretError::Failed(_)) => return Err(Some(HeldLoss::KeyFailed)),
        };
        let found = journal.read_held(name, trip, &key).map_err(|error| match error {
            // The file was still being written for the first time.
            JournalError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound => None,
            _ => Some(HeldLoss::Unreadable),
        })?;
        self.status.damaged_bytes += found.damaged_bytes;
        let damaged = (found.damaged_bytes > 0).then_some(HeldLoss::Damaged);
        found.held.map(|held| (held, damaged)).ok_or(Some(HeldLoss::Damaged))
    }

    /// Whether a trip that a crash interrupted has waited too long for a fix of `time_ms`, or for none.
    pub(super) fn is_too_late(&self, time_ms: u64) -> bool {
        self.holding.resumed_ms.is_some_and(|last_ms| time_ms.abs_diff(last_ms) > RESUME_MS)
    }

    /// A fix of the trip came.
    pub(super) const fn goes_on(&mut self) {
        self.holding.resumed_ms = None;
        self.holding.unsaved = true;
    }

    /// Hands over where the journal says that it is time, by the newest fix, and its thread keeps up.
    pub(super) fn hand_over_if_due(&mut self, fix_ms: u64) {
        if self.journal.as_ref().is_some_and(|j| j.is_due(fix_ms) && !j.is_behind()) {
            self.hand_over(Some(fix_ms));
        }
    }
}
