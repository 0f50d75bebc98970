//! Joining a network: an account's key, and the devices that it signs in.
//!
//! An account is a key pair, made on the driver's first phone of a [`RecoveryCode`]: who writes the
//! code down has the account for ever. Each phone has a device key of its own, best in hardware, which
//! signs traces.
//!
//! | the driver has | and wants | then |
//! |---|---|---|
//! | nothing yet | to join | [`RecoveryCode::of_random`], [`open_account`], [`Opened::add_device`] |
//! | a phone with the account's key | a second phone | [`Opened::invite`] there, shown as text or as a QR code; [`Invitation::join`] on the second |
//! | the recovery code, no phone | to go on on a new phone | the code's account key, [`open_account`], [`Opened::add_device`]; then [`me::overview`](crate::me::overview) and [`me::sign_out`](crate::me::sign_out) for the phone that is lost |
//! | a phone whose device key is gone, or is to be changed | to go on | a new device key, [`Opened::add_device`], and a recorder whose [`predecessors`](crate::RecorderConfig::predecessors) name the old one: what the old key signed is still sent; then [`me::sign_out`](crate::me::sign_out) for it |
//! | a phone that joined by invitation, and neither code nor first phone | to take everything away, or be erased | the device key signs [`me::export`](crate::me::export) and [`Recorder::erase`](crate::Recorder::erase); no further phone can join |
//!
//! Every request can be repeated without harm, so nothing of the conversation needs to be kept.

mod invitation;
mod recovery;

use hexmile_trace::{
    AccountId, NetworkId,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::{Domain, PublicKey, SignError, Signer},
};
use sha2::{Digest, Sha256};

use base64ct::{Base64, Encoding};

use crate::json::{ObjectWriter, Value};

pub use invitation::{Invitation, InvitationError};
pub use recovery::{RecoveryCode, RecoveryCodeError};

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

fn request(path: &'static str, body: &mut ObjectWriter) -> Request {
    Request { path, content_type: "application/json", body: body.end().into_bytes() }
}

/// What a platform says of a device's key: App Attest, Android key attestation, or another. The
/// server keeps it; a device without one is a device like others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Name of its format, such as `apple-appattest` or `android-key`: 1 to 32 of a-z, 0-9 and `-`.
    pub format: String,
    /// Its bytes as the platform gave them, at most 8192.
    pub object: Vec<u8>,
}

/// The first request: opens the account, or finds it.
///
/// # Errors
/// [`EnrolError::Sign`].
pub fn open_account(network: NetworkId, account: &dyn Signer) -> Result<Request, EnrolError> {
    let key = account.public_key();
    let signature = account.sign(Domain::Account, &account_message(network, &key))?;
    let mut body = ObjectWriter::new();
    body.text("alg", key.alg().name()).base64("public_key", key.as_bytes());
    Ok(request("/v1/accounts", body.base64("signature", &signature)))
}

/// An open account, and the server's challenge to sign a device in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    network: NetworkId,
    account: AccountId,
    challenge: [u8; CHALLENGE_LEN],
    expires_at_ms: u64,
}

impl Opened {
    /// Reads the answer to [`open_account`] for the account of `key`.
    ///
    /// # Errors
    /// [`EnrolError::Refused`] or [`EnrolError::Unexpected`].
    pub fn read(
        network: NetworkId,
        key: &PublicKey,
        status: u16,
        answer: &[u8],
    ) -> Result<Self, EnrolError> {
        let account = AccountId::of_key(key);
        let body = read(status, answer)?;
        Self::of(network, account, &body).ok_or(EnrolError::Unexpected(status))
    }

    fn of(network: NetworkId, account: AccountId, body: &Value<'_>) -> Option<Self> {
        (body.field("account_id")?.text()? == account.to_string()).then_some(())?;
        let challenge = Base64::decode_vec(body.field("challenge")?.text()?).ok()?;
        let expires_at_ms = body.field("challenge_expires_at_ms")?.u64()?;
        Some(Self { network, account, challenge: challenge.try_into().ok()?, expires_at_ms })
    }

    /// Which account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Until when a device can be added or invited, Unix milliseconds by the server's clock.
    pub const fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }

    /// What the platform has to attest the device's key over.
    pub fn attestation_challenge(&self, device: &PublicKey) -> [u8; 32] {
        attestation_challenge(self.network, self.account, &self.challenge, device)
    }

    /// The second request: adds the device to the account.
    ///
    /// # Errors
    /// [`EnrolError::Sign`].
    pub fn add_device(
        &self,
        account: &dyn Signer,
        device: &dyn Signer,
        attestation: Option<&Attestation>,
    ) -> Result<Request, EnrolError> {
        let key = device.public_key();
        let message = device_message(self.network, self.account, &self.challenge, &key);
        let by_account = account.sign(Domain::Device, &message)?;
        let permission = ("account_signature", &by_account[..]);
        device_request(self.account, &self.challenge, permission, &message, device, attestation)
    }
}

/// SHA-256 over what the device signs, its domain's tag included.
fn attestation_challenge(
    network: NetworkId,
    account: AccountId,
    challenge: &[u8; CHALLENGE_LEN],
    device: &PublicKey,
) -> [u8; 32] {
    let message = device_message(network, account, challenge, device);
    Sha256::new().chain_update(Domain::Device.tag()).chain_update(message).finalize().into()
}

/// Asks for a device to be added by the account's permission: a field's name, and a signature.
fn device_request(
    account: AccountId,
    challenge: &[u8; CHALLENGE_LEN],
    (by, permission): (&str, &[u8]),
    message: &[u8],
    device: &dyn Signer,
    attestation: Option<&Attestation>,
) -> Result<Request, EnrolError> {
    let key = device.public_key();
    let mut body = ObjectWriter::new();
    body.text("account_id", &account.to_string()).text("alg", key.alg().name());
    body.base64("public_key", key.as_bytes()).base64("challenge", challenge);
    body.base64("device_signature", &device.sign(Domain::Device, message)?);
    body.base64(by, permission);
    if let Some(Attestation { format, object }) = attestation {
        let attestation = ObjectWriter::new().text("format", format).base64("object", object).end();
        body.json("attestation", &attestation);
    }
    Ok(request("/v1/devices", &mut body))
}

/// Reads the answer to the second request.
///
/// # Errors
/// [`EnrolError::Refused`] or [`EnrolError::Unexpected`].
pub fn device_added(status: u16, answer: &[u8]) -> Result<(), EnrolError> {
    read(status, answer).map(drop)
}

/// The body of a Hexmile server's answer with status 200, or its refusal.
pub(crate) fn read(status: u16, answer: &[u8]) -> Result<Value<'_>, EnrolError> {
    let body = Value::read(answer).ok_or(EnrolError::Unexpected(status))?;
    if status == 200 {
        return Ok(body);
    }
    Err(refusal(&body).unwrap_or(EnrolError::Unexpected(status)))
}

fn refusal(body: &Value<'_>) -> Option<EnrolError> {
    let detail = match body.given("detail")? {
        Some(detail) => detail.text()?,
        None => "",
    };
    let (code, detail) = (body.field("code")?.text()?.to_owned(), detail.to_owned());
    Some(EnrolError::Refused { code, detail })
}
