//! Keys in files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use super::{Secret, SecretError, SecretStore};

/// Keeps keys in files of a folder that only their owner may read: for desktops and replay tools.
///
/// Weaker than a platform's store: who can read the owner's files can read the keys, a backup may hold
/// them, and a disk may keep the blocks of a file that was deleted.
#[derive(Clone, Debug)]
pub struct FolderSecrets(PathBuf);

impl FolderSecrets {
    /// Keeps keys in `dir`, which is made with the first; it must not be the journal's folder.
    pub const fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    fn path(&self, name: &str) -> Result<PathBuf, SecretError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(SecretError::Failed(format!(
                "\"{}\" is no name of a key",
                name.escape_debug()
            )));
        }
        Ok(self.0.join(name).with_extension("key"))
    }

    fn failed(&self, cause: &io::Error) -> SecretError {
        SecretError::Failed(format!("{}: {cause}", self.0.display()))
    }

    fn write(&self, path: &PathBuf, secret: &Secret) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
            options.mode(0o600);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        }
        #[cfg(not(unix))]
        fs::create_dir_all(&self.0)?;
        remove(path)?;
        let mut file = options.open(path)?;
        file.write_all(secret.as_bytes())?;
        file.sync_all()?;
        #[cfg(unix)]
        File::open(&self.0)?.sync_all()?;
        Ok(())
    }
}

fn remove(path: &PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

impl SecretStore for FolderSecrets {
    fn create(&self, name: &str) -> Result<Secret, SecretError> {
        let path = self.path(name)?;
        let secret = Secret::random()?;
        self.write(&path, &secret).map_err(|cause| self.failed(&cause))?;
        Ok(secret)
    }

    fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        match fs::read(self.path(name)?) {
            // Half a key, left by a crash while it was written, is none.
            Ok(bytes) => Ok(bytes.try_into().ok().map(Secret::new)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    fn destroy(&self, name: &str) -> Result<(), SecretError> {
        let path = self.path(name)?;
        // What is overwritten is gone from the file system's own view, at least.
        if let Ok(mut file) = OpenOptions::new().write(true).open(&path) {
            let _ = file.write_all(&[0; Secret::LEN]).and_then(|()| file.sync_all());
        }
        remove(&path).map_err(|cause| self.failed(&cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_for_their_owner_until_they_are_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderSecrets::new(dir.path().join("keys"));
        assert!(store.read("a").unwrap().is_none());
        store.destroy("a").unwrap();
        let first = store.create("a").unwrap();
        let again = FolderSecrets::new(dir.path().join("keys"));
        assert_eq!(again.read("a").unwrap().unwrap().as_bytes(), first.as_bytes());
        let second = store.create("a").unwrap();
        assert_ne!(second.as_bytes(), first.as_bytes(), "a new key each time");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(dir.path().join("keys")), 0o700);
            assert_eq!(mode(dir.path().join("keys/a.key")), 0o600);
        }
        fs::write(dir.path().join("keys/b.key"), [1; 31]).unwrap();
        assert!(store.read("b").unwrap().is_none(), "half a key is none");
        store.destroy("a").unwrap();
        assert!(store.read("a").unwrap().is_none());
        for name in ["", "../a", "A", "a.b"] {
            assert!(matches!(store.create(name), Err(SecretError::Failed(_))), "{name}");
        }
        assert_eq!(format!("{second:?}"), "Secret(..)");
    }
}
