//! ES256 signatures as key stores give them.

use super::{SIGNATURE_LEN, SignError};

/// Order of P-256's group, big endian (SEC 2, secp256r1).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The form in which an ES256 signature is sent, r || s with a low s, of what a key store gives: the
/// DER of RFC 3279 (Android Keystore, Secure Enclave), or r || s as it is.
///
/// # Errors
/// The bytes are neither.
pub fn es256_signature(bytes: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
    let mut out = match bytes.try_into() {
        Ok(fixed) => fixed,
        Err(_) => from_der(bytes)
            .ok_or_else(|| SignError(format!("{} bytes that are no signature", bytes.len())))?,
    };
    lower_s(&mut out);
    Ok(out)
}

/// SEQUENCE { INTEGER r, INTEGER s }, with nothing after it.
fn from_der(bytes: &[u8]) -> Option<[u8; SIGNATURE_LEN]> {
    let [0x30, len, rest @ ..] = bytes else { return None };
    if usize::from(*len) != rest.len() {
        return None;
    }
    let mut out = [0; SIGNATURE_LEN];
    let rest = integer(rest, &mut out[..32])?;
    integer(rest, &mut out[32..])?.is_empty().then_some(out)
}

/// Reads one positive integer into 32 bytes; what follows it.
fn integer<'a>(bytes: &'a [u8], out: &mut [u8]) -> Option<&'a [u8]> {
    let [0x02, len, rest @ ..] = bytes else { return None };
    let (value, rest) = rest.split_at_checked(usize::from(*len))?;
    let value = match value {
        // A zero keeps a first bit that is set from being a sign.
        [0, first, ..] if *first >= 0x80 => &value[1..],
        [first, ..] if *first < 0x80 => value,
        _ => return None,
    };
    let at = out.len().checked_sub(value.len())?;
    out[at..].copy_from_slice(value);
    Some(rest)
}

/// Takes the lower of the two values of s that verify.
fn lower_s(signature: &mut [u8; SIGNATURE_LEN]) {
    let (_, s) = signature.split_at_mut(32);
    let mut other = [0; 32];
    let mut borrow = false;
    for i in (0..32).rev() {
        let (difference, first) = ORDER[i].overflowing_sub(s[i]);
        let (difference, second) = difference.overflowing_sub(u8::from(borrow));
        other[i] = difference;
        borrow = first || second;
    }
    if !borrow && other.as_slice() < &*s {
        s.copy_from_slice(&other);
    }
}
