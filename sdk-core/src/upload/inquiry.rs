//! What the driver wants to know of the server: what became of the traces that arrived, and what they
//! earned. When there is time to ask, and what the answer means.

use std::collections::VecDeque;

use hexmile_trace::{AccountId, TraceId};

use super::{Backoff, Problem};
use crate::json::{ObjectWriter, Value};

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// What became of a trace.
    Trace(TraceId),
    /// What the account has earned.
    Earnings(AccountId),
}

/// A GET for the host's HTTP stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// What it is about.
    pub subject: Subject,
    /// Path on the server.
    pub path: String,
}

/// What the server's rules said of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceVerdict {
    /// Which trace.
    pub trace: TraceId,
    /// When it arrived, Unix milliseconds by the server's clock.
    pub received_at_ms: u64,
    /// Whether it counts; `None` while nothing was said.
    pub accepted: Option<bool>,
    /// Stable codes of what was found, at most eight.
    pub reasons: Vec<String>,
    /// Quality, parts per million.
    pub quality_ppm: Option<u32>,
    /// Distance that counts, metres.
    pub distance_m: Option<u32>,
}

/// What an account has earned, as the server last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earnings {
    /// Which account.
    pub account: AccountId,
    /// What the ledger holds for it, 1e-6 token.
    pub balance: i64,
    /// When that was told, Unix milliseconds by the phone's clock.
    pub told_at_ms: u64,
    /// The newest epochs in which it scored, newest first, at most 30.
    pub epochs: Vec<EpochEarnings>,
}

/// What an account got in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEarnings {
    /// Which.
    pub epoch: u64,
    /// 1e-6 token.
    pub pay: i64,
}

/// Traces that are remembered; past it the oldest are forgotten.
const MAX_TRACES: usize = 200;
const MAX_REASONS: usize = 8;
const MAX_EPOCHS: usize = 30;
/// How long a trace is left to the server's rules before the first question, milliseconds.
const FIRST_WAIT_MS: u64 = 60_000;
/// How long earnings hold, milliseconds.
const EARNINGS_LIFE_MS: u64 = 24 * 3600 * 1000;
/// Questions in a row while a cellular radio is awake.
const MAX_IN_A_ROW: u32 = 8;

struct Followed {
    verdict: TraceVerdict,
    wait: Backoff,
}

/// What is known, and what there is to ask.
#[derive(Default)]
pub(crate) struct Inquiries {
    traces: VecDeque<Followed>,
    account: Option<AccountId>,
    earnings: Option<Earnings>,
    earnings_wait: Backoff,
    /// The wait after a question that failed.
    all: Backoff,
    in_flight: Option<(Subject, u64)>,
    in_a_row: u32,
}

/// What the server tells of a trace that its rules have judged.
#[derive(Default)]
struct Evidence {
    reasons: Vec<String>,
    quality_ppm: Option<u32>,
    distance_m: Option<u32>,
}

impl Evidence {
    fn read(evidence: &Value<'_>) -> Option<Self> {
        let reasons = match evidence.given("reasons")? {
            Some(reasons) => reasons.texts()?,
            None => Vec::new(),
        };
        let quality_ppm = evidence.optional("quality_ppm", Value::u32)?;
        Some(Self {
            reasons,
            quality_ppm,
            distance_m: evidence.optional("distance_m", Value::whole)?,
        })
    }
}

impl Inquiries {
    /// Whose earnings are asked for.
    pub(crate) fn set_account(&mut self, account: Option<AccountId>) {
        if self.account != account {
            self.account = account;
            self.earnings = None;
            self.earnings_wait = Backoff::NONE;
        }
    }

    pub(crate) fn earnings(&self) -> Option<&Earnings> {
        self.earnings.as_ref()
    }

    pub(crate) fn verdicts(&self) -> impl Iterator<Item = &TraceVerdict> {
        self.traces.iter().map(|followed| &followed.verdict)
    }

    /// The server has a trace.
    pub(crate) fn follow(&mut self, trace: TraceId, received_at_ms: u64, now_ms: u64) {
        if self.traces.len() == MAX_TRACES {
            self.traces.pop_front();
        }
        let verdict = TraceVerdict {
            trace,
            received_at_ms,
            accepted: None,
            reasons: Vec::new(),
            quality_ppm: None,
            distance_m: None,
        };
        self.traces.push_back(Followed { verdict, wait: Backoff::of(now_ms, FIRST_WAIT_MS) });
        self.in_a_row = 0;
    }

    /// What to ask now, where there is something; then it counts as asked. `many` says that a question
    /// costs next to nothing. One without an answer for `answer_ms` has failed.
    pub(crate) fn next(
        &mut self,
        now_ms: u64,
        answer_ms: u64,
        many: bool,
        random: u64,
    ) -> Option<Inquiry> {
        if let Some((subject, sent_ms)) = self.in_flight {
            if (sent_ms..sent_ms.saturating_add(answer_ms)).contains(&now_ms) {
                return None;
            }
            self.failed(subject, None, now_ms, random);
        }
        if self.all.until_ms(now_ms).is_some() || !many && self.in_a_row >= MAX_IN_A_ROW {
            return None;
        }
        let due = |wait: &Backoff| wait.until_ms(now_ms).is_none();
        let account = self.account.filter(|_| due(&self.earnings_wait));
        let unknown = |f: &&Followed| f.verdict.accepted.is_none() && due(&f.wait);
        let trace = self.traces.iter().find(unknown).map(|f| f.verdict.trace);
        let subject = account.map(Subject::Earnings).or(trace.map(Subject::Trace))?;
        self.in_flight = Some((subject, now_ms));
        self.in_a_row += 1;
        let path = match subject {
            Subject::Trace(id) => format!("/v1/traces/{id}"),
            Subject::Earnings(id) => format!("/v1/accounts/{id}"),
        };
        Some(Inquiry { subject, path })
    }

    /// When there may be something to ask next, Unix milliseconds.
    pub(crate) fn again_ms(&self, now_ms: u64) -> Option<u64> {
        let unknown = self.traces.iter().filter(|f| f.verdict.accepted.is_none());
        let earliest_ms = unknown.filter_map(|f| f.wait.until_ms(now_ms)).min()?;
        Some(earliest_ms.max(self.all.until_ms(now_ms).unwrap_or(0)))
    }

    /// The server answered. Returns whether something is known that was not.
    pub(crate) fn answered(
        &mut self,
        subject: Subject,
        (status, body): (u16, &[u8]),
        retry_after_s: Option<u32>,
        now_ms: u64,
        random: u64,
    ) -> bool {
        let gone = status == 404 && Problem::read(body).is_some_and(|p| p.code == "not_found");
        let told = match subject {
            Subject::Trace(trace) if gone => {
                // Its id has aged out.
                self.traces.retain(|followed| followed.verdict.trace != trace);
                Some(true)
            }
            Subject::Trace(trace) if status == 200 => self.judge(trace, body, now_ms, random),
            // Nobody asks for them any more.
            Subject::Earnings(account) if self.account != Some(account) => Some(false),
            Subject::Earnings(account) if status == 200 => {
                read_earnings(account, body, now_ms).map(|earnings| self.earn(earnings, random))
            }
            // An account that was not opened yet.
            Subject::Earnings(_) if gone => {
                self.earnings_wait = Backoff::of(now_ms, EARNINGS_LIFE_MS);
                Some(false)
            }
            _ => None,
        };
        let Some(news) = told else {
            self.failed(subject, retry_after_s, now_ms, random);
            return false;
        };
        self.in_flight = None;
        self.all = Backoff::NONE;
        news
    }

    fn judge(&mut self, trace: TraceId, body: &[u8], now_ms: u64, random: u64) -> Option<bool> {
        let body = Value::read(body)?;
        let evidence = body.optional("evidence", Evidence::read)?;
        let followed = self.traces.iter_mut().find(|f| f.verdict.trace == trace);
        let Some(followed) = followed else { return Some(false) };
        let accepted = match body.field("status")?.text()? {
            "accepted" => true,
            "rejected" => false,
            "pending" => {
                followed.wait.fail(now_ms, Some((FIRST_WAIT_MS / 1000) as u32), random);
                return Some(false);
            }
            _ => return None,
        };
        let Evidence { mut reasons, quality_ppm, distance_m } = evidence.unwrap_or_default();
        reasons.truncate(MAX_REASONS);
        let verdict = &mut followed.verdict;
        *verdict = TraceVerdict {
            accepted: Some(accepted),
            reasons,
            quality_ppm,
            distance_m,
            ..verdict.clone()
        };
        Some(true)
    }

    fn earn(&mut self, earnings: Earnings, random: u64) -> bool {
        let spread_ms = random % (EARNINGS_LIFE_MS / 24);
        self.earnings_wait = Backoff::of(earnings.told_at_ms, EARNINGS_LIFE_MS + spread_ms);
        self.earnings = Some(earnings);
        true
    }

    /// No answer, or none of use.
    pub(crate) fn failed(
        &mut self,
        subject: Subject,
        retry_after_s: Option<u32>,
        now_ms: u64,
        random: u64,
    ) {
        self.in_flight = self.in_flight.filter(|(asked, _)| *asked != subject);
        self.all.fail(now_ms, retry_after_s, random);
    }

    /// The verdicts as they are kept on disk, one an item.
    pub(crate) fn to_notes(&self) -> Vec<Vec<u8>> {
        let note = |v: &TraceVerdict| {
            let mut note = ObjectWriter::new();
            note.text("trace", &v.trace.to_string()).json("received_at_ms", &v.received_at_ms);
            note.optional("accepted", v.accepted).texts("reasons", &v.reasons);
            note.optional("quality_ppm", v.quality_ppm).optional("distance_m", v.distance_m);
            note.end().into_bytes()
        };
        self.verdicts().map(note).collect()
    }

    /// Takes up what was kept.
    pub(crate) fn take_notes(&mut self, notes: &[Vec<u8>]) {
        let read = |note: &Vec<u8>| {
            let kept = Value::read(note)?;
            Some(TraceVerdict {
                trace: kept.field("trace")?.text()?.parse().ok()?,
                received_at_ms: kept.field("received_at_ms")?.u64()?,
                accepted: kept.optional("accepted", Value::bool)?,
                reasons: kept.field("reasons")?.texts()?,
                quality_ppm: kept.optional("quality_ppm", Value::u32)?,
                distance_m: kept.optional("distance_m", Value::u32)?,
            })
        };
        let kept = notes.iter().take(MAX_TRACES).filter_map(read);
        self.traces = kept.map(|verdict| Followed { verdict, wait: Backoff::NONE }).collect();
    }
}

fn read_earnings(account: AccountId, body: &[u8], now_ms: u64) -> Option<Earnings> {
    let body = Value::read(body)?;
    (body.field("account_id")?.text()? == account.to_string()).then_some(())?;
    let amount = |value: &Value<'_>| value.text()?.parse().ok();
    let mut epochs = Vec::new();
    for told in body.field("epochs")?.array()? {
        epochs.push(EpochEarnings {
            epoch: told.field("epoch")?.u64()?,
            pay: amount(told.field("pay")?)?,
        });
    }
    epochs.truncate(MAX_EPOCHS);
    Some(Earnings { account, balance: amount(body.field("balance")?)?, told_at_ms: now_ms, epochs })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: TraceId = TraceId([7; 32]);
    const ACCOUNT: AccountId = AccountId([8; 16]);
    const NOT_FOUND: &str =
        r#"{"type":"urn:hexmile:problem:not_found","code":"not_found","temporary":false}"#;

    fn following() -> Inquiries {
        let mut inquiries = Inquiries::default();
        inquiries.follow(TRACE, 5, 0);
        inquiries
    }

    fn ask(inquiries: &mut Inquiries, now_ms: u64) -> Option<Subject> {
        inquiries.next(now_ms, 1000, true, 0).map(|inquiry| inquiry.subject)
    }

    fn tell(inquiries: &mut Inquiries, status: u16, body: &str, now_ms: u64) -> bool {
        inquiries.answered(Subject::Trace(TRACE), (status, body.as_bytes()), None, now_ms, 0)
    }

    #[test]
    fn a_trace_is_asked_about_until_something_is_said_of_it() {
        let mut inquiries = following();
        assert_eq!(ask(&mut inquiries, FIRST_WAIT_MS - 1), None, "the rules take their time");
        assert_eq!(inquiries.again_ms(1), Some(FIRST_WAIT_MS));
        let asked = Some(Subject::Trace(TRACE));
        assert_eq!(ask(&mut inquiries, FIRST_WAIT_MS), asked);
        assert_eq!(ask(&mut inquiries, FIRST_WAIT_MS + 999), None, "on its way");
        assert!(!tell(&mut inquiries, 200, r#"{"status":"pending"}"#, 61_000));
        assert_eq!(ask(&mut inquiries, 61_000 + FIRST_WAIT_MS), asked);
        for stranger in ["<html>", "{}", r#"{"status":"of a later version"}"#] {
            assert!(!tell(&mut inquiries, 200, stranger, 200_000), "{stranger}");
            assert_eq!(inquiries.verdicts().next().unwrap().accepted, None);
        }
        let body = r#"{"status":"rejected","receipt":{},"position":3,
            "evidence":{"reasons":["mocked"],"quality_ppm":12,"distance_m":3.9,"fixes":5}}"#;
        assert!(tell(&mut inquiries, 200, body, 300_000));
        let want = TraceVerdict {
            trace: TRACE,
            received_at_ms: 5,
            accepted: Some(false),
            reasons: vec!["mocked".to_owned()],
            quality_ppm: Some(12),
            distance_m: Some(3),
        };
        assert_eq!(inquiries.verdicts().collect::<Vec<_>>(), [&want]);
        assert_eq!(ask(&mut inquiries, u64::MAX), None);
        let mut later = Inquiries::default();
        later.take_notes(&inquiries.to_notes());
        assert_eq!(later.verdicts().collect::<Vec<_>>(), [&want]);
    }

    #[test]
    fn what_the_server_has_forgotten_is_not_asked_about_again() {
        let mut inquiries = following();
        assert!(!tell(&mut inquiries, 404, "not found", 0), "a stranger's word");
        assert_eq!(inquiries.verdicts().count(), 1);
        assert!(tell(&mut inquiries, 404, NOT_FOUND, 0));
        assert_eq!(inquiries.verdicts().count(), 0);
    }

    #[test]
    fn questions_are_bounded_where_they_cost_something_and_so_are_memories() {
        let mut inquiries = Inquiries::default();
        for n in 0..250_u8 {
            inquiries.follow(TraceId([n; 32]), 0, 0);
        }
        assert_eq!(inquiries.verdicts().count(), MAX_TRACES);
        let mut asked = 0;
        while let Some(inquiry) = inquiries.next(FIRST_WAIT_MS, 1000, false, 0) {
            asked += 1;
            let answer: (_, &[u8]) = (200, br#"{"status":"accepted"}"#);
            inquiries.answered(inquiry.subject, answer, None, FIRST_WAIT_MS, 0);
        }
        assert_eq!(asked, MAX_IN_A_ROW);
        assert!(inquiries.next(FIRST_WAIT_MS, 1000, true, 0).is_some());
    }

    #[test]
    fn earnings_are_asked_for_once_a_day() {
        let mut inquiries = Inquiries::default();
        assert_eq!(ask(&mut inquiries, 0), None, "nobody's");
        inquiries.set_account(Some(ACCOUNT));
        let subject = Subject::Earnings(ACCOUNT);
        assert_eq!(ask(&mut inquiries, 0), Some(subject));
        let body = format!(
            r#"{{"account_id":"{ACCOUNT}","balance":"123","epochs":[{{"epoch":2,"score":"9","pay":"45"}}]}}"#
        );
        assert!(inquiries.answered(subject, (200, body.as_bytes()), None, 10, 0));
        let earnings = inquiries.earnings().unwrap();
        assert_eq!((earnings.balance, earnings.told_at_ms), (123, 10));
        assert_eq!(earnings.epochs, [EpochEarnings { epoch: 2, pay: 45 }]);
        assert_eq!(ask(&mut inquiries, EARNINGS_LIFE_MS), None);
        assert_eq!(ask(&mut inquiries, 10 + EARNINGS_LIFE_MS), Some(subject));
        let other = body.replace(&ACCOUNT.to_string(), &AccountId([9; 16]).to_string());
        assert!(!inquiries.answered(subject, (200, other.as_bytes()), None, 20, 0));
        inquiries.set_account(Some(AccountId([9; 16])));
        assert_eq!(inquiries.earnings(), None);
        for (status, late) in [(200, body.as_str()), (404, NOT_FOUND)] {
            assert!(!inquiries.answered(subject, (status, late.as_bytes()), None, 30, 0));
            let own = Some(Subject::Earnings(AccountId([9; 16])));
            assert_eq!(ask(&mut inquiries, 30), own, "an answer about another says nothing of it");
        }
    }
}
