//! One file of the journal: `HXMJ`, version, device id, frames.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use hexmile_trace::DeviceId;

use super::{JournalError, frame};

const MAGIC: &[u8; 4] = b"HXMJ";
const VERSION: u8 = 1;
const HEADER: usize = 4 + 1 + DeviceId::LEN;

/// One segment, open for appending and reading.
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    len: u64,
}

/// Segments of a folder, oldest first.
pub(super) fn list(dir: &Path) -> Result<Vec<(u32, PathBuf)>, JournalError> {
    let io = |cause| JournalError::Io { path: dir.into(), cause };
    let mut out = Vec::new();
    for item in fs::read_dir(dir).map_err(io)? {
        let path = item.map_err(io)?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let number = name.strip_suffix(".hxj").and_then(|n| n.parse().ok());
        out.extend(number.map(|n| (n, path.clone())));
    }
    out.sort_unstable();
    Ok(out)
}

/// Calls `entry` with the offset and body of every whole frame, until it says that a body means
/// nothing; steps over what is damaged. Returns the bytes stepped over.
pub(super) fn for_each_frame(bytes: &[u8], mut entry: impl FnMut(u64, &[u8]) -> bool) -> u64 {
    let mut at = HEADER;
    let mut damaged = 0;
    while at < bytes.len() {
        match frame::read(&bytes[at..]) {
            Some(body) if entry(at as u64, body) => at += frame::HEADER + body.len(),
            _ => {
                at += 1;
                damaged += 1;
            }
        }
    }
    damaged
}

impl Segment {
    pub(super) fn create(dir: &Path, number: u32, device: DeviceId) -> Result<Self, JournalError> {
        let path = dir.join(format!("{number:08}.hxj"));
        let io = |cause| JournalError::Io { path: path.clone(), cause };
        let mut file =
            OpenOptions::new().read(true).append(true).create_new(true).open(&path).map_err(io)?;
        let header = [MAGIC, &[VERSION][..], &device.0].concat();
        file.write_all(&header).map_err(io)?;
        Ok(Self { path, file, len: header.len() as u64 })
    }

    /// Opens a segment and reads it whole; segments are small.
    pub(super) fn load(path: &Path, device: DeviceId) -> Result<(Self, Vec<u8>), JournalError> {
        let io = |cause| JournalError::Io { path: path.into(), cause };
        let foreign = |what| JournalError::Foreign { path: path.into(), what };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        // A segment whose header was still being written holds nothing.
        if bytes.len() >= HEADER {
            if &bytes[..4] != MAGIC {
                return Err(foreign("not a journal segment"));
            }
            if bytes[4] != VERSION {
                return Err(foreign("a journal of another version"));
            }
            if bytes[5..HEADER] != device.0 {
                return Err(foreign("the journal of another device key"));
            }
        }
        let len = bytes.len() as u64;
        Ok((Self { path: path.into(), file, len }, bytes))
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Appends bytes, all or none.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.len += bytes.len() as u64;
                Ok(())
            }
            Err(cause) => {
                // Half a frame would be stepped over on opening, but would count as damage.
                let _ = self.file.set_len(self.len);
                Err(JournalError::Io { path: self.path.clone(), cause })
            }
        }
    }

    pub(super) fn read_frame(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; frame::HEADER + len];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        frame::read(&bytes).map(<[u8]>::to_vec)
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|cause| JournalError::Io { path: self.path.clone(), cause })
    }

    pub(super) fn remove(&self) -> std::io::Result<()> {
        fs::remove_file(&self.path)
    }
}
