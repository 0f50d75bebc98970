//! Which traces leave, and when.

use hexmile_trace::{MEDIA_TYPE, TraceId};

use super::{Effect, Moment, Recorder, Upload};
use crate::{
    enrol::Request,
    journal::Journal,
    upload::{Decision, UploadHold, UploadWait},
};

/// An upload that the host has.
pub(super) struct InFlight {
    pub(super) since_ms: u64,
    pub(super) traces: Vec<(u64, TraceId)>,
}

/// Longest time that the host may take to report, milliseconds. After it the upload goes again.
pub(super) const ANSWER_MS: u64 = 120_000;
/// When to look again whether a sealed trace has reached the disk, milliseconds.
const SYNC_WAIT_MS: u64 = 1000;

impl Recorder {
    /// Hands out what may leave now: an upload, or a question that nobody waits for.
    pub(super) fn next_upload(&mut self, moment: Moment, effects: &mut Vec<Effect>) {
        self.offer_upload(moment, effects);
        self.inquire(moment, effects);
    }

    /// Whether the host has an upload.
    pub(super) const fn is_uploading(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Hands out the next upload, or says when to ask again. One is under way at a time.
    fn offer_upload(&mut self, moment: Moment, effects: &mut Vec<Effect>) {
        self.read_clock(moment);
        self.upload_wait = None;
        let Some(journal) = self.journal.as_ref().filter(|_| !self.is_erasing()) else { return };
        if let Some(in_flight) = &self.in_flight {
            let until_ms = in_flight.since_ms.saturating_add(ANSWER_MS);
            if (in_flight.since_ms..until_ms).contains(&moment.now_ms) {
                return effects.push(Effect::WakeAt(until_ms));
            }
            self.in_flight = None;
            self.delay("no_answer".to_owned(), None, moment, effects);
            return self.offer_upload(moment, effects);
        }
        if journal.durable().next().is_none() {
            if journal.unsettled_len() > 0 {
                // It leaves once it is on disk; a sync that failed is tried again.
                journal.request_sync();
                effects.push(Effect::WakeAt(moment.now_ms.saturating_add(SYNC_WAIT_MS)));
            }
            return;
        }
        let wait = match self.may_upload(moment, effects) {
            Ok(sequences) => self.hand_out(&sequences, moment, effects).err(),
            Err(wait) => Some(wait),
        };
        self.upload_wait = wait;
        effects.extend(wait.and_then(|wait| wait.until_ms).map(Effect::WakeAt));
    }

    /// Which traces to upload now, by sequence number, or what stands in the way.
    fn may_upload(
        &mut self,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<Vec<u64>, UploadWait> {
        if let Some(wait) = self.gate(moment).upload() {
            return Err(wait);
        }
        let wait = |why, until_ms| UploadWait { why, until_ms: Some(until_ms) };
        if self.obstacle().is_some() {
            self.ask_for_policy(moment, effects);
            let again_ms = self.server.again_ms(moment.now_ms, ANSWER_MS);
            return Err(wait(UploadHold::ServerPause, again_ms));
        }
        let durable = self.journal.iter().flat_map(Journal::durable);
        match self.policy.decide(durable, moment.now_ms) {
            Decision::Idle => Ok(Vec::new()),
            Decision::Upload(sequences) => Ok(sequences),
            Decision::Wait(until_ms) if self.policy.paused().is_some() => {
                self.ask_for_policy(moment, effects);
                Err(wait(UploadHold::ServerPause, until_ms))
            }
            Decision::Wait(until_ms) => Err(wait(UploadHold::ServerRetry, until_ms)),
        }
    }

    /// Hands out an upload of these traces, as many as there is room for.
    fn hand_out(
        &mut self,
        sequences: &[u64],
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), UploadWait> {
        let mut body = Vec::new();
        let mut traces = Vec::with_capacity(sequences.len());
        let (mut unreadable, mut no_room) = (false, false);
        let largest = self.server.known().map_or(usize::MAX, |policy| policy.max_upload_bytes);
        let largest = largest.min(self.config.upload.max_request_bytes) as u64;
        let room = self.gate(moment).room();
        for &sequence in sequences {
            match self.sealed(sequence) {
                Ok(Some((trace, bytes))) => {
                    let len = (body.len() + bytes.len()) as u64;
                    let fits = if traces.is_empty() {
                        len <= room.alone
                    } else {
                        len <= room.bytes.min(largest)
                    };
                    no_room = !fits;
                    if no_room {
                        break;
                    }
                    body.extend_from_slice(&bytes);
                    traces.push((sequence, trace));
                }
                Ok(None) => {}
                Err(_) => {
                    unreadable = true;
                    self.policy.trace_failed(sequence, moment.now_ms, None, moment.random);
                }
            }
        }
        if !traces.is_empty() {
            // Both in one wake-up of the radio.
            self.ask_for_policy(moment, effects);
            self.note_request(body.len());
            self.in_flight = Some(InFlight { since_ms: moment.now_ms, traces: traces.clone() });
            self.status.bytes_uploaded += body.len() as u64;
            let request = Request { path: "/v1/traces", content_type: MEDIA_TYPE, body };
            effects.push(Effect::Upload(Upload { request, traces }));
        } else if no_room {
            return Err(self.gate(moment).budget_spent());
        } else if unreadable {
            self.delay("journal_unreadable".to_owned(), None, moment, effects);
        }
        Ok(())
    }
}
