//! Keys on the host's side of the border.

use std::sync::Arc;

use hexmile_sdk_core::trace::sign::{
    Alg, Domain, PublicKey, SIGNATURE_LEN, SignError, Signer, SoftwareSigner, es256_signature,
};

use crate::RecorderError;

/// Why a key store did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum SignFailure {
    /// It refused or failed, in its own words.
    #[error("{reason}")]
    KeyStore {
        /// Its words.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for SignFailure {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::KeyStore { reason: error.reason }
    }
}

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SignPurpose {
    /// A trace.
    Trace,
    /// Opening an account.
    Account,
    /// Adding a device.
    Device,
    /// Inviting a device.
    Invitation,
    /// A request for the account's own data, or to erase it.
    Request,
}

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum KeyAlgorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256 with SHA-256, for key stores in hardware.
    Es256,
}

impl From<KeyAlgorithm> for Alg {
    fn from(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::Ed25519 => Self::Ed25519,
            KeyAlgorithm::Es256 => Self::Es256,
        }
    }
}

/// A key, held by the host's key store or in memory.
#[uniffi::export(rust, foreign)]
pub trait HostSigner: Send + Sync {
    /// What it signs with; the same for as long as it lives.
    fn algorithm(&self) -> KeyAlgorithm;

    /// The public key: 32 bytes, or for ES256 33, the point in its compressed form.
    fn public_key(&self) -> Vec<u8>;

    /// Signs exactly these bytes; the purpose is already in them, and is told for the key store's
    /// own records. 64 bytes, or for ES256 DER as key stores give it.
    fn sign(&self, purpose: SignPurpose, message: Vec<u8>) -> Result<Vec<u8>, SignFailure>;
}

struct InMemory(SoftwareSigner);

impl HostSigner for InMemory {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::Ed25519
    }

    fn public_key(&self) -> Vec<u8> {
        self.0.public_key().as_bytes().to_vec()
    }

    fn sign(&self, _: SignPurpose, message: Vec<u8>) -> Result<Vec<u8>, SignFailure> {
        // The tag is in the message already, and a note has none of its own.
        let signature = self.0.sign(Domain::Note, &message);
        let signature = signature.map_err(|e| SignFailure::KeyStore { reason: e.to_string() })?;
        Ok(signature.to_vec())
    }
}

/// A key in memory, of a 32-byte secret seed.
#[uniffi::export]
pub fn software_signer(seed: Vec<u8>) -> Result<Arc<dyn HostSigner>, RecorderError> {
    let seed: [u8; 32] = seed
        .try_into()
        .map_err(|_| RecorderError::Argument { reason: "seed: expected 32 bytes".to_owned() })?;
    Ok(in_memory(SoftwareSigner::from_seed(&seed)))
}

pub(crate) fn in_memory(key: SoftwareSigner) -> Arc<dyn HostSigner> {
    Arc::new(InMemory(key))
}

/// A host's signer as the core knows it.
pub(crate) struct Bridge {
    host: Arc<dyn HostSigner>,
    key: PublicKey,
}

impl Bridge {
    pub(crate) fn new(host: Arc<dyn HostSigner>) -> Result<Self, RecorderError> {
        let key = PublicKey::of_signer(host.algorithm().into(), &host.public_key());
        let key = key.map_err(|_| RecorderError::Argument {
            reason: "signer: its public key is none of its algorithm".to_owned(),
        })?;
        Ok(Self { host, key })
    }
}

impl Signer for Bridge {
    fn public_key(&self) -> PublicKey {
        self.key
    }

    fn sign(&self, domain: Domain, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        let purpose = match domain {
            Domain::Account => SignPurpose::Account,
            Domain::Device => SignPurpose::Device,
            Domain::Invitation => SignPurpose::Invitation,
            Domain::Request => SignPurpose::Request,
            Domain::Trace | Domain::Receipt | Domain::Note => SignPurpose::Trace,
        };
        let signed = [domain.tag(), message].concat();
        let signature = self.host.sign(purpose, signed).map_err(|e| SignError(e.to_string()))?;
        if self.key.alg() == Alg::Es256 {
            return es256_signature(&signature);
        }
        let len = signature.len();
        signature.try_into().map_err(|_| SignError(format!("{len} bytes of signature, not 64")))
    }
}
