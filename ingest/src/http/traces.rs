//! Uploading traces, and what became of them.

use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, post, web};
use hexmile_trace::{MAX_BATCH, MAX_SIGNED_TRACE, MEDIA_TYPE, Receipt, TraceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, Server, body::whole, codec, codec::Binary};
use crate::admission::Outcome;

/// Largest upload in bytes.
pub(super) const MAX_UPLOAD: usize = MAX_BATCH * MAX_SIGNED_TRACE;

/// A receipt: the server's signed word that a trace is durable.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct ReceiptJson {
    /// Network id, hexadecimal.
    network: String,
    /// Trace id, hexadecimal.
    trace_id: String,
    /// Device id, hexadecimal.
    device_id: String,
    /// Sequence number of the trace.
    sequence: u64,
    /// When the server took it, Unix milliseconds.
    received_at_ms: u64,
    /// Blinds the commitment in the log, Base64, 16 bytes.
    salt: String,
    /// Names the server key, hexadecimal.
    key_id: String,
    /// The server's signature over all of the above as bytes, Base64.
    signature: String,
}

impl From<&Receipt> for ReceiptJson {
    fn from(receipt: &Receipt) -> Self {
        let b = &receipt.body;
        Self {
            network: b.network.to_string(),
            trace_id: b.trace.to_string(),
            device_id: b.device.to_string(),
            sequence: b.sequence,
            received_at_ms: b.received_at_ms,
            salt: codec::base64(&b.salt),
            key_id: hex::encode(b.key.0),
            signature: codec::base64(&receipt.signature),
        }
    }
}

/// What became of one trace of an upload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadResult {
    /// Hash of the payload, hexadecimal.
    trace_id: String,
    /// `accepted`, `duplicate` or `refused`.
    #[schema(example = "accepted")]
    status: &'static str,
    /// The first receipt, unless refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptJson>,
    /// Why, if refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// What became of an upload, in the order of its traces.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadResults {
    /// One a trace.
    results: Vec<UploadResult>,
}

fn result(outcome: &Outcome) -> UploadResult {
    let (status, trace, receipt, problem) = match outcome {
        Outcome::Accepted(r) => ("accepted", r.body.trace, Some(r.into()), None),
        Outcome::Duplicate(r) => ("duplicate", r.body.trace, Some(r.into()), None),
        Outcome::Refused(id, refusal) => ("refused", *id, None, Some(refusal.into())),
    };
    UploadResult { trace_id: trace.to_string(), status, receipt, problem }
}

/// Takes one or many signed traces. Where every one is refused, the status is that of the first
/// refusal and the body its problem; otherwise `200` and a result for each.
#[utoipa::path(
    tag = "traces",
    request_body(content = Binary, content_type = "application/vnd.hexmile.trace",
        description = "Signed traces one after another, at most 64: payload length (u32, little endian), payload, 64 bytes of signature"),
    responses(
        (status = 200, body = UploadResults),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/traces")]
pub(super) async fn upload(
    server: web::Data<Server>,
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let body = whole(body, MAX_UPLOAD)?;
    let media_type = request.headers().get("Content-Type").and_then(|v| v.to_str().ok());
    if media_type.map(|t| t.split(';').next().unwrap_or_default().trim()) != Some(MEDIA_TYPE) {
        let detail = format!("Content-Type: expected {MEDIA_TYPE}");
        return Err(Problem::new(415, "media_type_unknown", detail));
    }
    let outcomes = server.admission.admit(&body).await.map_err(|r| Problem::from(&r))?;
    let first = match &outcomes[..] {
        [Outcome::Refused(_, first), ..]
            if outcomes.iter().all(|o| matches!(o, Outcome::Refused(..))) =>
        {
            first
        }
        _ => {
            let results = outcomes.iter().map(result).collect();
            return Ok(HttpResponse::Ok()
                .insert_header(("Cache-Control", "no-store"))
                .json(UploadResults { results }));
        }
    };
    let problem = Problem::from(first);
    if outcomes.len() == 1 {
        return Err(problem);
    }
    // A problem may carry members of its own (RFC 9457, 3.2): here, every trace's result.
    let mut body = serde_json::to_value(&problem).unwrap_or_default();
    body["results"] =
        serde_json::to_value(outcomes.iter().map(result).collect::<Vec<_>>()).unwrap_or_default();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    Ok(HttpResponse::build(status)
        .insert_header(("Cache-Control", "no-store"))
        .content_type("application/problem+json")
        .body(body.to_string()))
}

/// A trace's receipt and verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TraceStatus {
    /// The first receipt.
    receipt: ReceiptJson,
    /// `pending`, `accepted` or `rejected`.
    #[schema(example = "accepted")]
    status: &'static str,
    /// Position in the log, once folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// What the rules said, once folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    evidence: Option<serde_json::Value>,
}

/// What became of a trace.
#[utoipa::path(
    tag = "traces",
    params(("trace_id" = String, Path, description = "64 hexadecimal digits",
            pattern = "^[0-9a-f]{64}$")),
    responses(
        (status = 200, body = TraceStatus),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/traces/{trace_id}")]
pub(super) async fn show_trace(
    server: web::Data<Server>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: TraceId = path.parse().map_err(|e| Problem::parameter("trace_id", &format!("{e}")))?;
    let state = server.store.trace(id).await?;
    let state = state.ok_or_else(|| Problem::not_found("no such trace, or its id has aged out"))?;
    let status = match &state.folded {
        None => "pending",
        Some((_, verdict)) if verdict.rejected.is_some() => "rejected",
        Some(_) => "accepted",
    };
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(TraceStatus {
        receipt: (&state.receipt).into(),
        status,
        position: state.folded.as_ref().map(|(position, _)| *position),
        evidence: state
            .folded
            .as_ref()
            .and_then(|(_, verdict)| serde_json::from_str(&verdict.evidence).ok()),
    }))
}
