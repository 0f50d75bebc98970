//! Keys that the host keeps: one a trip, under which the stretch that is held back waits on disk.
//!
//! A trip's key is destroyed when the trip ends, and what was written under it is noise from then on,
//! wherever copies of the file may be. So it belongs in the platform's own store (Keychain, Keystore),
//! out of backups and away from the journal's folder.

mod folder;
mod memory;

use std::fmt;

use zeroize::Zeroizing;

pub use folder::FolderSecrets;
pub use memory::MemorySecrets;

/// A key of 32 random bytes. Its memory is wiped when it is dropped, and it is never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; Self::LEN]>);

impl Secret {
    /// Its length in bytes.
    pub const LEN: usize = 32;

    /// A key of bytes that a store kept.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new one, of the operating system's random numbers.
    ///
    /// # Errors
    /// [`SecretError::Failed`]: the system has none.
    pub fn random() -> Result<Self, SecretError> {
        let mut secret = Self(Zeroizing::default());
        getrandom::fill(&mut *secret.0).map_err(|e| SecretError::Failed(e.to_string()))?;
        Ok(secret)
    }

    /// The bytes, for a store to keep.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a secret store did not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It cannot be used now: the phone was not unlocked since it was started.
    #[error("the secret store is locked")]
    Locked,
    /// It failed, in its own words.
    #[error("the secret store failed: {0}")]
    Failed(String),
}

/// Keeps keys by name. A host implements it over the platform's store, so that keys are neither backed
/// up nor moved to another device. Names are of lower-case letters, digits and hyphens, at most 64.
pub trait SecretStore: fmt::Debug + Send + Sync {
    /// Makes a new key of 32 random bytes, and keeps it under a name, in place of any before. It can be
    /// read again after a crash when this returns.
    ///
    /// # Errors
    /// [`SecretError`].
    fn create(&self, name: &str) -> Result<Secret, SecretError>;

    /// The key under a name; `None` where there is none.
    ///
    /// # Errors
    /// [`SecretError`].
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError>;

    /// Destroys the key under a name for good. Where there is none, nothing happens.
    ///
    /// # Errors
    /// [`SecretError`]; it is asked again later.
    fn destroy(&self, name: &str) -> Result<(), SecretError>;
}
