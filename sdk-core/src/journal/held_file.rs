//! The file in which what waits at the end of a trip is kept, encrypted under the trip's key.
//!
//! ```text
//! HXMH | version 1 | device id | trip id, then frames as the journal's:
//! length u32 | CRC-32 u32 | counter u64 | ciphertext | tag of 16 bytes
//! ```
//!
//! ChaCha20-Poly1305 (RFC 8439): the nonce is four zeros and the counter, little endian; the associated
//! data are `hexmile/held/v1`, a zero, device, trip and counter. A counter is used once under one key: the
//! first frame of a file has any, each frame one more than that before it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag, aead::AeadInOut};
use hexmile_trace::{DeviceId, TripId};

use super::{frame, held_batch, segment::sync_folder};
use crate::{capture::Held, secrets::Secret};

pub(super) const EXTENSION: &str = "held";
/// Of a file that is still being written.
pub(super) const NEW_EXTENSION: &str = "held-new";

const MAGIC: &[u8; 4] = b"HXMH";
const VERSION: u8 = 1;
const HEADER: usize = 4 + 1 + DeviceId::LEN + TripId::LEN;
const CONTEXT: &[u8; 16] = b"hexmile/held/v1\0";
const AAD: usize = CONTEXT.len() + DeviceId::LEN + TripId::LEN + 8;
const COUNTER: usize = 8;
const TAG: usize = 16;
/// Largest body in bytes: all that may wait.
const MAX_BODY: usize = 256 * 1024;

/// Whose fixes a file holds, and the cipher under the trip's key.
struct Sealer {
    device: DeviceId,
    trip: TripId,
    cipher: ChaCha20Poly1305,
}

impl Sealer {
    fn new(device: DeviceId, trip: TripId, key: &Secret) -> Self {
        Self { device, trip, cipher: ChaCha20Poly1305::new(key.as_bytes().into()) }
    }

    fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(MAGIC);
        header[4] = VERSION;
        header[5..5 + DeviceId::LEN].copy_from_slice(&self.device.0);
        header[5 + DeviceId::LEN..].copy_from_slice(&self.trip.0);
        header
    }

    fn bound_to(&self, counter: u64) -> (Nonce, [u8; AAD]) {
        let mut nonce = Nonce::default();
        nonce[4..].copy_from_slice(&counter.to_le_bytes());
        let mut aad = [0; AAD];
        let parts = [&CONTEXT[..], &self.device.0, &self.trip.0, &counter.to_le_bytes()];
        let mut at = 0;
        for part in parts {
            aad[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        (nonce, aad)
    }

    /// Turns `counter | plaintext` into a frame's body; false where it is too long.
    fn seal(&self, counter: u64, body: &mut Vec<u8>) -> bool {
        let (nonce, aad) = self.bound_to(counter);
        if body.len() + TAG > MAX_BODY {
            return false;
        }
        let text = &mut body[COUNTER..];
        let Ok(tag) = self.cipher.encrypt_inout_detached(&nonce, &aad, text.into()) else {
            return false;
        };
        body.extend_from_slice(&tag);
        true
    }

    /// The plaintext of a frame's body; `None` where it is not of this trip and key.
    fn open(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (counter, rest) = body.split_first_chunk::<COUNTER>()?;
        let (text, tag) = rest.split_last_chunk::<TAG>()?;
        let (nonce, aad) = self.bound_to(u64::from_le_bytes(*counter));
        let mut text = text.to_vec();
        let tag = Tag::from(*tag);
        self.cipher.decrypt_inout_detached(&nonce, &aad, text.as_mut_slice().into(), &tag).ok()?;
        Some(text)
    }
}

/// A file of its own for each key, named after the trip.
pub(super) struct HeldFile {
    path: PathBuf,
    sealer: Sealer,
    /// Of the next frame.
    counter: u64,
    /// Once there is one, and its length.
    file: Option<(File, u64)>,
    body: Vec<u8>,
    bytes: Vec<u8>,
}

impl HeldFile {
    pub(super) fn new(path: PathBuf, device: DeviceId, trip: TripId, key: &Secret) -> Self {
        let sealer = Sealer::new(device, trip, key);
        Self { path, sealer, counter: 0, file: None, body: Vec::new(), bytes: Vec::new() }
    }

    /// Adds a batch; with `anew`, in place of all before it. It is on disk when this returns.
    pub(super) fn write(&mut self, anew: bool, batch: &[u8]) -> io::Result<()> {
        let counter = self.counter;
        // Whatever becomes of it: no counter is used twice.
        self.counter += 1;
        self.body.clear();
        self.body.extend_from_slice(&counter.to_le_bytes());
        self.body.extend_from_slice(batch);
        if !self.sealer.seal(counter, &mut self.body) {
            return Err(io::Error::other("too much waits at the end of the trip"));
        }
        self.bytes.clear();
        if anew {
            self.bytes.extend_from_slice(&self.sealer.header());
        }
        frame::write(&mut self.bytes, &self.body);
        if anew { self.replace() } else { self.append() }
    }

    fn append(&mut self) -> io::Result<()> {
        let Some((file, len)) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        let written = file.write_all(&self.bytes).and_then(|()| file.sync_data());
        if written.is_ok() {
            *len += self.bytes.len() as u64;
        } else {
            let _ = file.set_len(*len);
        }
        written
    }

    fn replace(&mut self) -> io::Result<()> {
        let new = self.path.with_extension(NEW_EXTENSION);
        let write = || -> io::Result<File> {
            remove(&new)?;
            let mut file = OpenOptions::new().append(true).create_new(true).open(&new)?;
            file.write_all(&self.bytes)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            if let Some(dir) = self.path.parent() {
                sync_folder(dir);
            }
            Ok(file)
        };
        let written = write();
        if written.is_err() {
            let _ = remove(&new);
        }
        self.file = Some((written?, self.bytes.len() as u64));
        Ok(())
    }

    /// Deletes it; its key is destroyed already.
    pub(super) fn delete(self) -> io::Result<()> {
        delete(&self.path)
    }
}

/// Deletes a file whose key is destroyed, and what was being written in its place.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    remove(&path.with_extension(NEW_EXTENSION)).and(remove(path))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

/// The files of a folder, by name, with extensions of either kind.
pub(super) fn list(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for item in fs::read_dir(dir)? {
        let path = item?.path();
        let is_own = path.extension().is_some_and(|e| e == EXTENSION || e == NEW_EXTENSION);
        names.extend(
            path.file_stem().and_then(|n| n.to_str()).filter(|_| is_own).map(str::to_owned),
        );
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// What a file held that was found, as far as it is whole.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct FoundHeld {
    /// `None` where nothing in the file was whole.
    pub(crate) held: Option<Held>,
    /// Bytes that mean nothing under the key.
    pub(crate) damaged_bytes: u64,
}

/// Reads a file with its key, of one of these devices.
pub(crate) fn read(
    path: &Path,
    devices: &[DeviceId],
    trip: TripId,
    key: &Secret,
) -> io::Result<FoundHeld> {
    let bytes = fs::read(path)?;
    let mut found = FoundHeld::default();
    let opened = devices.iter().find_map(|device| {
        let sealer = Sealer::new(*device, trip, key);
        bytes.strip_prefix(&sealer.header()).map(|frames| (sealer, frames))
    });
    let Some((sealer, frames)) = opened else {
        found.damaged_bytes = bytes.len() as u64;
        return Ok(found);
    };
    // Where a batch is missing, what it said of zones passed through is not known.
    let (mut at, mut cut) = (0, false);
    while at < frames.len() {
        let body = frame::read_up_to(MAX_BODY, &frames[at..]);
        let opened = body.and_then(|body| Some((body.len(), sealer.open(body)?)));
        if let Some((len, batch)) = opened
            && let Some(fixes) = held_batch::read(&batch, cut, &mut found.held)
        {
            at += frame::HEADER + len;
            cut &= fixes == 0;
        } else {
            at += 1;
            found.damaged_bytes += 1;
            cut = true;
        }
    }
    Ok(found)
}
