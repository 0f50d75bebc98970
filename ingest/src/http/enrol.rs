//! Opening an account.

use actix_web::{HttpResponse, post, web};
use hexmile_trace::{AccountId, enrol::account_message, sign::Domain};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, Server, codec};
use crate::{keys::ServerKeys, store::Account};

/// A request to open an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenAccount {
    /// `ed25519` or `es256`.
    #[schema(example = "ed25519", pattern = "^(ed25519|es256)$")]
    alg: String,
    /// The account's public key, Base64: 32 bytes, or 33 (compressed point) for ES256.
    #[schema(pattern = "^[A-Za-z0-9+/]{43}[A-Za-z0-9+/=]$")]
    public_key: String,
    /// By the account key over network id, algorithm number and key, Base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{86}==$")]
    signature: String,
}

/// An account, and a challenge to sign a device in with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountOpened {
    /// Hash of the key, hexadecimal.
    account_id: String,
    /// Unix milliseconds.
    opened_at_ms: u64,
    /// What a device is signed in over, Base64.
    challenge: String,
    /// Until when it may be answered, Unix milliseconds.
    challenge_expires_at_ms: u64,
}

/// Opens an account, or finds the one that this key opened; either way with a new challenge.
#[utoipa::path(
    tag = "accounts",
    request_body = OpenAccount,
    responses(
        (status = 200, body = AccountOpened),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/accounts")]
pub(super) async fn open_account(
    server: web::Data<Server>,
    request: web::Json<OpenAccount>,
) -> Result<HttpResponse, Problem> {
    let key = codec::public_key("public_key", &request.alg, &request.public_key)?;
    let signature = codec::signature("signature", &request.signature)?;
    key.verify(Domain::Account, &account_message(server.config.network, &key), &signature)
        .map_err(|_| not_signed("signature", "the account key"))?;
    let now_ms = server.environment.now_ms();
    let account = Account { id: AccountId::of_key(&key), key, opened_at_ms: now_ms };
    let account = server.store.open_account(&account).await?;
    let challenge = server.keys.challenge(account.id, now_ms);
    Ok(HttpResponse::Ok().json(AccountOpened {
        account_id: account.id.to_string(),
        opened_at_ms: account.opened_at_ms,
        challenge: codec::base64(&challenge),
        challenge_expires_at_ms: ServerKeys::challenge_expiry(&challenge),
    }))
}

pub(super) fn not_signed(field: &str, by: &str) -> Problem {
    Problem::new(403, "signature_invalid", format!("{field}: not a signature by {by}"))
}
