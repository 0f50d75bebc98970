//! The server's policy: fetched, shown and obeyed.

use super::{
    Effect, Moment, Recorder, SDK_VERSION, delivery::TIMELY_ANSWER_MS, departure::ANSWER_MS,
};
use crate::upload::ServerPolicy;

impl Recorder {
    /// Asks for the server's policy where it is time to.
    pub(super) fn ask_for_policy(&mut self, moment: Moment, effects: &mut Vec<Effect>) {
        if self.server.ask(moment.now_ms, ANSWER_MS, moment.random) {
            self.note_request(0);
            effects.push(Effect::FetchPolicy { path: "/v1/policy" });
        }
    }

    /// Why the server takes nothing of this app, by its policy.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        self.server.known().and_then(|policy| policy.obstacle)
    }

    /// The server answered the request for its policy. Without consent the answer changes nothing.
    pub fn policy_answered(
        &mut self,
        status: u16,
        body: &[u8],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Moment { now_ms, random } = moment;
        if self.journal.is_none() {
            return;
        }
        self.note_answer(body.len(), moment);
        let read = ServerPolicy::read(status, body, self.config.network, SDK_VERSION);
        let Some((policy, server_ms)) = read else {
            self.server.failed(now_ms, retry_after_s, random);
            return;
        };
        let before = self.obstacle();
        let took_ms = self.server.told(policy, now_ms, random);
        if let Some(took_ms) = took_ms.filter(|ms| *ms <= TIMELY_ANSWER_MS) {
            self.capture.note_server_time(server_ms, now_ms - took_ms / 2);
        }
        self.policy.set_max_batch(self.config.max_batch.min(policy.max_batch));
        if let Some(code) = policy.obstacle.filter(|code| before != Some(*code)) {
            let until_ms = self.server.again_ms(now_ms, ANSWER_MS);
            effects.push(Effect::Paused { code: code.to_owned(), until_ms });
        }
        self.next_upload(moment, effects);
    }

    /// The request for the server's policy got no answer. Uploads go on by what was known.
    pub fn policy_failed(&mut self, moment: Moment) {
        self.note_answer(0, moment);
        self.server.failed(moment.now_ms, None, moment.random);
    }
}
