//! What uploads have cost the phone, beside the journal's segments: a small file, written anew with
//! every request. It is not waited for: what goes with the power is a request that was not counted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{JournalError, frame};

const NAME: &str = "meter";
pub(super) const EXTENSION: &str = "hxu";
/// Of a file that is still being written.
pub(super) const NEW_EXTENSION: &str = "hxu-new";

fn file(dir: &Path) -> PathBuf {
    dir.join(NAME).with_extension(EXTENSION)
}

/// What was kept; nothing where there is no file, or a damaged one.
pub(crate) fn load(dir: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let path = file(dir);
    match fs::read(&path) {
        Ok(bytes) => Ok(frame::read(&bytes).map(<[u8]>::to_vec)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(JournalError::Io { path, cause }),
    }
}

/// Keeps it, in place of what was kept before.
pub(crate) fn save(dir: &Path, meter: &[u8]) -> io::Result<()> {
    let path = file(dir);
    let new = path.with_extension(NEW_EXTENSION);
    let mut bytes = Vec::new();
    frame::write(&mut bytes, meter);
    fs::write(&new, &bytes)?;
    fs::rename(&new, &path)
}
