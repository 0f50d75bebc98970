//! One file of the journal: `HXMJ`, version, device id, frames.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use hexmile_trace::DeviceId;

use super::{JournalError, erasures, frame};

const MAGIC: &[u8; 4] = b"HXMJ";
const VERSION: u8 = 1;
const HEADER: usize = 4 + 1 + DeviceId::LEN;

/// One segment, open for appending and reading.
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    len: u64,
}

/// A file of a journal's folder, looked at.
pub(super) enum Loaded {
    /// A segment of this device, and its bytes. One whose header was still being written, or was
    /// lost with the power, holds nothing before its first whole frame.
    Own(Segment, Vec<u8>),
    /// Of another device key, of another version, or no segment at all.
    Foreign,
}

/// Whether a file with this extension was made by a journal.
pub(super) fn is_own(extension: &str) -> bool {
    extension == "hxj" || extension.starts_with("foreign") || extension == erasures::NEW_EXTENSION
}

/// Where a segment lies.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.hxj"))
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
        let path = path(dir, number);
        let io = |cause| JournalError::Io { path: path.clone(), cause };
        let mut file =
            OpenOptions::new().read(true).append(true).create_new(true).open(&path).map_err(io)?;
        let header = [MAGIC, &[VERSION][..], &device.0].concat();
        if let Err(cause) = file.write_all(&header) {
            // Its number is wanted again when there is room.
            let _ = fs::remove_file(&path);
            return Err(io(cause));
        }
        Ok(Self { path, file, len: header.len() as u64 })
    }

    /// Opens a segment and reads it whole; segments are small.
    pub(super) fn load(path: &Path, device: DeviceId) -> Result<Loaded, JournalError> {
        let io = |cause| JournalError::Io { path: path.into(), cause };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let own = bytes.get(..HEADER).is_none_or(|header| {
            header.iter().all(|b| *b == 0)
                || header[..4] == *MAGIC && header[4] == VERSION && header[5..] == device.0
        });
        if !own {
            return Ok(Loaded::Foreign);
        }
        let len = bytes.len() as u64;
        Ok(Loaded::Own(Self { path: path.into(), file, len }, bytes))
    }

    /// Renames what is no segment of this journal, so that it is in nobody's way and not lost.
    pub(super) fn set_aside(path: &Path) -> Result<(), JournalError> {
        let io = |cause| JournalError::Io { path: path.into(), cause };
        let name = |n: u32| {
            let suffix = if n == 0 { String::new() } else { format!("-{n}") };
            path.with_extension(format!("foreign{suffix}"))
        };
        let free = (0..1000).map(name).find(|name| !name.exists());
        free.map_or(Ok(()), |free| fs::rename(path, free)).map_err(io)
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
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

    /// The body of a frame; `None` where it is damaged or cut off.
    pub(super) fn read_frame(
        &self,
        offset: u64,
        len: usize,
    ) -> Result<Option<Vec<u8>>, JournalError> {
        let mut bytes = vec![0; frame::HEADER + len];
        match self.read_at(offset, &mut bytes) {
            Ok(()) => Ok(frame::read(&bytes).map(<[u8]>::to_vec)),
            Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => Err(JournalError::Io { path: self.path.clone(), cause }),
        }
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }

    /// All of it.
    pub(super) fn read(&self) -> Result<Vec<u8>, JournalError> {
        let mut bytes = vec![0; self.len as usize];
        self.read_at(0, &mut bytes)
            .map_err(|cause| JournalError::Io { path: self.path.clone(), cause })?;
        Ok(bytes)
    }

    /// Forgets everything from `offset` on.
    pub(super) fn cut(&mut self, offset: u64) -> std::io::Result<()> {
        self.file.set_len(offset)?;
        self.file.sync_all()?;
        self.len = offset;
        Ok(())
    }

    /// Makes every later write fail, as a full or failing disk would.
    #[cfg(test)]
    pub(super) fn break_writes(&mut self) {
        self.file = File::open(&self.path).expect("the segment is there");
    }

    /// Lets writes succeed again.
    #[cfg(test)]
    pub(super) fn mend_writes(&mut self) {
        let file = OpenOptions::new().read(true).append(true).open(&self.path);
        self.file = file.expect("the segment is there");
    }

    pub(super) fn remove(&self) -> std::io::Result<()> {
        fs::remove_file(&self.path)
    }
}
