//! What the server's answer to an upload means.
//!
//! A trace is given up only where the answer is a Hexmile server's own, and says that this trace will
//! never be taken. Everything else, known or not, is tried again.

use hexmile_trace::{DeviceId, KeyId, NetworkId, Receipt, TraceId};

use base64ct::{Base64, Encoding};

use crate::json::Value;

/// What became of one trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceResult {
    /// Which.
    pub(crate) trace: TraceId,
    /// What.
    pub(crate) verdict: Verdict,
}

/// The server's word that it has a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reception {
    /// When it was received, Unix milliseconds by the server's clock.
    pub(crate) received_at_ms: u64,
    /// Whether that was now, and not with an upload before.
    pub(crate) fresh: bool,
    /// The receipt, where it is whole; not yet verified.
    pub(crate) receipt: Option<Box<Receipt>>,
}

/// The server's word on one trace; each refusal with its stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Durable, now or before.
    Received(Reception),
    /// It will never be taken.
    Refused(String),
    /// It is too old; to be believed only by a phone whose own clock says so.
    TooOld(String),
    /// It will be taken under another number.
    Renumber(String),
    /// This app's traces are not taken: its SDK or its network is not the server's, or the device was
    /// signed out.
    Pause(String),
    /// It is too much at once.
    Split(String),
    /// It may be taken later.
    Later(String),
}

/// An answer, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// One result a trace.
    Results(Vec<TraceResult>),
    /// One word on the whole upload, never [`Verdict::Received`]. Of several traces refused, one may
    /// be to blame: the others are asked about alone.
    Whole(Verdict),
}

/// What went wrong, in a Hexmile server's own words.
pub(crate) struct Problem {
    /// A URN; empty where there is none.
    kind: String,
    pub(crate) code: String,
    temporary: Option<bool>,
}

impl Reply {
    /// Reads an answer by status and body. What cannot be understood, a proxy's page for
    /// instance, counts as temporary: nothing is given up for a stranger's word.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let unknown = || Self::Whole(Verdict::Later(format!("http_{status}")));
        let Some(body) = Value::read(body) else { return unknown() };
        let results = match body.given("results") {
            Some(Some(results)) => results.array(),
            Some(None) => Some(&[][..]),
            None => None,
        };
        let Some(results) = results else { return unknown() };
        if !results.is_empty() {
            let results: Option<Vec<_>> = results.iter().map(result).collect();
            return results.map_or_else(unknown, Self::Results);
        }
        match Problem::of(&body) {
            Some(problem) if is_about_content(status) => Self::Whole(problem.verdict()),
            Some(problem) => Self::Whole(Verdict::Later(problem.code)),
            None => unknown(),
        }
    }
}

/// Whether a status judges what was sent. Any other (a wrong address, method, media type or
/// credential) is the app's or the operator's mistake, which no trace should be given up for.
const fn is_about_content(status: u16) -> bool {
    matches!(status, 400 | 403 | 409 | 413 | 422)
}

impl Problem {
    /// The problem that an answer tells, where a Hexmile server told it.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        Self::of(&Value::read(body)?).filter(Self::is_own)
    }

    fn of(body: &Value<'_>) -> Option<Self> {
        let kind = match body.given("type")? {
            Some(kind) => kind.text()?,
            None => "",
        };
        Some(Self {
            kind: kind.to_owned(),
            code: body.field("code")?.text()?.to_owned(),
            temporary: body.optional("temporary", Value::bool)?,
        })
    }

    fn is_own(&self) -> bool {
        self.kind.strip_prefix("urn:hexmile:problem:") == Some(&*self.code)
    }

    /// A refusal counts where the problem says in both ways what it is and says that it lasts.
    fn verdict(&self) -> Verdict {
        let code = self.code.clone();
        if !self.is_own() || self.temporary != Some(false) {
            return Verdict::Later(code);
        }
        match &*self.code {
            "fix_out_of_range"
            | "signature_invalid"
            | "trace_malformed"
            | "trace_out_of_bounds"
            | "trace_too_large"
            | "trace_truncated" => Verdict::Refused(code),
            "batch_too_large" | "body_too_large" => Verdict::Split(code),
            "captured_too_long_ago" => Verdict::TooOld(code),
            "sequence_taken" | "sequence_closed" => Verdict::Renumber(code),
            "alg_unknown"
            | "device_revoked"
            | "sdk_too_old"
            | "trace_version_unknown"
            | "wrong_network" => Verdict::Pause(code),
            _ => Verdict::Later(code),
        }
    }
}

fn result(body: &Value<'_>) -> Option<TraceResult> {
    let receipt = body.optional("receipt", Some)?;
    let problem = body.optional("problem", Problem::of)?;
    let verdict = match (body.field("status")?.text()?, receipt, problem) {
        (status @ ("accepted" | "duplicate"), Some(receipt), _) => {
            let received_at_ms = receipt.field("received_at_ms")?.u64()?;
            let receipt = read_receipt(receipt).map(Box::new);
            Verdict::Received(Reception { received_at_ms, fresh: status == "accepted", receipt })
        }
        ("refused", _, Some(problem)) => problem.verdict(),
        _ => return None,
    };
    Some(TraceResult { trace: body.field("trace_id")?.text()?.parse().ok()?, verdict })
}

fn read_receipt(json: &Value<'_>) -> Option<Receipt> {
    fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
        Base64::decode_vec(text).ok()?.try_into().ok()
    }
    let text = |name| json.field(name)?.text();
    let number = |name| json.field(name)?.u64();
    let body = hexmile_trace::ReceiptBody {
        network: text("network")?.parse::<NetworkId>().ok()?,
        trace: text("trace_id")?.parse().ok()?,
        device: text("device_id")?.parse::<DeviceId>().ok()?,
        sequence: number("sequence")?,
        received_at_ms: number("received_at_ms")?,
        salt: bytes(text("salt")?)?,
        // A key's name has the length and the form of a network's.
        key: KeyId(text("key_id")?.parse::<NetworkId>().ok()?.0),
    };
    Some(Receipt { body, signature: bytes(text("signature")?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &str, temporary: &str) -> String {
        format!(
            r#"{{"type":"urn:hexmile:problem:{code}","code":"{code}","temporary":{temporary}}}"#
        )
    }

    fn whole(status: u16, body: &str) -> Verdict {
        match Reply::read(status, body.as_bytes()) {
            Reply::Whole(verdict) => verdict,
            Reply::Results(results) => panic!("{results:?}"),
        }
    }

    #[test]
    fn results_are_read_one_by_one() {
        let id = "ab".repeat(32);
        let trace: TraceId = id.parse().unwrap();
        let check = |status, body: &str, verdict| {
            let want = Reply::Results(vec![TraceResult { trace, verdict }]);
            assert_eq!(Reply::read(status, body.as_bytes()), want);
        };
        let received =
            |fresh| Verdict::Received(Reception { received_at_ms: 5, fresh, receipt: None });
        for (status, fresh) in [("duplicate", false), ("accepted", true)] {
            let body = format!(
                r#"{{"results":[{{"trace_id":"{id}","status":"{status}","receipt":{{"received_at_ms":5}}}}]}}"#
            );
            check(200, &body, received(fresh));
        }
        let one = problem("trace_malformed", "false");
        let results = format!(r#"[{{"trace_id":"{id}","status":"refused","problem":{one}}}]"#);
        let body = format!(r#"{{"code":"trace_malformed","results":{results}}}"#);
        check(400, &body, Verdict::Refused("trace_malformed".into()));
        assert_eq!(whole(200, r#"{"results":[]}"#), Verdict::Later("http_200".into()));
        let body = format!(r#"{{"results":[{{"trace_id":"{id}","status":"accepted"}}]}}"#);
        assert_eq!(whole(200, &body), Verdict::Later("http_200".into()));
    }

    #[test]
    fn a_trace_is_given_up_only_for_the_servers_own_lasting_word() {
        let refused = Verdict::Refused("trace_malformed".into());
        let later = Verdict::Later("trace_malformed".into());
        assert_eq!(whole(400, &problem("trace_malformed", "false")), refused);
        for body in [
            problem("trace_malformed", "true"),
            problem("trace_malformed", "null"),
            r#"{"code":"trace_malformed","temporary":false}"#.to_owned(),
            r#"{"type":"urn:hexmile:problem:other","code":"trace_malformed","temporary":false}"#
                .to_owned(),
            r#"{"type":"urn:hexmile:problem:trace_malformed","code":"trace_malformed"}"#.to_owned(),
        ] {
            assert_eq!(whole(400, &body), later, "{body}");
        }
        for status in [200, 401, 404, 405, 415, 429, 500, 503] {
            assert_eq!(whole(status, &problem("trace_malformed", "false")), later, "{status}");
        }
        let unknown = problem("of_a_later_version", "false");
        assert_eq!(whole(422, &unknown), Verdict::Later("of_a_later_version".into()));
        for page in ["<html>sign in to this network</html>", "not found", "", "[]", "{}", "null"] {
            assert_eq!(whole(404, page), Verdict::Later("http_404".into()), "{page}");
        }
    }

    #[test]
    fn what_is_not_the_traces_fault_does_not_cost_it() {
        for code in ["sdk_too_old", "wrong_network", "alg_unknown", "trace_version_unknown"] {
            assert_eq!(whole(422, &problem(code, "false")), Verdict::Pause(code.into()));
        }
        for code in ["sequence_taken", "sequence_closed"] {
            assert_eq!(whole(409, &problem(code, "false")), Verdict::Renumber(code.into()));
        }
        let old = problem("captured_too_long_ago", "false");
        assert_eq!(whole(422, &old), Verdict::TooOld("captured_too_long_ago".into()));
    }
}
