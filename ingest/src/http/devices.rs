//! Devices of an account: signed in, and signed out.

use actix_web::{HttpRequest, HttpResponse, delete, post, web};
use hexmile_trace::{
    DeviceId,
    enrol::{CHALLENGE_LEN, device_message, invitation_message},
    sign::Domain,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Problem, Server,
    accounts::parse_account,
    codec,
    enrol::not_signed,
    signed::{CLOCK_TOLERANCE_MS, signer},
};
use crate::store::{Account, Attestation, Device, DeviceAdded, Joining};

/// Most devices of an account that are signed in.
const MAX_DEVICES: usize = 64;
/// Largest attestation, bytes.
const MAX_ATTESTATION: usize = 8 * 1024;

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
    /// By the account key over network, account, challenge and device key, Base64. Either this or
    /// `invitation_signature`.
    #[schema(pattern = "^[A-Za-z0-9+/]{86}==$")]
    account_signature: Option<String>,
    /// By the account key over network, account and challenge, Base64: an invitation, which one
    /// device may join by that was not known when it was written.
    #[schema(pattern = "^[A-Za-z0-9+/]{86}==$")]
    invitation_signature: Option<String>,
    /// By the device key over the same, Base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{86}==$")]
    device_signature: String,
    /// What the platform says of the device's key. It is kept for checking, and changes nothing
    /// until then.
    attestation: Option<AttestationJson>,
}

/// What a platform says of a key, made over SHA-256 of what the device signs.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AttestationJson {
    /// Name of its format, such as `apple-appattest` or `android-key`.
    #[schema(example = "android-key", pattern = "^[a-z0-9-]{1,32}$")]
    format: String,
    /// Its bytes, Base64, 8192 at most.
    #[schema(pattern = "^([A-Za-z0-9+/]{4}){1,64}$")]
    object: String,
}

impl From<&Attestation> for AttestationJson {
    fn from(attestation: &Attestation) -> Self {
        let Attestation { format, object } = attestation;
        Self { format: format.clone(), object: codec::base64(object) }
    }
}

impl AttestationJson {
    fn read(&self) -> Result<Attestation, Problem> {
        let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if self.format.is_empty() || self.format.len() > 32 || !self.format.bytes().all(is_name) {
            let detail = "attestation.format: expected 1 to 32 of a-z, 0-9 and -";
            return Err(Problem::new(400, "field_invalid", detail));
        }
        let object = codec::bytes("attestation.object", &self.object, MAX_ATTESTATION)?;
        Ok(Attestation { format: self.format.clone(), object })
    }
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
    /// When it was signed out, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at_ms: Option<u64>,
}

impl From<&Device> for DeviceKnown {
    fn from(device: &Device) -> Self {
        Self {
            device_id: device.id.to_string(),
            account_id: device.account.to_string(),
            added_at_ms: device.added_at_ms,
            revoked_at_ms: device.revoked_at_ms,
        }
    }
}

/// Adds a device to an account. Adding it again is harmless.
///
/// The account's key signs for the device itself, or for an invitation, which serves for one device
/// until its challenge expires. A device that was signed out is never taken again.
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
    let by_device = codec::signature("device_signature", &request.device_signature)?;
    let invitation = permission(&server, &request, &known, &challenge, &message)?;
    key.verify(Domain::Device, &message, &by_device)
        .map_err(|_| not_signed("device_signature", "the device key"))?;
    let attestation = request.attestation.as_ref().map(AttestationJson::read).transpose()?;
    let id = DeviceId::of_key(&key);
    let others = server.store.devices(account).await?;
    let signed_in = others.iter().filter(|d| d.revoked_at_ms.is_none() && d.id != id).count();
    if signed_in >= MAX_DEVICES {
        let detail = format!("{MAX_DEVICES} devices are signed in; sign one out first");
        return Err(Problem::new(409, "devices_full", detail));
    }
    let device = Device { id, account, key, added_at_ms: now_ms, revoked_at_ms: None };
    let joining = Joining { invitation, attestation };
    match server.store.add_device(&device, &joining).await? {
        DeviceAdded::New(device) | DeviceAdded::Known(device) => {
            Ok(HttpResponse::Ok().json(DeviceKnown::from(&device)))
        }
        DeviceAdded::OtherAccount => {
            Err(Problem::new(409, "device_taken", "the device belongs to another account"))
        }
        DeviceAdded::Revoked => {
            let detail = "the device was signed out; give it a new key";
            Err(Problem::new(409, "device_revoked", detail))
        }
        DeviceAdded::InvitationUsed => {
            let detail = "another device joined by this invitation; ask for a new one";
            Err(Problem::new(409, "invitation_used", detail))
        }
        DeviceAdded::NoAccount => Err(Problem::not_found("no such account")),
    }
}

/// Whether the account's key lets the device in; by which invitation, where by one.
fn permission(
    server: &Server,
    request: &AddDevice,
    account: &Account,
    challenge: &[u8; CHALLENGE_LEN],
    message: &[u8],
) -> Result<Option<[u8; 32]>, Problem> {
    match (&request.account_signature, &request.invitation_signature) {
        (Some(signature), None) => {
            let signature = codec::signature("account_signature", signature)?;
            let signed = account.key.verify(Domain::Device, message, &signature);
            signed.map_err(|_| not_signed("account_signature", "the account key"))?;
            Ok(None)
        }
        (None, Some(signature)) => {
            let signature = codec::signature("invitation_signature", signature)?;
            let invitation = invitation_message(server.config.network, account.id, challenge);
            let signed = account.key.verify(Domain::Invitation, &invitation, &signature);
            signed.map_err(|_| not_signed("invitation_signature", "the account key"))?;
            Ok(challenge.last_chunk().copied())
        }
        _ => {
            let detail = "account_signature, invitation_signature: expected one of the two";
            Err(Problem::new(400, "field_invalid", detail))
        }
    }
}

/// Signs a device out of the account that signed the request, for ever; a repeat changes nothing.
///
/// Sign as for the export, over `DELETE /v1/devices/{device_id}`, with the account's key, or with the key of
/// the device itself. What the device sent before stays; nothing more is taken from it.
#[utoipa::path(
    tag = "accounts",
    security(("signed" = [])),
    params(("device_id" = String, Path, description = "32 hexadecimal digits",
            pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, body = DeviceKnown),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/devices/{device_id}")]
pub(super) async fn revoke_device(
    server: web::Data<Server>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: DeviceId = id.parse().map_err(|e| Problem::parameter("device_id", &format!("{e}")))?;
    let by = signer(&server, &request, "DELETE", CLOCK_TOLERANCE_MS).await?;
    if by.device.is_some_and(|device| device != id) {
        let detail = "a device signs out itself alone; sign with the account's key";
        return Err(Problem::new(403, "account_key_needed", detail));
    }
    let at_ms = server.environment.now_ms();
    let store = std::sync::Arc::clone(&server.store);
    // Goes through to its end, even where whoever asked hangs up.
    let revoked =
        tokio::spawn(async move { store.revoke_device(by.account.id, id, at_ms).await }).await;
    let revoked = revoked.map_err(|_| Problem::new(503, "store_unavailable", "try again"))??;
    let device = revoked.ok_or_else(|| Problem::not_found("the account has no such device"))?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(DeviceKnown::from(&device)))
}
