//! Keys and signatures: Ed25519 by default, ES256 for key stores in hardware that has no Ed25519.
//!
//! Every signature covers `domain tag || message`, so that one made for one purpose never
//! passes for another. Ed25519 is verified strictly (no small-order keys, no malleable
//! signatures); ES256 signatures must have a low S.

mod der;

use core::fmt;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

pub use der::es256_signature;

/// Length of a signature in bytes, for both algorithms (ES256 in its fixed form, r || s).
pub const SIGNATURE_LEN: usize = 64;

/// Signature algorithm; the number is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Alg {
    /// Ed25519 (RFC 8032), verified strictly.
    Ed25519 = 1,
    /// ECDSA on P-256 with SHA-256.
    Es256 = 2,
}

impl Alg {
    /// The algorithm of a wire number.
    pub const fn from_u8(n: u8) -> Option<Self> {
        match n {
            1 => Some(Self::Ed25519),
            2 => Some(Self::Es256),
            _ => None,
        }
    }

    /// Name in JSON and in columns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Es256 => "es256",
        }
    }

    /// The algorithm of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ed25519, Self::Es256].into_iter().find(|a| a.name() == name)
    }
}

/// A public key, in the form its algorithm uses: 32 bytes (Ed25519) or 33 (P-256, compressed).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    alg: Alg,
    bytes: [u8; 33],
}

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A trace's payload, by a device key.
    Trace,
    /// Opening an account, by the account key.
    Account,
    /// Adding a device, by the account key and by the device key.
    Device,
    /// Inviting a device, by the account key.
    Invitation,
    /// A request about one's own data, by the account key or a device key.
    Request,
    /// A receipt, by the server's key.
    Receipt,
    /// A signed note (C2SP `signed-note`), by the server's key. Its format leaves no room for a
    /// tag; its text has no zero byte, so it is never another domain's message.
    Note,
}

impl Domain {
    /// The tag that precedes the message; a zero byte ends each, so that none begins another.
    pub const fn tag(self) -> &'static [u8] {
        match self {
            Self::Trace => b"hexmile/trace/v1\0",
            Self::Account => b"hexmile/account/v1\0",
            Self::Device => b"hexmile/device/v1\0",
            Self::Invitation => b"hexmile/invitation/v1\0",
            Self::Request => b"hexmile/request/v1\0",
            Self::Receipt => b"hexmile/receipt/v1\0",
            Self::Note => b"",
        }
    }
}

/// Bytes that are no usable public key of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a usable public key")]
pub struct KeyError;

/// A signature that does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureError;

/// A key that is there but did not sign, with the key store's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key store did not sign: {0}")]
pub struct SignError(pub String);

/// Something that holds a private key: a software key, or a platform's key store.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// Signs `domain tag || message`.
    ///
    /// # Errors
    /// The key store refused or failed; the same call may work later.
    fn sign(&self, domain: Domain, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError>;
}

impl PublicKey {
    /// Checks that `bytes` are a key of `alg`: a point on its curve, not of small order, in the one
    /// form that names it.
    ///
    /// # Errors
    /// [`KeyError`]; always, for ES256, where the crate is built without its `es256` feature.
    pub fn new(alg: Alg, bytes: &[u8]) -> Result<Self, KeyError> {
        let mut out = [0; 33];
        match alg {
            Alg::Ed25519 => {
                let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError)?;
                if !is_reduced(bytes) {
                    return Err(KeyError);
                }
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError)?;
                if key.is_weak() {
                    return Err(KeyError);
                }
                out[..32].copy_from_slice(bytes);
            }
            Alg::Es256 => {
                let bytes: &[u8; 33] = bytes.try_into().map_err(|_| KeyError)?;
                es256::check(bytes)?;
                out = *bytes;
            }
        }
        Ok(Self { alg, bytes: out })
    }

    /// The key of a signer on this machine, in the form of its algorithm. Whether it is a point on the
    /// curve is left to its key store, and to the server, so that a phone needs no code for P-256.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn of_signer(alg: Alg, bytes: &[u8]) -> Result<Self, KeyError> {
        if alg == Alg::Ed25519 {
            return Self::new(alg, bytes);
        }
        let bytes: [u8; 33] = bytes.try_into().map_err(|_| KeyError)?;
        if matches!(bytes[0], 2 | 3) { Ok(Self { alg, bytes }) } else { Err(KeyError) }
    }

    /// The algorithm.
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// The key's bytes, 32 or 33.
    pub fn as_bytes(&self) -> &[u8] {
        match self.alg {
            Alg::Ed25519 => &self.bytes[..32],
            Alg::Es256 => &self.bytes,
        }
    }

    /// Verifies a signature over `domain tag || message`.
    ///
    /// # Errors
    /// [`SignatureError`], whatever the cause.
    pub fn verify(
        &self,
        domain: Domain,
        message: &[u8],
        signature: &[u8; SIGNATURE_LEN],
    ) -> Result<(), SignatureError> {
        let signed = [domain.tag(), message].concat();
        match self.alg {
            Alg::Ed25519 => {
                let bytes = self.bytes.first_chunk().ok_or(SignatureError)?;
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| SignatureError)?;
                let signature = ed25519_dalek::Signature::from_bytes(signature);
                key.verify_strict(&signed, &signature).map_err(|_| SignatureError)
            }
            Alg::Es256 => es256::verify(&self.bytes, &signed, signature),
        }
    }
}

/// Whether the y coordinate is below the field's prime, 2^255 - 19: above it stand second names of
/// the same points.
fn is_reduced(key: &[u8; 32]) -> bool {
    key[31] | 0x80 != 0xff || key[1..31].iter().any(|&b| b != 0xff) || key[0] < 0xed
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} ", self.alg.name())?;
        self.as_bytes().iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        f.write_str(")")
    }
}

/// An Ed25519 key held in memory; its bytes are wiped when dropped.
pub struct SoftwareSigner(SigningKey);

impl SoftwareSigner {
    /// The key of a 32-byte secret seed (RFC 8032), which the caller drew at random.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
}

impl Signer for SoftwareSigner {
    fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 33];
        bytes[..32].copy_from_slice(self.0.verifying_key().as_bytes());
        PublicKey { alg: Alg::Ed25519, bytes }
    }

    fn sign(&self, domain: Domain, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        Ok(self.0.sign(&[domain.tag(), message].concat()).to_bytes())
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({:?})", self.public_key())
    }
}

#[cfg(feature = "es256")]
mod es256 {
    use super::{KeyError, SIGNATURE_LEN, SignatureError};
    use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};

    pub(super) fn check(bytes: &[u8; 33]) -> Result<(), KeyError> {
        // SEC 1's compact form has the same length, and would be a second name of the key.
        if !matches!(bytes[0], 2 | 3) {
            return Err(KeyError);
        }
        VerifyingKey::from_sec1_bytes(bytes).map(drop).map_err(|_| KeyError)
    }

    pub(super) fn verify(
        key: &[u8; 33],
        signed: &[u8],
        signature: &[u8; SIGNATURE_LEN],
    ) -> Result<(), SignatureError> {
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| SignatureError)?;
        let signature = Signature::from_slice(signature).map_err(|_| SignatureError)?;
        if signature.normalize_s() != signature {
            return Err(SignatureError);
        }
        key.verify(signed, &signature).map_err(|_| SignatureError)
    }
}

#[cfg(not(feature = "es256"))]
mod es256 {
    use super::{KeyError, SIGNATURE_LEN, SignatureError};

    pub(super) fn check(_: &[u8; 33]) -> Result<(), KeyError> {
        Err(KeyError)
    }

    pub(super) fn verify(
        _: &[u8; 33],
        _: &[u8],
        _: &[u8; SIGNATURE_LEN],
    ) -> Result<(), SignatureError> {
        Err(SignatureError)
    }
}
