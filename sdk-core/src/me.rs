//! What belongs to the driver at the server: requests to see it, to take it away, to sign a device out,
//! or to have everything erased.
//!
//! Each is signed by a key of the account, its own or a device's, and needs nothing else: what is
//! signed can be sent by anybody, once the key is gone, too.

use hexmile_trace::{
    AccountId, DeviceId, NetworkId,
    enrol::request_message,
    sign::{Domain, SignError, Signer},
};

use base64ct::{Base64, Encoding};

use crate::{
    enrol::{self, EnrolError},
    json::{ObjectWriter, Value},
};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Asks for the account's devices; read the answer with [`Overview::read`]. The server takes the
/// request for five minutes.
///
/// # Errors
/// The key store.
pub fn overview(network: NetworkId, key: Key<'_>, now_ms: u64) -> Result<SignedRequest, SignError> {
    signed(network, key, now_ms, "GET", "/v1/me")
}

/// Asks for a device to be signed out for ever: a phone that was lost or sold, or a key that was
/// changed. The account's key signs any of them out, a device's only itself. The server takes the
/// request for five minutes; a repeat changes nothing.
///
/// # Errors
/// The key store.
pub fn sign_out(
    network: NetworkId,
    key: Key<'_>,
    device: DeviceId,
    now_ms: u64,
) -> Result<SignedRequest, SignError> {
    signed(network, key, now_ms, "DELETE", &format!("/v1/devices/{device}"))
}

/// An account as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Which.
    pub account: AccountId,
    /// Unix milliseconds.
    pub opened_at_ms: u64,
    /// Those that were signed out included.
    pub devices: Vec<KnownDevice>,
}

/// A device of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// Which.
    pub id: DeviceId,
    /// Unix milliseconds.
    pub added_at_ms: u64,
    /// When it was signed out, Unix milliseconds.
    pub revoked_at_ms: Option<u64>,
}

impl Overview {
    /// Reads the answer to [`overview`].
    ///
    /// # Errors
    /// [`EnrolError::Refused`] or [`EnrolError::Unexpected`].
    pub fn read(status: u16, answer: &[u8]) -> Result<Self, EnrolError> {
        Self::of(&enrol::read(status, answer)?).ok_or(EnrolError::Unexpected(status))
    }

    fn of(body: &Value<'_>) -> Option<Self> {
        Some(Self {
            account: body.field("account_id")?.text()?.parse().ok()?,
            opened_at_ms: body.field("opened_at_ms")?.u64()?,
            devices: body
                .field("devices")?
                .array()?
                .iter()
                .map(KnownDevice::of)
                .collect::<Option<_>>()?,
        })
    }
}

/// Reads the answer to [`sign_out`].
///
/// # Errors
/// [`EnrolError::Refused`] or [`EnrolError::Unexpected`].
pub fn signed_out(status: u16, answer: &[u8]) -> Result<KnownDevice, EnrolError> {
    KnownDevice::of(&enrol::read(status, answer)?).ok_or(EnrolError::Unexpected(status))
}

impl KnownDevice {
    fn of(body: &Value<'_>) -> Option<Self> {
        Some(Self {
            id: body.field("device_id")?.text()?.parse().ok()?,
            added_at_ms: body.field("added_at_ms")?.u64()?,
            revoked_at_ms: body.optional("revoked_at_ms", Value::u64)?,
        })
    }
}

fn signed(
    network: NetworkId,
    key: Key<'_>,
    now_ms: u64,
    method: &str,
    path: &str,
) -> Result<SignedRequest, SignError> {
    let message = request_message(network, key.id(), now_ms, method, path);
    let signature = Base64::encode_string(&key.signer().sign(Domain::Request, &message)?);
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
    /// As it is kept on disk.
    pub(crate) fn to_json(&self) -> String {
        let mut json = ObjectWriter::new();
        json.text("method", &self.method).text("path", &self.path);
        json.text("authorization", &self.authorization).json("signed_at_ms", &self.signed_at_ms);
        json.end()
    }

    /// What was kept; `None` where it is none.
    pub(crate) fn of_json(json: &[u8]) -> Option<Self> {
        let json = Value::read(json)?;
        let text = |name| Some(json.field(name)?.text()?.to_owned());
        Some(Self {
            method: text("method")?,
            path: text("path")?,
            authorization: text("authorization")?,
            signed_at_ms: json.field("signed_at_ms")?.u64()?,
        })
    }

    /// The hexadecimal id of the key that signed it.
    pub(crate) fn key_id(&self) -> Option<&str> {
        let id = self.authorization.strip_prefix("Hexmile key=")?.split(',').next()?;
        (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
    }
}
