//! Requests to erase an account that the server has not answered yet: a file for each key that signed
//! one, beside the journal's segments.
//!
//! They are the only files that may be there without consent: the driver's last wish must outlast a
//! crash, a phone that is offline, and the keys.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::JournalError;
use crate::me::SignedRequest;

const EXTENSION: &str = "erasure";
/// Of a file that is still being written.
pub(super) const NEW_EXTENSION: &str = "erasure-new";

fn at(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    |cause| JournalError::Io { path, cause }
}

/// The requests that wait in a folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) requests: Vec<SignedRequest>,
    /// Bytes of files that hold none.
    pub(crate) damaged_bytes: u64,
}

/// Reads what waits, oldest first; nothing where there is no folder.
pub(crate) fn load(dir: &Path) -> Result<Found, JournalError> {
    let mut found = Found::default();
    let items = match fs::read_dir(dir) {
        Ok(items) => items,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(cause) => return Err(at(dir)(cause)),
    };
    for item in items {
        let path = item.map_err(at(dir))?.path();
        if path.extension().is_none_or(|e| e != EXTENSION) {
            continue;
        }
        let bytes = fs::read(&path).map_err(at(&path))?;
        match SignedRequest::of_json(&bytes) {
            Some(request) if file(dir, &request) == Some(path.clone()) => {
                found.requests.push(request);
            }
            _ => {
                found.damaged_bytes += bytes.len() as u64;
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
    }
    found.requests.sort_by(|a, b| (a.signed_at_ms, &a.path).cmp(&(b.signed_at_ms, &b.path)));
    Ok(found)
}

fn file(dir: &Path, request: &SignedRequest) -> Option<PathBuf> {
    Some(dir.join(request.key_id()?).with_extension(EXTENSION))
}

/// Writes a request, in place of an older one by the same key; it is on disk when this returns.
pub(super) fn save(dir: &Path, request: &SignedRequest) -> Result<(), JournalError> {
    let Some(path) = file(dir, request) else { return Ok(()) };
    let new = path.with_extension(NEW_EXTENSION);
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(request.to_json().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        #[cfg(unix)]
        File::open(dir)?.sync_all()?;
        Ok(())
    };
    write().map_err(at(&path))
}

/// Deletes an answered request, and the folder where nothing else is in it.
pub(crate) fn remove(dir: &Path, request: &SignedRequest) -> Result<(), JournalError> {
    let Some(path) = file(dir, request) else { return Ok(()) };
    match fs::remove_file(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(at(&path)(cause)),
        _ => {}
    }
    // A host that keeps something else there, or a journal, keeps the folder.
    let _ = fs::remove_dir(dir);
    Ok(())
}
