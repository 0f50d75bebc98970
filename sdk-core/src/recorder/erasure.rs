//! The driver wants everything gone: on the phone, and at the server.

use hexmile_trace::sign::Signer;

use super::{Effect, Moment, Recorder, RecorderError, consent::OpenTripFate, departure::ANSWER_MS};
use crate::{
    journal::{HeldName, Journal, erasures},
    json::Value,
    me::{self, Key, SignedRequest},
    upload::{Backoff, Inquiries, PolicyWatch, Problem, UploadPolicy},
};

/// How long the server takes a signed request, milliseconds.
const LIFE_MS: u64 = 30 * 24 * 3600 * 1000;
/// How long to wait where the server finds a request's time wrong and the phone does not, seconds: a
/// phone whose clock was ahead signed it in the server's future, which comes.
const WRONG_TIME_S: u32 = 3600;

/// A request that the server has not answered.
pub(super) struct PendingErasure {
    request: SignedRequest,
    backoff: Backoff,
    /// When the host was given it, where it has not reported.
    sent_ms: Option<u64>,
}

impl PendingErasure {
    const fn new(request: SignedRequest) -> Self {
        Self { request, backoff: Backoff::NONE, sent_ms: None }
    }
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// Nothing of the account is left.
    Erased,
    /// It never will be, by this request.
    Refused(String),
    /// Its time is wrong by the server's clock.
    WrongTime(String),
    /// Ask again.
    Later(String),
}

/// What the server says when it has erased an account: when that was, Unix milliseconds.
fn forgotten_at_ms(body: &[u8]) -> Option<u64> {
    Value::read(body)?.field("forgotten_at_ms")?.u64()
}

impl Answer {
    /// A stranger's word, such as a hotspot's page, ends nothing.
    fn read(status: u16, body: &[u8]) -> Self {
        if status == 200 && forgotten_at_ms(body).is_some() {
            return Self::Erased;
        }
        match Problem::read(body) {
            Some(problem) if status == 404 && problem.code == "not_found" => Self::Erased,
            Some(problem) if status == 401 && problem.code == "request_expired" => {
                Self::WrongTime(problem.code)
            }
            Some(problem) if matches!(status, 401 | 403) => Self::Refused(problem.code),
            Some(problem) => Self::Later(problem.code),
            None => Self::Later(format!("http_{status}")),
        }
    }
}

impl Recorder {
    /// The driver wants everything gone. Consent is withdrawn; a request that the server erase the
    /// account is signed and kept; every other file of the journal is deleted, unsent traces,
    /// receipts and files set aside among them. After this the host may destroy the keys.
    ///
    /// The request is signed by `account`, or by this device's key where the account's own is not on
    /// this phone. It waits in a file of its own, the only one that there is without consent, until
    /// the server has answered: the host goes on calling [`tick`](Self::tick), and carries out
    /// [`Effect::Erase`]. Who joins again in the meantime, with new keys or the old ones, records at once;
    /// their uploads wait until the server has answered, since it would erase them with the account.
    ///
    /// # Errors
    /// The key store, and then the files are gone but nothing was asked of the server; or the
    /// journal: another recorder holds it, or a file cannot be written or deleted. Calling again
    /// goes on.
    pub fn erase(
        &mut self,
        account: Option<&dyn Signer>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        // What could not be written will be deleted; what cannot be deleted goes on in no case.
        let _ = self.stop_recording();
        self.open_trip = OpenTripFate::Forgotten;
        let key = account.map_or(Key::Device(&*self.signer), Key::Account);
        let offset_ms = self.capture.clock().offset_ms().unwrap_or(0);
        let signed_at_ms = moment.now_ms.saturating_add_signed(offset_ms);
        let request = me::erasure(self.config.network, key, signed_at_ms);
        // Keys first: a file that cannot be deleted is noise without.
        let names = HeldName::list(&self.config.journal_dir).unwrap_or_default();
        let destroyed = self.destroy(names).and(self.destroy_places());
        self.policy = UploadPolicy::new(self.config.max_batch);
        self.server = PolicyWatch::default();
        self.inquiries = Inquiries::default();
        // The request may be kept although another file cannot be deleted.
        self.erasures = None;
        Journal::erase(&self.config.journal_dir, request.as_ref().ok())?;
        self.open_trip = OpenTripFate::None;
        request?;
        self.next_erasures(moment, effects).and(destroyed)
    }

    /// Requests to erase an account that wait for an answer.
    pub(super) fn erasures_waiting(&self) -> usize {
        self.erasures.as_ref().map_or(0, Vec::len)
    }

    /// Whether a request waits, or may: the server would erase with the account what was uploaded before
    /// it came.
    pub(super) fn is_erasing(&self) -> bool {
        self.erasures.as_ref().is_none_or(|pending| !pending.is_empty())
    }

    /// Hands out the requests whose turn it is. What an earlier run left is found here, too.
    pub(super) fn next_erasures(
        &mut self,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        if self.erasures.is_none() {
            let found = erasures::load(&self.config.journal_dir)?;
            self.status.damaged_bytes += found.damaged_bytes;
            let pending = found.requests.into_iter().map(PendingErasure::new);
            self.erasures = Some(pending.collect());
        }
        self.read_clock(moment);
        let mut erasures = self.erasures.take();
        for pending in erasures.iter_mut().flatten() {
            if let Some(sent_ms) = pending.sent_ms {
                let until_ms = sent_ms.saturating_add(ANSWER_MS);
                if (sent_ms..until_ms).contains(&moment.now_ms) {
                    effects.push(Effect::WakeAt(until_ms));
                    continue;
                }
                pending.sent_ms = None;
                pending.backoff.fail(moment.now_ms, None, moment.random);
            }
            if let Some(until_ms) = pending.backoff.until_ms(moment.now_ms) {
                effects.push(Effect::WakeAt(until_ms));
            } else if let Some(wait) = self.gate(moment).urgent() {
                effects.extend(wait.until_ms.map(Effect::WakeAt));
            } else {
                self.note_request(0);
                pending.sent_ms = Some(moment.now_ms);
                effects.push(Effect::Erase(pending.request.clone()));
            }
        }
        self.erasures = erasures;
        Ok(())
    }

    /// The server answered a request to erase an account.
    ///
    /// # Errors
    /// The journal: the answered request could not be deleted, and will be sent again by a later
    /// run.
    pub fn erasure_answered(
        &mut self,
        request: &SignedRequest,
        status: u16,
        body: &[u8],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        self.note_answer(body.len(), moment);
        // Signed by a clock that was far ahead it is as useless: uploads would wait for it until then.
        let age_ms = moment.now_ms.abs_diff(request.signed_at_ms);
        let (done, retry_after_s) = match Answer::read(status, body) {
            Answer::Erased => (Effect::Erased, None),
            Answer::Refused(code) => (Effect::ErasureRefused { code }, None),
            Answer::WrongTime(code) if age_ms >= LIFE_MS => (Effect::ErasureRefused { code }, None),
            Answer::WrongTime(code) => (Effect::Delayed(code), Some(WRONG_TIME_S)),
            Answer::Later(code) => (Effect::Delayed(code), retry_after_s),
        };
        if matches!(done, Effect::Delayed(_)) {
            self.erasure_later(request, retry_after_s, moment);
            effects.push(done);
            return self.next_erasures(moment, effects);
        }
        let Some(pending) = &mut self.erasures else { return Ok(()) };
        let before = pending.len();
        pending.retain(|p| p.request != *request);
        if pending.len() == before {
            // A late answer to a request that was sent twice, or signed anew.
            return Ok(());
        }
        effects.push(done);
        Ok(erasures::remove(&self.config.journal_dir, request)?)
    }

    /// A request to erase an account got no answer.
    ///
    /// # Errors
    /// The journal.
    pub fn erasure_failed(
        &mut self,
        request: &SignedRequest,
        why: &str,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RecorderError> {
        self.note_answer(0, moment);
        self.erasure_later(request, None, moment);
        effects.push(Effect::Delayed(why.to_owned()));
        self.next_erasures(moment, effects)
    }

    fn erasure_later(
        &mut self,
        request: &SignedRequest,
        retry_after_s: Option<u32>,
        moment: Moment,
    ) {
        let pending = self.erasures.iter_mut().flatten().find(|p| p.request == *request);
        if let Some(pending) = pending {
            pending.sent_ms = None;
            pending.backoff.fail(moment.now_ms, retry_after_s, moment.random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &str) -> String {
        format!(r#"{{"type":"urn:hexmile:problem:{code}","code":"{code}","temporary":false}}"#)
    }

    #[test]
    fn only_a_hexmile_servers_word_ends_a_request() {
        let check = |status, body: &str, want: Answer| {
            assert_eq!(Answer::read(status, body.as_bytes()), want, "{status} {body}");
        };
        let later = |code: &str| Answer::Later(code.to_owned());
        check(200, r#"{"devices":1,"traces":2,"forgotten_at_ms":3}"#, Answer::Erased);
        check(404, &problem("not_found"), Answer::Erased);
        check(403, &problem("signature_invalid"), Answer::Refused("signature_invalid".into()));
        check(
            401,
            &problem("authorization_malformed"),
            Answer::Refused("authorization_malformed".into()),
        );
        check(401, &problem("request_expired"), Answer::WrongTime("request_expired".into()));
        check(503, &problem("busy"), later("busy"));
        check(429, &problem("too_many"), later("too_many"));
        for status in [200, 204, 302, 401, 403, 404, 511] {
            for page in ["", "{}", "<html>sign in</html>", r#"{"code":"not_found"}"#] {
                check(status, page, later(&format!("http_{status}")));
            }
        }
    }
}
