//! What the server's answer to an upload means.

use hexmile_trace::TraceId;
use serde::Deserialize;

/// What became of one trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceResult {
    /// Which.
    pub trace: TraceId,
    /// What.
    pub verdict: Verdict,
}

/// The server's word on one trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Durable, now or before; when it was received, Unix milliseconds.
    Received(u64),
    /// It will never be taken; the stable code.
    Refused(String),
    /// It may be taken later; the stable code.
    Later(String),
}

/// An answer, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// One result a trace.
    Results(Vec<TraceResult>),
    /// The whole upload failed for now; the stable code, or the status.
    Later(String),
    /// What was sent will never be taken as it is; the stable code. Of several traces, one may be
    /// to blame: the others are asked about alone.
    Refused(String),
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    results: Vec<ResultBody>,
    code: Option<String>,
    #[serde(default)]
    temporary: bool,
}

#[derive(Deserialize)]
struct ResultBody {
    trace_id: String,
    status: String,
    receipt: Option<ReceiptBody>,
    problem: Option<ProblemBody>,
}

#[derive(Deserialize)]
struct ReceiptBody {
    received_at_ms: u64,
}

#[derive(Deserialize)]
struct ProblemBody {
    code: String,
    #[serde(default)]
    temporary: bool,
}

impl Reply {
    /// Reads an answer by status and body. What cannot be understood, a proxy's page for
    /// instance, counts as temporary: nothing is given up for a stranger's word.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let unknown = || Self::Later(format!("http_{status}"));
        let Ok(body) = serde_json::from_slice::<Body>(body) else { return unknown() };
        if !body.results.is_empty() {
            let results: Option<Vec<_>> = body.results.iter().map(result).collect();
            return results.map_or_else(unknown, Self::Results);
        }
        match body.code {
            Some(code) if is_about_content(status) && !body.temporary => Self::Refused(code),
            Some(code) => Self::Later(code),
            None => unknown(),
        }
    }
}

/// Whether a status judges what was sent. Any other (a wrong address, method, media type or
/// credential) is the app's or the operator's mistake, which no trace should be given up for.
const fn is_about_content(status: u16) -> bool {
    matches!(status, 400 | 403 | 409 | 413 | 422)
}

fn result(body: &ResultBody) -> Option<TraceResult> {
    let verdict = match (body.status.as_str(), &body.receipt, &body.problem) {
        ("accepted" | "duplicate", Some(receipt), _) => Verdict::Received(receipt.received_at_ms),
        ("refused", _, Some(p)) if p.temporary => Verdict::Later(p.code.clone()),
        ("refused", _, Some(p)) => Verdict::Refused(p.code.clone()),
        _ => return None,
    };
    Some(TraceResult { trace: body.trace_id.parse().ok()?, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_and_strangers_are_not_believed() {
        let id = "ab".repeat(32);
        let trace: TraceId = id.parse().unwrap();
        let check =
            |status, body: &str, want| assert_eq!(Reply::read(status, body.as_bytes()), want);
        check(
            200,
            &format!(
                r#"{{"results":[{{"trace_id":"{id}","status":"duplicate","receipt":{{"received_at_ms":5}}}}]}}"#
            ),
            Reply::Results(vec![TraceResult { trace, verdict: Verdict::Received(5) }]),
        );
        check(
            422,
            &format!(
                r#"{{"code":"wrong_network","results":[{{"trace_id":"{id}","status":"refused","problem":{{"code":"wrong_network"}}}}]}}"#
            ),
            Reply::Results(vec![TraceResult {
                trace,
                verdict: Verdict::Refused("wrong_network".into()),
            }]),
        );
        check(
            422,
            r#"{"code":"captured_in_future","temporary":true}"#,
            Reply::Later("captured_in_future".into()),
        );
        check(
            400,
            r#"{"code":"trace_malformed","temporary":false}"#,
            Reply::Refused("trace_malformed".into()),
        );
        check(503, r#"{"code":"busy","temporary":true}"#, Reply::Later("busy".into()));
        check(200, "<html>sign in to this network</html>", Reply::Later("http_200".into()));
        check(404, "not found", Reply::Later("http_404".into()));
        for status in [401, 404, 405, 415, 429, 500] {
            let body = r#"{"code":"not_found","temporary":false}"#;
            check(status, body, Reply::Later("not_found".into()));
        }
        check(200, r#"{"results":[]}"#, Reply::Later("http_200".into()));
    }
}
