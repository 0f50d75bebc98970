//! What belongs to the driver at the server: requests to take it away, or to have it erased.
//!
//! Each is signed by a key of the account, its own or a device's, and needs nothing else: what is
//! signed can be sent by anybody, once the key is gone, too.

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::{
    AccountId, DeviceId, NetworkId,
    enrol::request_message,
    sign::{Domain, SignError, Signer},
};
use serde::{Deserialize, Serialize};

/// Whose key signs a request.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// The account's own.
    Account(&'a dyn Signer),
    /// That of one of its devices.
    Device(&'a dyn Signer),
}

impl Key<'_> {
    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Account(signer) | Self::Device(signer) => *signer,
        }
    }

    fn id(&self) -> [u8; 16] {
        match self {
            Self::Account(signer) => AccountId::of_key(&signer.public_key()).0,
            Self::Device(signer) => DeviceId::of_key(&signer.public_key()).0,
        }
    }
}

/// A request without a body for the host's HTTP stack. It holds no secret, but whoever has it can
/// send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    /// Method, in capitals.
    pub method: String,
    /// Path on the server.
    pub path: String,
    /// Value of the `Authorization` header.
    pub authorization: String,
    /// When it was signed, Unix milliseconds.
    pub signed_at_ms: u64,
}

/// Asks for everything that the server holds of the account, as JSON. The server takes the request
/// for five minutes.
///
/// # Errors
/// The key store.
pub fn export(network: NetworkId, key: Key<'_>, now_ms: u64) -> Result<SignedRequest, SignError> {
    signed(network, key, now_ms, "GET", "/v1/me/export")
}

/// Asks for the account and everything of its own to be erased. The server takes the request for 30
/// days.
pub(crate) fn erasure(
    network: NetworkId,
    key: Key<'_>,
    now_ms: u64,
) -> Result<SignedRequest, SignError> {
    signed(network, key, now_ms, "DELETE", "/v1/me")
}

fn signed(
    network: NetworkId,
    key: Key<'_>,
    now_ms: u64,
    method: &str,
    path: &str,
) -> Result<SignedRequest, SignError> {
    let message = request_message(network, key.id(), now_ms, method, path);
    let signature = STANDARD.encode(key.signer().sign(Domain::Request, &message)?);
    // An account's id and a device's are written alike.
    let id = AccountId(key.id());
    Ok(SignedRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        authorization: format!("Hexmile key={id}, time={now_ms}, signature={signature}"),
        signed_at_ms: now_ms,
    })
}

impl SignedRequest {
    /// The hexadecimal id of the key that signed it.
    pub(crate) fn key_id(&self) -> Option<&str> {
        let id = self.authorization.strip_prefix("Hexmile key=")?.split(',').next()?;
        (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
    }
}
