//! What the driver wants to know of the server: verdicts and earnings.

use hexmile_trace::AccountId;

use super::{Effect, Moment, Recorder, departure::ANSWER_MS};
use crate::{
    journal::notes,
    upload::{Earnings, Inquiry, Subject, TraceVerdict},
};

impl Recorder {
    /// Whose earnings the driver wants to see; nobody's until this is called.
    pub fn set_account(&mut self, account: Option<AccountId>) {
        self.inquiries.set_account(account);
    }

    /// What became of the traces that arrived, oldest first; the last 200 of them.
    pub fn verdicts(&self) -> Vec<TraceVerdict> {
        self.inquiries.verdicts().cloned().collect()
    }

    /// What the account has earned, as the server last told in this run.
    pub fn earnings(&self) -> Option<Earnings> {
        self.inquiries.earnings().cloned()
    }

    /// Hands out a question where that costs next to nothing: over Wi-Fi, or after a trip while the
    /// radio is still awake.
    pub(super) fn inquire(&mut self, moment: Moment, effects: &mut Vec<Effect>) {
        let Moment { now_ms, random } = moment;
        if self.journal.is_none() || self.is_uploading() || !self.gate(moment).idle() {
            return;
        }
        let many = !self.conditions.is_cellular();
        if let Some(inquiry) = self.inquiries.next(now_ms, ANSWER_MS, many, random) {
            self.note_request(0);
            effects.push(Effect::Inquire(inquiry));
        } else if many {
            effects.extend(self.inquiries.again_ms(now_ms).map(Effect::WakeAt));
        }
    }

    /// The server answered a question. Without consent the answer changes nothing.
    pub fn inquiry_answered(
        &mut self,
        inquiry: &Inquiry,
        status: u16,
        body: &[u8],
        retry_after_s: Option<u32>,
        moment: Moment,
        effects: &mut Vec<Effect>,
    ) {
        if self.journal.is_none() {
            return;
        }
        self.note_answer(body.len(), moment);
        let Moment { now_ms, random } = moment;
        let answer = (status, body);
        let news = self.inquiries.answered(inquiry.subject, answer, retry_after_s, now_ms, random);
        match inquiry.subject {
            Subject::Trace(trace) if news => {
                let verdict = self.inquiries.verdicts().find(|verdict| verdict.trace == trace);
                effects.extend(verdict.cloned().map(Effect::Judged));
                self.keep_verdicts();
            }
            Subject::Earnings(_) if news => effects.push(Effect::Earned),
            _ => {}
        }
        self.inquire(moment, effects);
    }

    /// A question got no answer.
    pub fn inquiry_failed(&mut self, inquiry: &Inquiry, moment: Moment) {
        if self.journal.is_some() {
            self.note_answer(0, moment);
            self.inquiries.failed(inquiry.subject, None, moment.now_ms, moment.random);
        }
    }

    /// Takes up what an earlier run was told. A file that cannot be read is as none.
    pub(super) fn load_verdicts(&mut self) {
        if self.inquiries.verdicts().next().is_none() {
            let kept = notes::load(&self.config.journal_dir, notes::VERDICTS);
            self.inquiries.take_notes(&kept.unwrap_or_default());
        }
    }

    /// Keeps what was told, on a disk that has room for it.
    pub(super) fn keep_verdicts(&self) {
        let kept = self.inquiries.to_notes();
        let _ = notes::save(&self.config.journal_dir, notes::VERDICTS, &kept, false);
    }
}
