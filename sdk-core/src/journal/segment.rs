//! One file of the journal: `HXMJ`, version, device id, frames.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use hexmile_trace::DeviceId;

use super::{JournalError, erasures, frame, held_file, notes};

const MAGIC: &[u8; 4] = b"HXMJ";
const VERSION: u8 = 1;
const HEADER: usize = 4 + 1 + DeviceId::LEN;

/// One segment, opened for what is read of it. The last one grows while the journal's thread writes.
pub(super) struct Segment {
    path: PathBuf,
    len: AtomicU64,
}

/// The end of a segment, open for appending.
pub(super) struct Tail {
    file: File,
    #[cfg(test)]
    pub(super) broken: bool,
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
    let others = [
        "hxj",
        erasures::NEW_EXTENSION,
        held_file::EXTENSION,
        held_file::NEW_EXTENSION,
        notes::EXTENSION,
        notes::NEW_EXTENSION,
    ];
    others.contains(&extension) || extension.starts_with("foreign")
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

impl Tail {
    /// Appends bytes to the segment that this is the end of, all or none.
    pub(super) fn append(&mut self, segment: &Segment, bytes: &[u8]) -> Result<(), JournalError> {
        match self.write(bytes) {
            Ok(()) => {
                segment.len.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(())
            }
            Err(cause) => {
                // Half a frame would be stepped over on opening, but would count as damage.
                let _ = self.file.set_len(segment.len());
                Err(segment.io(cause))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        if self.broken {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(bytes)
    }
}

impl Segment {
    /// A new segment, and its end.
    pub(super) fn create(
        dir: &Path,
        number: u32,
        device: DeviceId,
    ) -> Result<(Self, Tail), JournalError> {
        let path = path(dir, number);
        let io = |cause| JournalError::Io { path: path.clone(), cause };
        let mut file = OpenOptions::new().append(true).create_new(true).open(&path).map_err(io)?;
        let header = [MAGIC, &[VERSION][..], &device.0].concat();
        if let Err(cause) = file.write_all(&header) {
            // Its number is wanted again when there is room.
            let _ = fs::remove_file(&path);
            return Err(io(cause));
        }
        let tail = Tail {
            file,
            #[cfg(test)]
            broken: false,
        };
        Ok((Self { path, len: AtomicU64::new(header.len() as u64) }, tail))
    }

    /// Reads a segment whole; segments are small.
    pub(super) fn load(path: &Path, devices: &[DeviceId]) -> Result<Loaded, JournalError> {
        let bytes =
            fs::read(path).map_err(|cause| JournalError::Io { path: path.into(), cause })?;
        let own = bytes.get(..HEADER).is_none_or(|header| {
            header.iter().all(|b| *b == 0)
                || header[..4] == *MAGIC
                    && header[4] == VERSION
                    && devices.iter().any(|device| header[5..] == device.0)
        });
        if !own {
            return Ok(Loaded::Foreign);
        }
        let len = AtomicU64::new(bytes.len() as u64);
        Ok(Loaded::Own(Self { path: path.into(), len }, bytes))
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

    fn io(&self, cause: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), cause }
    }

    pub(super) fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether it is still in its folder.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// The body of a frame; `None` where it is damaged or cut off.
    pub(super) fn read_frame(
        &self,
        offset: u64,
        len: usize,
    ) -> Result<Option<Vec<u8>>, JournalError> {
        let mut bytes = vec![0; frame::HEADER + len];
        let mut file = File::open(&self.path).map_err(|cause| self.io(cause))?;
        match file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)) {
            Ok(()) => Ok(frame::read(&bytes).map(<[u8]>::to_vec)),
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => Err(self.io(cause)),
        }
    }

    /// All of it.
    pub(super) fn read(&self) -> Result<Vec<u8>, JournalError> {
        fs::read(&self.path).map_err(|cause| self.io(cause))
    }

    /// Forgets everything from `offset` on.
    pub(super) fn cut(&self, offset: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(offset)?;
        file.sync_all()?;
        self.len.store(offset, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Sees to it that the names in a folder are on disk. Not every file system syncs folders; one that does
/// not has its own way to keep names.
pub(super) fn sync_folder(dir: &Path) {
    if cfg!(unix) {
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
}
