//! What phones must know of the server: who it is, what it takes, how often to come.

use actix_web::{HttpResponse, get, web};
use hexmile_trace::{FORMAT_VERSION, MAX_BATCH, MEDIA_TYPE};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Server, codec, traces::MAX_UPLOAD};
use crate::admission::{CAPTURE_WINDOW_MS, CLOCK_TOLERANCE_MS};

/// The policy that phones obey.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Policy {
    /// The network's name.
    network_name: String,
    /// Its id, as traces carry it, hexadecimal.
    network_id: String,
    /// The server's time, Unix milliseconds.
    server_time_ms: u64,
    /// Public key of receipts, Base64.
    server_key: String,
    /// Its algorithm.
    server_key_alg: &'static str,
    /// Line by which verifiers of the log's checkpoints know the key.
    log_verifier_key: String,
    /// Media type of uploads.
    media_type: &'static str,
    /// Trace format versions taken.
    trace_versions: Vec<u8>,
    /// Oldest SDK taken.
    min_sdk: String,
    /// Traces an upload, at most.
    max_batch: usize,
    /// Bytes an upload, at most.
    max_upload_bytes: usize,
    /// Oldest capture taken, milliseconds before now.
    capture_window_ms: u64,
    /// How far a capture may lie ahead of the server's clock, milliseconds.
    clock_tolerance_ms: u64,
}

/// What phones must know before they upload.
#[utoipa::path(
    tag = "traces",
    responses(
        (status = 200, body = Policy),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/policy")]
pub(super) async fn policy(server: web::Data<Server>) -> Result<HttpResponse, Problem> {
    let config = &server.config;
    let key = server.keys.public_key();
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(Policy {
        network_name: config.network_name.clone(),
        network_id: config.network.to_string(),
        server_time_ms: server.environment.now_ms(),
        server_key: codec::base64(key.as_bytes()),
        server_key_alg: key.alg().name(),
        log_verifier_key: crate::checkpoint::verifier_key(&config.network_name, &server.keys),
        media_type: MEDIA_TYPE,
        trace_versions: vec![FORMAT_VERSION],
        min_sdk: config.min_sdk.to_string(),
        max_batch: MAX_BATCH,
        max_upload_bytes: MAX_UPLOAD,
        capture_window_ms: CAPTURE_WINDOW_MS,
        clock_tolerance_ms: CLOCK_TOLERANCE_MS,
    }))
}
