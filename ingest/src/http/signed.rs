//! Requests signed by a key of the account that they are about.

use actix_web::{HttpRequest, http::header};
use hexmile_trace::{
    AccountId, DeviceId,
    enrol::request_message,
    sign::{Domain, SIGNATURE_LEN},
};

use super::{Problem, Server, codec};
use crate::store::Account;

/// How far the time in a request may be from the server's, milliseconds.
pub(super) const CLOCK_TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// Name of the authentication scheme.
pub(super) const SCHEME: &str = "Hexmile";

/// `Authorization: Hexmile key=HEX, time=MILLISECONDS, signature=BASE64`.
struct Credentials {
    /// Id of an account or of one of its devices.
    key: [u8; 16],
    time_ms: u64,
    signature: [u8; SIGNATURE_LEN],
}

fn refused(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(401, code, detail)
}

fn credentials(request: &HttpRequest) -> Result<Credentials, Problem> {
    let malformed = |what: &str| {
        let detail = format!(
            "Authorization: {what}; expected {SCHEME} key=HEX, time=MILLISECONDS, signature=BASE64"
        );
        refused("authorization_malformed", detail)
    };
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        let detail = "Authorization: missing; sign the request with a key of the account";
        return Err(refused("authorization_missing", detail));
    };
    let value = value.to_str().map_err(|_| malformed("not text"))?;
    let parameters = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map(|(_, parameters)| parameters)
        .ok_or_else(|| malformed("another scheme"))?;
    let (mut key, mut time_ms, mut signature) = (None, None, None);
    for parameter in parameters.split(',') {
        let (name, value) =
            parameter.trim().split_once('=').ok_or_else(|| malformed("a name without a value"))?;
        let value = value.trim_matches('"');
        let repeated = match name {
            "key" => {
                let mut bytes = [0; 16];
                hex::decode_to_slice(value, &mut bytes)
                    .map_err(|_| malformed("key is not 32 hexadecimal digits"))?;
                key.replace(bytes).is_some()
            }
            "time" => {
                let ms = value.parse().map_err(|_| malformed("time is not a number"))?;
                time_ms.replace(ms).is_some()
            }
            "signature" => {
                let bytes = codec::fixed("signature", value)
                    .map_err(|_| malformed("signature is not 64 bytes in Base64"))?;
                signature.replace(bytes).is_some()
            }
            _ => return Err(malformed("an unknown name")),
        };
        if repeated {
            return Err(malformed("a name twice"));
        }
    }
    Ok(Credentials {
        key: key.ok_or_else(|| malformed("no key"))?,
        time_ms: time_ms.ok_or_else(|| malformed("no time"))?,
        signature: signature.ok_or_else(|| malformed("no signature"))?,
    })
}

/// Who signed a request.
pub(super) struct Requester {
    pub(super) account: Account,
    /// The device whose key it was, where it was not the account's own.
    pub(super) device: Option<DeviceId>,
}

/// The account that signed the request, with its own key or one of its devices'. The signature is
/// over the method and the path, and may be `life_ms` old.
///
/// # Errors
/// 401 where nothing was signed, or not at such a time; 403 where the signature is not the key's, or
/// the device was signed out; 404 where no account has the key.
pub(super) async fn signer(
    server: &Server,
    request: &HttpRequest,
    method: &str,
    life_ms: u64,
) -> Result<Requester, Problem> {
    let Credentials { key: key_id, time_ms, signature } = credentials(request)?;
    let now_ms = server.environment.now_ms();
    if time_ms > now_ms.saturating_add(CLOCK_TOLERANCE_MS)
        || now_ms.saturating_sub(time_ms) > life_ms
    {
        let detail = format!(
            "time: {time_ms} is not within {life_ms} ms before and {CLOCK_TOLERANCE_MS} ms after \
             the server's, {now_ms}"
        );
        return Err(refused("request_expired", detail));
    }
    let unknown = || Problem::not_found("no account has this key; it may have been erased");
    let own = server.store.account(AccountId(key_id)).await?;
    let (account, key, device) = if let Some(account) = own {
        let key = account.key;
        (account, key, None)
    } else {
        let device = server.store.device(DeviceId(key_id)).await?.ok_or_else(unknown)?;
        let account = server.store.account(device.account).await?.ok_or_else(unknown)?;
        (account, device.key, Some(device))
    };
    let message = request_message(server.config.network, key_id, time_ms, method, request.path());
    key.verify(Domain::Request, &message, &signature).map_err(|_| {
        Problem::new(403, "signature_invalid", "signature: not by this key over this request")
    })?;
    // An account that was erased and opened again is not the one that an old request was about.
    if time_ms.saturating_add(CLOCK_TOLERANCE_MS) < account.opened_at_ms {
        let detail = "time: before the account was opened";
        return Err(refused("request_expired", detail));
    }
    if device.as_ref().is_some_and(|device| device.revoked_at_ms.is_some()) {
        let detail = "the device was signed out of its account";
        return Err(Problem::new(403, "device_revoked", detail));
    }
    Ok(Requester { account, device: device.map(|device| device.id) })
}
