//! What belongs to whoever asks: to take away, and to erase.

use actix_web::{HttpRequest, HttpResponse, delete, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Problem, Server,
    devices::DeviceKnown,
    export::{self, Export},
    signed::{CLOCK_TOLERANCE_MS, signer},
};
use crate::{keys::PSEUDONYM_LIFE_MS, store::Erasure};

/// How old a request to be erased may be, milliseconds: a phone that signs it, destroys its keys and
/// is offline for weeks is still heard.
pub(super) const ERASURE_LIFE_MS: u64 = 30 * 24 * 3600 * 1000;

/// How long an observation may wait in traffic state under a name, milliseconds; longer than it does.
const OPEN_MS: u64 = 24 * 3600 * 1000;

/// An account and its devices, for its own driver.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MeJson {
    /// Hexadecimal.
    account_id: String,
    /// Unix milliseconds.
    opened_at_ms: u64,
    /// In order of id, those that were signed out included.
    devices: Vec<DeviceKnown>,
}

/// The account that signed the request, and its devices.
///
/// Sign as for the export, over `GET /v1/me`.
#[utoipa::path(
    tag = "accounts",
    security(("signed" = [])),
    responses(
        (status = 200, body = MeJson),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/me")]
pub(super) async fn show_me(
    server: web::Data<Server>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let account = signer(&server, &request, "GET", CLOCK_TOLERANCE_MS).await?.account;
    let devices = server.store.devices(account.id).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(MeJson {
        account_id: account.id.to_string(),
        opened_at_ms: account.opened_at_ms,
        devices: devices.iter().map(DeviceKnown::from).collect(),
    }))
}

/// Everything that the server holds of the account that signed the request.
///
/// Sign with the account's key or a device's: `Authorization: Hexmile key=ID, time=MILLISECONDS,
/// signature=BASE64`, where the signature is over network id, key id, time (u64, big endian) and
/// `GET /v1/me/export`, and not older than five minutes.
#[utoipa::path(
    tag = "accounts",
    security(("signed" = [])),
    responses(
        (status = 200, body = Export),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/me/export")]
pub(super) async fn export_me(
    server: web::Data<Server>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let account = signer(&server, &request, "GET", CLOCK_TOLERANCE_MS).await?.account;
    let Ok(permit) = std::sync::Arc::clone(&server.exports).try_acquire_owned() else {
        return Err(Problem::new(503, "busy", "others are taking their data away; try again"));
    };
    let name = format!("attachment; filename=\"hexmile-{}.json\"", account.id);
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("Content-Disposition", name))
        .content_type("application/json")
        .body(export::stream(&server, account, permit)))
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErasedJson {
    /// Devices that are no longer known.
    devices: u64,
    /// Traces whose ids, receipts and payloads are gone.
    traces: u64,
    /// Rows of the log that are empty now.
    log_rows: u64,
    /// Scores that stay without a name, so that their epochs can still be checked.
    scores: u64,
    /// When no node's memory holds a name of the account any more, Unix milliseconds.
    forgotten_at_ms: u64,
}

/// Erases the account that signed the request, and everything of its own, for good.
///
/// Sign as for the export, over `DELETE /v1/me`; the request may be 30 days old, but not older than
/// the account. What was published stays: sums over several drivers, and scores without a name. A
/// repeat finds no account.
#[utoipa::path(
    tag = "accounts",
    security(("signed" = [])),
    responses(
        (status = 200, body = ErasedJson),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/me")]
pub(super) async fn erase_me(
    server: web::Data<Server>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let account = signer(&server, &request, "DELETE", ERASURE_LIFE_MS).await?.account;
    let at_ms = server.environment.now_ms();
    let mut forget: Vec<u64> = [at_ms, at_ms.saturating_sub(OPEN_MS.min(PSEUDONYM_LIFE_MS))]
        .map(|at_ms| server.keys.pseudonym(account.id, at_ms))
        .into();
    forget.dedup();
    let store = std::sync::Arc::clone(&server.store);
    let erasure = Erasure { account: account.id, at_ms, forget };
    // Goes through to its end, even where whoever asked hangs up.
    let erased = tokio::spawn(async move { store.erase(&erasure).await }).await;
    let erased = erased.map_err(|_| Problem::new(503, "store_unavailable", "try again"))??;
    let erased = erased.ok_or_else(|| Problem::not_found("no account has this key"))?;
    // The job that follows the log reads the erasure as it reads a fold.
    server.folded.notify_one();
    tracing::info!(position = erased.position, "erased an account");
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(ErasedJson {
        devices: erased.devices,
        traces: erased.traces,
        log_rows: erased.folds,
        scores: erased.scores,
        forgotten_at_ms: at_ms + crate::jobs::erasures::LIFE_MS,
    }))
}
