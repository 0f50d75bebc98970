//! The driver agrees, and withdraws.

use super::{Effect, Recorder, RecorderError, following::Follower};
use crate::journal::Journal;

/// What becomes of a trip that is open on disk, at the next opening.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenTripFate {
    /// It goes on.
    GoesOn,
    /// It is forgotten: the driver withdrew, and that is not on disk.
    Forgotten,
    /// There is none: this recorder saw to it.
    None,
}

impl Recorder {
    /// The driver agrees to recording. Opens the journal. A trip that was under way when the app died goes
    /// on ([`Effect::TripResumed`]), where what it held back can be read; what else an earlier run left
    /// unfinished is sealed with the next ticks, and waits to be uploaded.
    ///
    /// # Errors
    /// The journal.
    pub fn grant_consent(&mut self, effects: &mut Vec<Effect>) -> Result<(), RecorderError> {
        if self.journal.is_some() {
            return Ok(());
        }
        let devices = self.config.devices(self.device).collect();
        let (mut journal, recovered) =
            Journal::open(&self.config.journal_dir, devices, self.config.journal_limit_bytes)?;
        if self.open_trip == OpenTripFate::Forgotten {
            journal.withdraw()?;
        }
        self.open_trip = OpenTripFate::GoesOn;
        journal.hide(&|fix| self.capture.hides(fix))?;
        self.journal = Some(journal);
        self.load_meter();
        self.load_verdicts();
        self.next_sequence = recovered.next_sequence;
        self.numbered = false;
        self.status.consent = true;
        self.status.damaged_bytes += recovered.damaged_bytes;
        if recovered.set_aside > 0 {
            self.status.segments_set_aside += recovered.set_aside;
            effects.push(Effect::SetAside { segments: recovered.set_aside });
        }
        // A secret store that fails is asked again by each tick, which says so.
        let _ = self.load_places(effects);
        self.recover(effects);
        Ok(())
    }

    /// The driver withdraws: recording stops at once, and nothing more is written or uploaded. The
    /// trip under way is forgotten, and what of it was not sealed never will be; the journal says so
    /// on disk before this returns. What was sealed stays on disk until it is erased.
    ///
    /// Without consent it is about what an earlier run left open, where the app died before it could say so, or
    /// could not open the journal: call it at each start without the driver's consent.
    ///
    /// # Errors
    /// The journal, and then what was open is forgotten at the next opening, as long as this recorder
    /// lives; or the secret store. Consent is withdrawn nonetheless.
    pub fn withdraw_consent(&mut self) -> Result<(), RecorderError> {
        if self.journal.is_none() && self.open_trip != OpenTripFate::None {
            self.open_trip = OpenTripFate::Forgotten;
            if Journal::is_in(&self.config.journal_dir) {
                self.grant_consent(&mut Vec::new())?;
            }
        }
        self.stop_recording()
    }

    /// Recording stops; what is open in an open journal is forgotten on disk, too.
    pub(super) fn stop_recording(&mut self) -> Result<(), RecorderError> {
        self.capture.forget();
        self.pending.clear();
        self.hide_open = false;
        let destroyed = self.end_holding();
        self.in_flight = None;
        self.trip = None;
        self.unload_places();
        self.follower = self.follower.take().map(|_| Follower::new());
        self.status.consent = false;
        let Some(mut journal) = self.journal.take() else { return destroyed };
        self.status.traces_dropped += journal.dropped_traces();
        let withdrawn = journal.withdraw();
        self.open_trip =
            if withdrawn.is_ok() { OpenTripFate::None } else { OpenTripFate::Forgotten };
        withdrawn?;
        destroyed
    }
}
