//! Whether the server lives, whether it is ready, and what it counts.

use actix_web::{HttpResponse, get, web};

use super::{Problem, Server};

/// The process answers.
#[utoipa::path(tag = "operators", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/healthz")]
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The store answers too.
#[utoipa::path(
    tag = "operators",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/readyz")]
pub(super) async fn ready(server: web::Data<Server>) -> Result<HttpResponse, Problem> {
    server.store.log_head().await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
}

/// Counters, in the `OpenMetrics` text format.
#[utoipa::path(
    tag = "operators",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")),
)]
#[get("/metrics")]
pub(super) async fn metrics(server: web::Data<Server>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(server.metrics.render())
}
