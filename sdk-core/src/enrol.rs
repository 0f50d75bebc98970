//! Joining a network: the requests that open an account and add this device to it.
//!
//! Both can be repeated without harm, so nothing of the conversation needs to be kept.

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::{
    AccountId, NetworkId,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::{Domain, SignError, Signer},
};
use serde::Deserialize;
use serde_json::json;

/// Why joining failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// A key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The server refused, with this stable code.
    #[error("the server refused: {code}: {detail}")]
    Refused {
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// The answer is none of a Hexmile server's.
    #[error("the answer with status {0} is not a Hexmile server's")]
    Unexpected(u16),
}

/// A request for the host's HTTP stack; always a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path on the server.
    pub path: &'static str,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: Vec<u8>,
}

fn request(path: &'static str, body: &serde_json::Value) -> Request {
    Request { path, content_type: "application/json", body: body.to_string().into_bytes() }
}

#[derive(Deserialize)]
struct ProblemBody {
    code: String,
    #[serde(default)]
    detail: String,
}

#[derive(Deserialize)]
struct AccountBody {
    account_id: String,
    challenge: String,
}

fn refusal(status: u16, body: &[u8]) -> EnrolError {
    serde_json::from_slice::<ProblemBody>(body).map_or(EnrolError::Unexpected(status), |p| {
        EnrolError::Refused { code: p.code, detail: p.detail }
    })
}

/// The first request: opens the account, or finds it.
///
/// # Errors
/// [`EnrolError::Sign`].
pub fn open_account(network: NetworkId, account: &dyn Signer) -> Result<Request, EnrolError> {
    let key = account.public_key();
    let signature = account.sign(Domain::Account, &account_message(network, &key))?;
    Ok(request(
        "/v1/accounts",
        &json!({
            "alg": key.alg().name(),
            "public_key": STANDARD.encode(key.as_bytes()),
            "signature": STANDARD.encode(signature),
        }),
    ))
}

/// The second request, made of the answer to the first: adds the device.
///
/// # Errors
/// [`EnrolError`].
pub fn add_device(
    network: NetworkId,
    account: &dyn Signer,
    device: &dyn Signer,
    status: u16,
    answer: &[u8],
) -> Result<Request, EnrolError> {
    if status != 200 {
        return Err(refusal(status, answer));
    }
    let answer: AccountBody =
        serde_json::from_slice(answer).map_err(|_| EnrolError::Unexpected(status))?;
    let account_id = AccountId::of_key(&account.public_key());
    let challenge: [u8; CHALLENGE_LEN] = STANDARD
        .decode(&answer.challenge)
        .ok()
        .and_then(|c| c.try_into().ok())
        .filter(|_| answer.account_id == account_id.to_string())
        .ok_or(EnrolError::Unexpected(status))?;
    let key = device.public_key();
    let message = device_message(network, account_id, &challenge, &key);
    Ok(request(
        "/v1/devices",
        &json!({
            "account_id": answer.account_id,
            "alg": key.alg().name(),
            "public_key": STANDARD.encode(key.as_bytes()),
            "challenge": answer.challenge,
            "account_signature": STANDARD.encode(account.sign(Domain::Device, &message)?),
            "device_signature": STANDARD.encode(device.sign(Domain::Device, &message)?),
        }),
    ))
}

/// Reads the answer to the second request.
///
/// # Errors
/// [`EnrolError`].
pub fn device_added(status: u16, answer: &[u8]) -> Result<(), EnrolError> {
    if status == 200 { Ok(()) } else { Err(refusal(status, answer)) }
}
