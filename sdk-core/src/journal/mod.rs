//! The journal: what was recorded, on disk before anything else happens to it.
//!
//! A folder of segments, each a header and frames. Appending never waits for the disk: a thread of
//! the journal's own syncs. On opening, torn or damaged frames are stepped over and counted.
//! Segments go, oldest first, when all their traces are settled, or when the journal is full.

mod entry;
mod frame;
mod segment;
mod sync;

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use hexmile_trace::{DeviceId, Fix, SignedTrace, TraceId, TripId};

pub(crate) use entry::Entry;
use segment::Segment;
use sync::Syncer;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The folder or a file in it cannot be used.
    #[error("journal {}: {cause}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another recorder holds the folder.
    #[error("journal {} is in use by another recorder", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Written by another device's key, another version, or something else altogether.
    #[error("journal {}: {what}", path.display())]
    Foreign {
        /// Which segment.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
}

/// Where a sealed trace lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: u32,
    offset: u64,
    len: usize,
    trace: TraceId,
}

/// What was found on opening.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) next_sequence: u64,
    /// The trip that was under way, with its open run: context first, if any.
    pub(crate) trip: Option<OpenTrip>,
    /// Bytes that were no frame.
    pub(crate) damaged_bytes: u64,
}

/// A trip that was not ended.
#[derive(Debug)]
pub(crate) struct OpenTrip {
    pub(crate) id: TripId,
    pub(crate) context: bool,
    pub(crate) fixes: Vec<Fix>,
}

impl OpenTrip {
    /// Takes `own` sealed fixes off the front; the last stays as context where they are joined.
    fn seal(&mut self, own: usize, joined: bool) {
        let end = (usize::from(self.context) + own).min(self.fixes.len());
        let gone = if joined { end.saturating_sub(1) } else { end };
        self.fixes.drain(..gone);
        self.context = joined && end > 0;
    }
}

/// A segment is closed once it is larger than this, at the next sealed trace.
const SEGMENT_BYTES: u64 = 256 * 1024;

/// The journal of one device.
pub(crate) struct Journal {
    dir: PathBuf,
    device: DeviceId,
    limit_bytes: u64,
    // Held while the journal is open; the lock goes with it.
    _lock: File,
    segments: BTreeMap<u32, Segment>,
    /// Sealed traces without a receipt, by sequence number.
    unsettled: BTreeMap<u64, Place>,
    next_sequence: u64,
    /// The trip under way, and the last fix of its open run.
    trip: Option<(TripId, Option<Fix>)>,
    frame: Vec<u8>,
    body: Vec<u8>,
    unsynced_ms: u64,
    syncer: Syncer,
    dropped_traces: u64,
}

impl Journal {
    pub(crate) fn open(
        dir: &Path,
        device: DeviceId,
        limit_bytes: u64,
    ) -> Result<(Self, Recovered), JournalError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| JournalError::Io { path, cause }
        };
        fs::create_dir_all(dir).map_err(at(dir))?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).map_err(at(&lock_path))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => JournalError::Busy { path: dir.into() },
            TryLockError::Error(cause) => JournalError::Io { path: lock_path.clone(), cause },
        })?;
        let mut journal = Self {
            dir: dir.into(),
            device,
            limit_bytes,
            _lock: lock,
            segments: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            next_sequence: 0,
            trip: None,
            frame: Vec::new(),
            body: Vec::new(),
            unsynced_ms: 0,
            syncer: Syncer::start().map_err(at(dir))?,
            dropped_traces: 0,
        };
        let recovered = journal.recover()?;
        // What was there may end in a torn frame; new entries go into a segment of their own.
        journal.rotate()?;
        Ok((journal, recovered))
    }

    fn recover(&mut self) -> Result<Recovered, JournalError> {
        let mut recovered = Recovered::default();
        for (number, path) in segment::list(&self.dir)? {
            let (segment, bytes) = Segment::load(&path, self.device)?;
            self.segments.insert(number, segment);
            recovered.damaged_bytes += segment::for_each_frame(&bytes, |offset, body| {
                if let Some(entry) = Entry::read(body) {
                    self.replay(entry, number, offset, body.len(), &mut recovered.trip);
                    true
                } else {
                    false
                }
            });
        }
        recovered.next_sequence = self.next_sequence;
        Ok(recovered)
    }

    fn replay(
        &mut self,
        entry: Entry,
        segment: u32,
        offset: u64,
        len: usize,
        trip: &mut Option<OpenTrip>,
    ) {
        match entry {
            Entry::Opened { next_sequence, resumed } => {
                self.next_sequence = self.next_sequence.max(next_sequence);
                if let Some((id, fix)) = resumed {
                    *trip = Some(OpenTrip { id, context: true, fixes: vec![fix] });
                }
            }
            Entry::TripStarted(id) => {
                *trip = Some(OpenTrip { id, context: false, fixes: Vec::new() });
            }
            Entry::Kept(fix) => {
                if let Some(trip) = trip {
                    trip.fixes.push(fix);
                }
            }
            Entry::Sealed { sequence, joined, own, bytes } => {
                self.next_sequence = self.next_sequence.max(sequence + 1);
                if let Ok(signed) = SignedTrace::from_bytes(&bytes) {
                    let place = Place { segment, offset, len, trace: signed.id() };
                    self.unsettled.insert(sequence, place);
                }
                if let Some(trip) = trip {
                    trip.seal(usize::from(own), joined);
                }
            }
            Entry::Settled { sequence, trace } => {
                if self.unsettled.get(&sequence).is_some_and(|p| p.trace == trace) {
                    self.unsettled.remove(&sequence);
                }
            }
            Entry::TripEnded => *trip = None,
        }
    }

    /// Appends an entry to the operating system's cache; the journal's thread syncs it soon.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        self.body.clear();
        entry.write(&mut self.body);
        self.frame.clear();
        frame::write(&mut self.frame, &self.body);
        let (&number, active) = self.segments.last_key_value().ok_or_else(|| self.gone())?;
        let offset = active.len();
        let Some(active) = self.segments.get_mut(&number) else { return Err(self.gone()) };
        active.append(&self.frame)?;
        match entry {
            Entry::TripStarted(id) => self.trip = Some((*id, None)),
            Entry::TripEnded => self.trip = None,
            Entry::Kept(fix) => {
                self.trip = self.trip.map(|(id, _)| (id, Some(*fix)));
                if fix.time_ms().saturating_sub(self.unsynced_ms) < 4000 {
                    return Ok(());
                }
                self.unsynced_ms = fix.time_ms();
            }
            Entry::Sealed { sequence, bytes, joined, .. } => {
                self.next_sequence = self.next_sequence.max(sequence + 1);
                self.trip = self.trip.map(|(id, last)| (id, last.filter(|_| *joined)));
                if let Ok(signed) = SignedTrace::from_bytes(bytes) {
                    let len = self.body.len();
                    let place = Place { segment: number, offset, len, trace: signed.id() };
                    self.unsettled.insert(*sequence, place);
                }
            }
            Entry::Settled { sequence, .. } => {
                self.unsettled.remove(sequence);
            }
            Entry::Opened { .. } => {}
        }
        self.syncer.request(active.file())?;
        // Right after a sealed trace no open run would be left behind in an old segment.
        if matches!(entry, Entry::Sealed { .. }) {
            if active.len() > SEGMENT_BYTES {
                self.rotate()?;
            }
            self.drop_settled();
            self.drop_beyond_limit();
        }
        Ok(())
    }

    fn gone(&self) -> JournalError {
        let cause = io::Error::new(io::ErrorKind::NotFound, "no segment is open");
        JournalError::Io { path: self.dir.clone(), cause }
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let number = self.segments.last_key_value().map_or(1, |(n, _)| n + 1);
        let mut segment = Segment::create(&self.dir, number, self.device)?;
        self.body.clear();
        let resumed = self.trip.and_then(|(id, last)| last.map(|fix| (id, fix)));
        Entry::Opened { next_sequence: self.next_sequence, resumed }.write(&mut self.body);
        self.frame.clear();
        frame::write(&mut self.frame, &self.body);
        segment.append(&self.frame)?;
        self.segments.insert(number, segment);
        Ok(())
    }

    /// Deletes segments from the oldest on while nothing in them is still needed.
    fn drop_settled(&mut self) {
        while let Some((&oldest, _)) = self.segments.first_key_value() {
            let needed = self.unsettled.values().any(|p| p.segment == oldest);
            if needed || self.segments.len() == 1 || !self.drop_segment(oldest) {
                return;
            }
        }
    }

    fn drop_beyond_limit(&mut self) {
        while self.bytes() > self.limit_bytes && self.segments.len() > 1 {
            let Some((&oldest, _)) = self.segments.first_key_value() else { return };
            let before = self.unsettled.len();
            self.unsettled.retain(|_, place| place.segment != oldest);
            self.dropped_traces += (before - self.unsettled.len()) as u64;
            if !self.drop_segment(oldest) {
                return;
            }
        }
    }

    fn drop_segment(&mut self, number: u32) -> bool {
        let removed = self.segments.get(&number).is_some_and(|s| s.remove().is_ok());
        if removed {
            self.segments.remove(&number);
        }
        removed
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.values().map(Segment::len).sum()
    }

    /// Traces dropped because the journal was full.
    pub(crate) const fn dropped_traces(&self) -> u64 {
        self.dropped_traces
    }

    /// Sequence numbers, ids and sizes of the traces without a receipt, oldest first.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = (u64, TraceId, usize)> {
        self.unsettled.iter().map(|(sequence, p)| (*sequence, p.trace, p.len))
    }

    pub(crate) fn unsettled_len(&self) -> usize {
        self.unsettled.len()
    }

    /// The signed trace of a sequence number, read back and checked; `None` where it is damaged.
    pub(crate) fn sealed(&self, sequence: u64) -> Option<Vec<u8>> {
        let place = self.unsettled.get(&sequence)?;
        let body = self.segments.get(&place.segment)?.read_frame(place.offset, place.len)?;
        match Entry::read(&body)? {
            Entry::Sealed { sequence: found, bytes, .. } if found == sequence => Some(bytes),
            _ => None,
        }
    }

    /// Waits until everything appended is on disk.
    pub(crate) fn flush(&self) -> Result<(), JournalError> {
        match self.segments.last_key_value() {
            Some((_, active)) => active.sync(),
            None => Ok(()),
        }
    }
}
