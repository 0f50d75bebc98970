//! Keys in memory.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use litemap::LiteMap;

use super::{Secret, SecretError, SecretStore};

/// Keeps keys in memory: they go with the process, and with them what was held back when it died.
#[derive(Default)]
pub struct MemorySecrets(Mutex<LiteMap<String, Box<Secret>>>);

impl MemorySecrets {
    fn secrets(&self) -> MutexGuard<'_, LiteMap<String, Box<Secret>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the keys that there are, in order.
    pub fn names(&self) -> Vec<String> {
        self.secrets().keys().cloned().collect()
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemorySecrets").field(&self.names()).finish()
    }
}

impl SecretStore for MemorySecrets {
    fn create(&self, name: &str) -> Result<Secret, SecretError> {
        let secret = Secret::random()?;
        self.secrets().insert(name.to_owned(), Box::new(secret.clone()));
        Ok(secret)
    }

    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        Ok(self.secrets().get(name).map(|secret| (**secret).clone()))
    }

    fn destroy(&self, name: &str) -> Result<(), SecretError> {
        self.secrets().remove(name);
        Ok(())
    }
}
