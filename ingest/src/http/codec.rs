//! Bytes in JSON: hexadecimal for names and hashes, standard Base64 for keys and signatures.

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::sign::{Alg, PublicKey, SIGNATURE_LEN};

use utoipa::ToSchema;

use super::Problem;

/// A body that is bytes, for the description of the API.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Binary(#[expect(dead_code, reason = "only described")] Vec<u8>);

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn fixed<const N: usize>(field: &str, text: &str) -> Result<[u8; N], Problem> {
    STANDARD.decode(text).ok().and_then(|b| b.try_into().ok()).ok_or_else(|| {
        Problem::new(400, "field_invalid", format!("{field}: expected {N} bytes in Base64"))
    })
}

/// At most `most` bytes, and at least one.
pub(super) fn bytes(field: &str, text: &str, most: usize) -> Result<Vec<u8>, Problem> {
    let bytes = STANDARD.decode(text).ok().filter(|b| (1..=most).contains(&b.len()));
    bytes.ok_or_else(|| {
        Problem::new(400, "field_invalid", format!("{field}: expected 1 to {most} bytes in Base64"))
    })
}

pub(super) fn signature(field: &str, text: &str) -> Result<[u8; SIGNATURE_LEN], Problem> {
    fixed(field, text)
}

pub(super) fn public_key(field: &str, alg: &str, text: &str) -> Result<PublicKey, Problem> {
    let alg = Alg::from_name(alg).ok_or_else(|| {
        Problem::new(400, "alg_unknown", format!("alg: {alg:?}, and expected ed25519 or es256"))
    })?;
    let bytes = STANDARD.decode(text).unwrap_or_default();
    PublicKey::new(alg, &bytes).map_err(|_| {
        Problem::new(
            400,
            "key_invalid",
            format!("{field}: not a usable {} key in Base64", alg.name()),
        )
    })
}
