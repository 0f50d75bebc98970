//! Keys of trips, on the host's side of the border.

use std::{fmt, path::PathBuf, sync::Arc};

use hexmile_sdk_core::secrets::{FolderSecrets, Secret, SecretError, SecretStore};

/// Why a secret store did not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum SecretFailure {
    /// It cannot be used now: the phone was not unlocked since it was started.
    #[error("the secret store is locked")]
    Locked,
    /// It failed, in its own words.
    #[error("{reason}")]
    Failed {
        /// Its words.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for SecretFailure {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

impl From<SecretFailure> for SecretError {
    fn from(failure: SecretFailure) -> Self {
        match failure {
            SecretFailure::Locked => Self::Locked,
            SecretFailure::Failed { reason } => Self::Failed(reason),
        }
    }
}

impl From<SecretError> for SecretFailure {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Locked => Self::Locked,
            SecretError::Failed(reason) => Self::Failed { reason },
            other => Self::Failed { reason: other.to_string() },
        }
    }
}

/// Keeps a key for each trip, by name, in the platform's own store (Keychain, Keystore): on this device
/// alone, out of backups, and readable in the background once the phone was unlocked. Names are of
/// lower-case letters, digits and hyphens, at most 64.
#[uniffi::export(rust, foreign)]
pub trait HostSecrets: Send + Sync {
    /// Makes a new key of 32 random bytes, and keeps it under a name, in place of any before. It can be
    /// read again after a crash when this returns.
    fn create(&self, name: String) -> Result<Vec<u8>, SecretFailure>;

    /// The key under a name; none where there is none.
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, SecretFailure>;

    /// Destroys the key under a name for good. Where there is none, nothing happens.
    fn destroy(&self, name: String) -> Result<(), SecretFailure>;
}

struct InFolder(FolderSecrets);

impl HostSecrets for InFolder {
    fn create(&self, name: String) -> Result<Vec<u8>, SecretFailure> {
        Ok(self.0.create(&name)?.as_bytes().to_vec())
    }

    fn read(&self, name: String) -> Result<Option<Vec<u8>>, SecretFailure> {
        Ok(self.0.read(&name)?.map(|secret| secret.as_bytes().to_vec()))
    }

    fn destroy(&self, name: String) -> Result<(), SecretFailure> {
        Ok(self.0.destroy(&name)?)
    }
}

/// Keys in files of a folder that only their owner may read: for desktops, weaker than a platform's store.
/// It must not be the journal's folder.
#[uniffi::export]
pub fn folder_secrets(dir: String) -> Arc<dyn HostSecrets> {
    Arc::new(InFolder(FolderSecrets::new(PathBuf::from(dir))))
}

/// A host's store as the core knows it.
pub(crate) struct Store(pub(crate) Arc<dyn HostSecrets>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(..)")
    }
}

fn secret(bytes: Vec<u8>) -> Result<Secret, SecretError> {
    let bytes = zeroize::Zeroizing::new(bytes);
    let expected = |_| SecretError::Failed(format!("a key of {} bytes, not 32", bytes.len()));
    bytes[..].try_into().map(Secret::new).map_err(expected)
}

impl SecretStore for Store {
    fn create(&self, name: &str) -> Result<Secret, SecretError> {
        secret(self.0.create(name.to_owned())?)
    }

    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        self.0.read(name.to_owned())?.map(secret).transpose()
    }

    fn destroy(&self, name: &str) -> Result<(), SecretError> {
        Ok(self.0.destroy(name.to_owned())?)
    }
}
