//! The Merkle log of receipts, rules and epochs.

use actix_web::{HttpResponse, get, web};

use super::{Problem, Server};

/// The newest checkpoint of the log, signed: a C2SP `tlog-checkpoint` (signed note).
#[utoipa::path(
    tag = "log",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/log/checkpoint")]
pub(super) async fn checkpoint(server: web::Data<Server>) -> Result<HttpResponse, Problem> {
    let head = server.store.log_head().await?;
    let note = crate::checkpoint::sign(&server.config.network_name, &head, &server.keys)
        .map_err(|e| Problem::new(503, "key_unavailable", e.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-cache"))
        .content_type("text/plain; charset=utf-8")
        .body(note))
}
