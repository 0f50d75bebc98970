//! What the host tells of the phone, and what requests cost it.

use super::{Effect, Moment, Recorder};
use crate::{
    journal::notes,
    upload::{Conditions, Gate, Meter, UploadRules},
};

impl Recorder {
    /// The phone's connection, battery or settings are now these; call it when one of them changes,
    /// and when the app comes to life. What waited for them leaves.
    ///
    /// Until the first call the connection counts as cellular, and the battery as full.
    pub fn set_conditions(
        &mut self,
        conditions: Conditions,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.conditions = conditions;
        if self.erasures.is_some() {
            // Once they were looked for, nothing of it fails.
            let _ = self.next_erasures(moment, effects);
        }
        self.next_upload(moment, effects);
    }

    /// The driver wants uploads by other rules from now on. With another mode, traces take its size,
    /// too.
    pub fn set_upload_rules(
        &mut self,
        rules: UploadRules,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        if rules.mode != self.config.upload.mode {
            self.config.seal = rules.mode.seal();
            self.capture.set_seal(rules.mode.seal());
        }
        self.config.upload = rules;
        self.next_upload(moment, effects);
    }

    /// What a request is decided by.
    pub(super) fn gate(&self, moment: Moment) -> Gate<'_> {
        Gate {
            rules: &self.config.upload,
            conditions: &self.conditions,
            meter: &self.meter,
            on_trip: self.trip.is_some(),
            now_ms: moment.now_ms,
        }
    }

    /// Takes up what an earlier run has counted. A file that cannot be read counts as none: uploads
    /// must not end by it.
    pub(super) fn load_meter(&mut self) {
        if self.meter.is_new() {
            let kept = notes::load(&self.config.journal_dir, notes::METER).unwrap_or_default();
            let kept = kept.first().and_then(|kept| Meter::from_bytes(kept));
            self.meter = kept.unwrap_or(Meter::NEW);
        }
    }

    pub(super) fn read_clock(&mut self, moment: Moment) {
        self.meter.read_clock(moment.now_ms);
    }

    /// Notes a request that is handed out now, with a body of so many bytes.
    pub(super) fn note_request(&mut self, body_bytes: usize) {
        if self.conditions.is_cellular() {
            self.meter.note_request(body_bytes);
            self.keep_meter();
        }
    }

    /// Notes the end of a request, and an answer of so many bytes.
    pub(super) fn note_answer(&mut self, body_bytes: usize, moment: Moment) {
        self.read_clock(moment);
        if self.conditions.is_cellular() {
            self.meter.note_answer(body_bytes);
        }
    }

    /// Keeps the meter on disk. A disk that is full keeps what it has: the next request tries again.
    fn keep_meter(&self) {
        if self.journal.is_some() {
            let kept = [self.meter.to_bytes()];
            let _ = notes::save(&self.config.journal_dir, notes::METER, &kept, false);
        }
    }
}
