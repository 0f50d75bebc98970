//! What is worth remembering and small, beside the journal's segments: a file a subject, written anew
//! when it changes.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{JournalError, frame};

/// What uploads have cost the phone.
pub(crate) const METER: &str = "meter";
/// What the server said of the traces that arrived.
pub(crate) const VERDICTS: &str = "verdicts";

/// Places that the driver comes back to, encrypted.
pub(crate) const PLACES: &str = "places";

pub(super) const EXTENSION: &str = "hxu";
/// Of a file that is still being written.
pub(super) const NEW_EXTENSION: &str = "hxu-new";

fn file(dir: &Path, subject: &str) -> PathBuf {
    dir.join(subject).with_extension(EXTENSION)
}

/// The notes that were kept, up to the first that is damaged; none where there is no file, and an empty one
/// where there is nothing else in it.
pub(crate) fn load(dir: &Path, subject: &str) -> Result<Vec<Vec<u8>>, JournalError> {
    let path = file(dir, subject);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(JournalError::Io { path, cause }),
    };
    let (mut notes, mut rest) = (Vec::new(), &bytes[..]);
    while let Some(body) = frame::read(rest) {
        notes.push(body.to_vec());
        rest = &rest[frame::HEADER + body.len()..];
    }
    if notes.is_empty() {
        notes.push(Vec::new());
    }
    Ok(notes)
}

/// Keeps notes, in place of those before. Without `sync` nothing is waited for, and both may go with the power:
/// a file system may take the new name to the disk before what is in the file.
pub(crate) fn save(dir: &Path, subject: &str, notes: &[Vec<u8>], sync: bool) -> io::Result<()> {
    let path = file(dir, subject);
    let new = path.with_extension(NEW_EXTENSION);
    let mut bytes = Vec::new();
    for note in notes {
        frame::write(&mut bytes, note);
    }
    let mut file = File::create(&new)?;
    file.write_all(&bytes)?;
    if sync {
        file.sync_data()?;
    }
    fs::rename(&new, &path)
}
