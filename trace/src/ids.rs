//! Identifiers: fixed-length byte strings, written in lower-case hexadecimal.

use core::{fmt, str::FromStr};
use sha2::{Digest, Sha256};

use crate::sign::PublicKey;

/// Text that is not an identifier of the expected length in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct ParseIdError {
    /// Digits expected.
    pub expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The identifier of `bytes`, or `None` where the length is wrong.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(s: &str) -> Result<Self, ParseIdError> {
                let mut out = [0; $len];
                decode_hex(s, &mut out).ok_or(ParseIdError { expected: 2 * $len })?;
                Ok(Self(out))
            }
        }
    };
}

id! {
    /// Hash of a payload's bytes: names a trace whoever signed it, and never its signature.
    TraceId, 32
}
id! {
    /// Hash of a device's public key.
    DeviceId, 16
}
id! {
    /// Hash of an account's public key.
    AccountId, 16
}
id! {
    /// Random name of one trip; means something only beside its device.
    TripId, 8
}
id! {
    /// Which network a trace is for; a trace signed for one is refused by every other.
    NetworkId, 8
}

fn decode_hex(s: &str, out: &mut [u8]) -> Option<()> {
    let digit = |c: u8| (c as char).to_digit(16).filter(|_| !c.is_ascii_uppercase());
    if s.len() != 2 * out.len() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(s.as_bytes().chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(())
}

/// The first `N` bytes of SHA-256 over `tag`, a zero byte and `parts`.
pub(crate) fn tagged_hash<const N: usize>(tag: &str, parts: &[&[u8]]) -> [u8; N] {
    let mut hash = Sha256::new();
    hash.update(tag.as_bytes());
    hash.update([0]);
    for part in parts {
        hash.update(part);
    }
    let mut out = [0; N];
    out.copy_from_slice(&hash.finalize()[..N]);
    out
}

impl TraceId {
    /// The id of a payload.
    pub fn of_payload(payload: &[u8]) -> Self {
        Self(tagged_hash("hexmile/trace-id/v1", &[payload]))
    }
}

impl DeviceId {
    /// The id of a device key.
    pub fn of_key(key: &PublicKey) -> Self {
        Self(tagged_hash("hexmile/device-id/v1", &[&[key.alg() as u8], key.as_bytes()]))
    }
}

impl AccountId {
    /// The id of an account key.
    pub fn of_key(key: &PublicKey) -> Self {
        Self(tagged_hash("hexmile/account-id/v1", &[&[key.alg() as u8], key.as_bytes()]))
    }
}

impl NetworkId {
    /// The id of a network's name.
    pub fn of_name(name: &str) -> Self {
        Self(tagged_hash("hexmile/network-id/v1", &[name.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_bad_text_is_refused() {
        let id = TripId([0, 1, 0xab, 0xff, 4, 5, 6, 7]);
        assert_eq!(id.to_string(), "0001abff04050607");
        assert_eq!("0001abff04050607".parse(), Ok(id));
        for bad in
            ["", "00", "0001ABFF04050607", "0001abff0405060", "0001abff0405060g", "é001abff0405060"]
        {
            assert_eq!(bad.parse::<TripId>(), Err(ParseIdError { expected: 16 }), "{bad}");
        }
    }
}
