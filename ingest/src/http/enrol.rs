//! Accounts and devices.

use actix_web::{HttpResponse, post, web};
use hexmile_trace::{
    AccountId, DeviceId,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::Domain,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, Server, accounts::parse_account, codec};
use crate::{
    keys::ServerKeys,
    store::{Account, Device, DeviceAdded},
};

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

fn not_signed(field: &str, by: &str) -> Problem {
    Problem::new(403, "signature_invalid", format!("{field}: not a signature by {by}"))
}

/// A request to add a device to an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddDevice {
    /// Which account, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    account_id: String,
    /// `ed25519` or `es256`.
    #[schema(example = "ed25519", pattern = "^(ed25519|es256)$")]
    alg: String,
    /// The device's public key, Base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{43}[A-Za-z0-9+/=]$")]
    public_key: String,
    /// The challenge that the account was given, Base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{54}==$")]
    challenge: String,
    /// By the account key over network, account, challenge and device key, Base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{86}==$")]
    account_signature: String,
    /// By the device key over the same, Base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{86}==$")]
    device_signature: String,
}

/// A device of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceKnown {
    /// Hash of the key, hexadecimal.
    device_id: String,
    /// Whose it is, hexadecimal.
    account_id: String,
    /// Unix milliseconds.
    added_at_ms: u64,
}

/// Adds a device to an account. Adding it again is harmless.
#[utoipa::path(
    tag = "accounts",
    request_body = AddDevice,
    responses(
        (status = 200, body = DeviceKnown),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/devices")]
pub(super) async fn add_device(
    server: web::Data<Server>,
    request: web::Json<AddDevice>,
) -> Result<HttpResponse, Problem> {
    let account = parse_account(&request.account_id)?;
    let key = codec::public_key("public_key", &request.alg, &request.public_key)?;
    let challenge: [u8; CHALLENGE_LEN] = codec::fixed("challenge", &request.challenge)?;
    let now_ms = server.environment.now_ms();
    let known = server.store.account(account).await?;
    let known = known.ok_or_else(|| Problem::not_found("no such account"))?;
    if !server.keys.knows_challenge(account, &challenge, now_ms) {
        return Err(Problem::new(
            403,
            "challenge_invalid",
            "challenge: not one of this server's for this account, or it has expired; \
             open the account again for a new one",
        ));
    }
    let message = device_message(server.config.network, account, &challenge, &key);
    let by_account = codec::signature("account_signature", &request.account_signature)?;
    let by_device = codec::signature("device_signature", &request.device_signature)?;
    known
        .key
        .verify(Domain::Device, &message, &by_account)
        .map_err(|_| not_signed("account_signature", "the account key"))?;
    key.verify(Domain::Device, &message, &by_device)
        .map_err(|_| not_signed("device_signature", "the device key"))?;
    let device = Device { id: DeviceId::of_key(&key), account, key, added_at_ms: now_ms };
    match server.store.add_device(&device).await? {
        DeviceAdded::New(device) | DeviceAdded::Known(device) => {
            Ok(HttpResponse::Ok().json(DeviceKnown {
                device_id: device.id.to_string(),
                account_id: device.account.to_string(),
                added_at_ms: device.added_at_ms,
            }))
        }
        DeviceAdded::OtherAccount => {
            Err(Problem::new(409, "device_taken", "the device belongs to another account"))
        }
        DeviceAdded::NoAccount => Err(Problem::not_found("no such account")),
    }
}
