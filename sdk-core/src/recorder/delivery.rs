//! Sealed traces on their way to the server, and its answers.

use hexmile_trace::{MEDIA_TYPE, TraceId};

use super::{Effect, Moment, Recorder, RecorderError, Upload};
use crate::{
    enrol::Request,
    journal::Entry,
    upload::{Decision, Reply, TraceResult, Verdict},
};

impl Recorder {
    /// Hands out the next upload, or says when to ask again. One is under way at a time.
    pub(super) fn next_upload(&mut self, moment: Moment, effects: &mut Vec<Effect>) {
        let Some(journal) = &self.journal else { return };
        if self.uploading {
            return;
        }
        let n = match self.policy.decide(journal.unsettled_len(), moment.now_ms) {
            Decision::Idle => return,
            Decision::Wait(until_ms) => return effects.push(Effect::WakeAt(until_ms)),
            Decision::Upload(n) => n,
        };
        let mut body = Vec::new();
        let mut traces = Vec::with_capacity(n);
        let mut damaged = Vec::new();
        for (sequence, trace, _) in journal.unsettled().take(n) {
            match journal.sealed(sequence) {
                Some(bytes) => {
                    body.extend_from_slice(&bytes);
                    traces.push((sequence, trace));
                }
                None => damaged.push((sequence, trace)),
            }
        }
        for (sequence, trace) in damaged {
            self.status.traces_dropped += 1;
            // The next opening will find the damage again if this cannot be written.
            let _ = self.append(&Entry::Settled { sequence, trace });
        }
        if !traces.is_empty() {
            self.uploading = true;
            self.status.bytes_uploaded += body.len() as u64;
            let request = Request { path: "/v1/traces", content_type: MEDIA_TYPE, body };
            effects.push(Effect::Upload(Upload { request, traces }));
        }
    }

    /// The server answered an upload.
    ///
    /// # Errors
    /// The journal.
    pub fn uploaded(
        &mut self,
        upload: &Upload,
        status: u16,
        body: &[u8],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        self.uploading = false;
        match Reply::read(status, body) {
            Reply::Later(code) => self.delay(code, retry_after_s, moment, effects),
            Reply::Refused(_) if upload.traces.len() > 1 => {
                self.policy.refused_whole(upload.traces.len());
            }
            Reply::Refused(code) => {
                let refused = |(_, trace): &(u64, TraceId)| TraceResult {
                    trace: *trace,
                    verdict: Verdict::Refused(code.clone()),
                };
                let results: Vec<_> = upload.traces.iter().map(refused).collect();
                self.settle(upload, &results, retry_after_s, moment, effects)?;
            }
            Reply::Results(results) => {
                self.settle(upload, &results, retry_after_s, moment, effects)?;
            }
        }
        self.next_upload(moment, effects);
        Ok(())
    }

    /// An upload got no answer.
    pub fn upload_failed(&mut self, why: &str, moment: Moment, effects: &mut Vec<Effect>) {
        self.uploading = false;
        self.delay(why.to_owned(), None, moment, effects);
        self.next_upload(moment, effects);
    }

    fn delay(
        &mut self,
        why: String,
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.policy.failed(moment.now_ms, retry_after_s, moment.random);
        effects.push(Effect::Delayed(why));
    }

    fn settle(
        &mut self,
        upload: &Upload,
        results: &[TraceResult],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        let mut later = None;
        for &(sequence, trace) in &upload.traces {
            let result = results.iter().find(|r| r.trace == trace);
            match result.map(|r| &r.verdict) {
                Some(Verdict::Received(received_at_ms)) => {
                    self.append(&Entry::Settled { sequence, trace })?;
                    self.status.traces_received += 1;
                    self.note_server_time(*received_at_ms, moment.now_ms);
                    effects.push(Effect::Received { trace, received_at_ms: *received_at_ms });
                }
                Some(Verdict::Refused(code)) => {
                    self.append(&Entry::Settled { sequence, trace })?;
                    *self.status.traces_refused.entry(code.clone()).or_default() += 1;
                    effects.push(Effect::Refused { trace, code: code.clone() });
                }
                Some(Verdict::Later(code)) => later = Some(code.clone()),
                None => later = Some("no_result".to_owned()),
            }
        }
        match later {
            Some(why) => self.delay(why, retry_after_s, moment, effects),
            None => self.policy.succeeded(),
        }
        Ok(())
    }

    /// The offset is that of a fresh receipt: good to the time an upload takes.
    fn note_server_time(&mut self, received_at_ms: u64, now_ms: u64) {
        // A repeat's first receipt may be days old, and says nothing of the clock.
        if received_at_ms.abs_diff(now_ms) < 3_600_000 {
            self.capture.note_server_time(received_at_ms, now_ms);
        }
    }
}
