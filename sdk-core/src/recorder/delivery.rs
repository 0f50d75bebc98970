//! What the server answers to an upload, and what becomes of each trace by it.

use hexmile_trace::{Receipt, SignedTrace, Trace, TraceId};

use super::{Effect, Moment, Recorder, RecorderError, SDK_VERSION, Upload};
use crate::{
    journal::JournalError,
    upload::{Reception, Reply, Verdict},
};

/// Longest time between upload and answer that still tells the server's time, milliseconds.
pub(super) const TIMELY_ANSWER_MS: u64 = 30_000;
/// Age from which a server's word that a trace is too old is believed, milliseconds: its window of
/// seven days, less an hour for the two clocks.
const BELIEVED_AGE_MS: u64 = (7 * 24 - 1) * 3600 * 1000;

/// What became of one trace of an answered upload.
enum Step {
    Settled,
    Later(String),
    Pause(String),
}

impl Recorder {
    /// A sealed trace of the journal; `None` where it is damaged, and then it is given up.
    pub(super) fn sealed(
        &mut self,
        sequence: u64,
    ) -> Result<Option<(TraceId, Vec<u8>)>, JournalError> {
        let Some(journal) = &mut self.journal else { return Ok(None) };
        let Some(trace) = journal.unsettled_id(sequence) else { return Ok(None) };
        if let Some(bytes) = journal.sealed(sequence)? {
            return Ok(Some((trace, bytes)));
        }
        self.status.traces_dropped += 1;
        self.policy.settled(sequence);
        // The next opening will find the damage again if this cannot be written.
        let _ = journal.settle(sequence, trace, None);
        Ok(None)
    }

    /// The server answered an upload. Without consent an answer changes nothing: the server will
    /// give it again.
    ///
    /// # Errors
    /// The journal or the key store; the answer has its effect nonetheless.
    pub fn uploaded(
        &mut self,
        upload: &Upload,
        status: u16,
        body: &[u8],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        if self.journal.is_none() {
            return Ok(());
        }
        self.begin_numbering(moment.now_ms);
        self.note_answer(body.len(), moment);
        let took_ms = self.landed(upload, moment);
        let result = match Reply::read(status, body) {
            Reply::Results(results) => {
                let verdict = |trace| {
                    let result = results.iter().find(|r| r.trace == trace);
                    result.map_or_else(|| Verdict::Later("no_result".into()), |r| r.verdict.clone())
                };
                let verdicts = upload.traces.iter().map(|(n, trace)| (*n, *trace, verdict(*trace)));
                let verdicts = verdicts.collect();
                self.settle(verdicts, took_ms, retry_after_s, moment, effects)
            }
            Reply::Whole(Verdict::Later(code)) => {
                self.delay(code, retry_after_s, moment, effects);
                Ok(())
            }
            Reply::Whole(_) if upload.traces.len() > 1 => {
                self.policy.refused_whole(upload.traces.iter().map(|(sequence, _)| *sequence));
                Ok(())
            }
            Reply::Whole(verdict) => {
                let verdicts = upload.traces.iter().map(|(n, trace)| (*n, *trace, verdict.clone()));
                self.settle(verdicts.collect(), took_ms, retry_after_s, moment, effects)
            }
        };
        if self.trip.is_none() {
            // What the server was not asked about yet is not forgotten.
            self.keep_verdicts();
        }
        self.next_upload(moment, effects);
        result
    }

    /// An upload got no answer.
    pub fn upload_failed(&mut self, why: &str, moment: Moment, effects: &mut Vec<Effect>) {
        if self.journal.is_some() {
            self.in_flight = None;
            self.note_answer(0, moment);
            self.delay(why.to_owned(), None, moment, effects);
            self.next_upload(moment, effects);
        }
    }

    /// Notes that an upload is no longer under way; how long it was, where that is known.
    fn landed(&mut self, upload: &Upload, moment: Moment) -> Option<u64> {
        let in_flight = self.in_flight.take_if(|f| f.traces == upload.traces)?;
        moment.now_ms.checked_sub(in_flight.since_ms)
    }

    pub(super) fn delay(
        &mut self,
        why: String,
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.policy.failed(moment.now_ms, retry_after_s, moment.random);
        effects.push(Effect::Delayed(why));
    }

    fn pause(&mut self, code: String, moment: Moment, effects: &mut Vec<Effect>) {
        self.server.expire();
        let until_ms = self.policy.pause(code.clone(), moment.now_ms, moment.random);
        effects.push(Effect::Paused { code, until_ms });
    }

    fn settle(
        &mut self,
        verdicts: Vec<(u64, TraceId, Verdict)>,
        took_ms: Option<u64>,
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let (mut settled, mut later, mut pause, mut result) = (false, None, None, Ok(()));
        for (sequence, trace, verdict) in verdicts {
            // An answer that comes late, to an upload that went again, may find the trace settled.
            let waits = self.journal.as_ref().and_then(|j| j.unsettled_id(sequence)) == Some(trace);
            if !waits {
                continue;
            }
            let place = (sequence, trace);
            let (step, done) = match verdict {
                Verdict::Received(reception) => {
                    self.receive(place, &reception, took_ms, moment, effects)
                }
                Verdict::Refused(code) => self.give_up(place, code, effects),
                Verdict::TooOld(code) => match self.open(sequence) {
                    Ok(Some(signed)) if !self.is_old(&signed, moment.now_ms) => {
                        (Step::Later(code), Ok(()))
                    }
                    Ok(_) => self.give_up(place, code, effects),
                    Err(error) => (Step::Later(code), Err(error)),
                },
                Verdict::Renumber(code) => self.renew(place, code, moment, effects),
                Verdict::Pause(code) => match self.open(sequence) {
                    Ok(Some(trace)) if self.would_seal_otherwise(&trace) => {
                        self.renew(place, code, moment, effects)
                    }
                    Ok(_) => (Step::Pause(code), Ok(())),
                    Err(error) => (Step::Pause(code), Err(error)),
                },
                Verdict::Split(code) | Verdict::Later(code) => (Step::Later(code), Ok(())),
            };
            result = result.and(done);
            match step {
                Step::Settled => {
                    settled = true;
                    self.policy.settled(sequence);
                }
                Step::Later(code) => {
                    let (now_ms, random) = (moment.now_ms, moment.random);
                    self.policy.trace_failed(sequence, now_ms, retry_after_s, random);
                    later = Some(code);
                }
                Step::Pause(code) => pause = Some(code),
            }
        }
        if settled {
            self.policy.succeeded();
        }
        match (pause, later) {
            (Some(code), _) => self.pause(code, moment, effects),
            (None, Some(why)) if settled => effects.push(Effect::Delayed(why)),
            (None, Some(why)) => self.delay(why, retry_after_s, moment, effects),
            (None, None) => {}
        }
        result
    }

    fn receive(
        &mut self,
        (sequence, trace): (u64, TraceId),
        reception: &Reception,
        took_ms: Option<u64>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> (Step, Result<(), RecorderError>) {
        let receipt = reception.receipt.as_deref().filter(|r| self.is_about(r, sequence, trace));
        let keys = &self.config.server_keys;
        if !keys.is_empty() && !receipt.is_some_and(|r| keys.iter().any(|k| r.verify(k).is_ok())) {
            self.status.receipts_invalid += 1;
            return (Step::Later("receipt_invalid".to_owned()), Ok(()));
        }
        let received_at_ms = reception.received_at_ms;
        // A repeat's first receipt may be days old, and says nothing of the clock.
        if let Some(took_ms) = took_ms.filter(|ms| reception.fresh && *ms <= TIMELY_ANSWER_MS) {
            self.capture.note_server_time(received_at_ms, moment.now_ms - took_ms / 2);
        }
        self.status.traces_received += 1;
        self.inquiries.follow(trace, received_at_ms, moment.now_ms);
        effects.push(Effect::Received { trace, received_at_ms });
        (Step::Settled, self.settle_in_journal(sequence, trace, receipt.copied()))
    }

    fn is_about(&self, receipt: &Receipt, sequence: u64, trace: TraceId) -> bool {
        let body = &receipt.body;
        body.network == self.config.network
            && self.config.devices(self.device).any(|device| device == body.device)
            && body.sequence == sequence
            && body.trace == trace
    }

    fn give_up(
        &mut self,
        (sequence, trace): (u64, TraceId),
        code: String,
        effects: &mut Vec<Effect>,
    ) -> (Step, Result<(), RecorderError>) {
        *self.status.traces_refused.entry(code.clone()).or_default() += 1;
        effects.push(Effect::Refused { trace, code });
        (Step::Settled, self.settle_in_journal(sequence, trace, None))
    }

    /// Seals a trace anew, under a number that the server has not seen and by this version.
    fn renew(
        &mut self,
        (sequence, trace): (u64, TraceId),
        code: String,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> (Step, Result<(), RecorderError>) {
        let opened = match self.open(sequence) {
            Ok(Some(opened)) => opened,
            Ok(None) => return self.give_up((sequence, trace), code, effects),
            Err(error) => return (Step::Later(code), Err(error)),
        };
        let tried = self.policy.failures(sequence);
        match self.seal_anew((sequence, trace), &opened, tried, moment.now_ms) {
            Ok((number, now)) => {
                effects.push(Effect::Resealed { was: trace, now });
                // A server that refuses every number costs one upload a wait, and no more.
                self.policy.renumbered(sequence, number);
                self.policy.trace_failed(number, moment.now_ms, None, moment.random);
                (Step::Settled, Ok(()))
            }
            Err(error) => (Step::Later(code), Err(error)),
        }
    }

    fn settle_in_journal(
        &mut self,
        sequence: u64,
        trace: TraceId,
        receipt: Option<Receipt>,
    ) -> Result<(), RecorderError> {
        match &mut self.journal {
            Some(journal) => Ok(journal.settle(sequence, trace, receipt)?),
            None => Ok(()),
        }
    }

    fn open(&mut self, sequence: u64) -> Result<Option<Trace>, RecorderError> {
        let bytes = self.sealed(sequence)?.map(|(_, bytes)| bytes);
        let signed = bytes.and_then(|bytes| SignedTrace::from_bytes(&bytes).ok());
        Ok(signed.and_then(|signed| signed.decode().ok()))
    }

    /// Whether the trace is by a version or a key that this app has no more.
    fn would_seal_otherwise(&self, trace: &Trace) -> bool {
        trace.header().sdk_version != SDK_VERSION || trace.header().device != self.device
    }

    /// Whether a trace is too old for a server by the phone's own clock, as satellites correct it.
    fn is_old(&self, trace: &Trace, now_ms: u64) -> bool {
        let now_ms = self.capture.clock().capture_now_ms(now_ms);
        now_ms.saturating_sub(trace.first_ms()) >= BELIEVED_AGE_MS
    }
}
