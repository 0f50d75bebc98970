//! The journal: what was recorded, on disk before anything else happens to it.
//!
//! A folder of segments, each a header and frames. Appending never waits for the disk: a thread of
//! the journal's own syncs. On opening, torn or damaged frames are stepped over and counted.
//! Segments go, oldest first, when the journal is full; settled ones stay only while there is plenty
//! of room. A segment of another device or version is set aside under another name.

mod entry;
pub(crate) mod erasures;
mod forget;
mod frame;
mod open_trips;
mod segment;
mod sync;

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use hexmile_trace::{DeviceId, Fix, Receipt, SignedTrace, TraceId};

pub(crate) use entry::Entry;
pub(crate) use open_trips::OpenTrip;
use open_trips::OpenTrips;
use segment::{Loaded, Segment};
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
}

/// Where a sealed trace lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: u32,
    offset: u64,
    len: usize,
    trace: TraceId,
    /// How much was written with it.
    written: u64,
}

/// What was found on opening.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) next_sequence: u64,
    /// The trips that were not ended, with what of them is no trace yet, oldest first.
    pub(crate) trips: Vec<OpenTrip>,
    /// Bytes that were no frame.
    pub(crate) damaged_bytes: u64,
    /// Segments that are not this journal's, and were set aside.
    pub(crate) set_aside: u64,
}

/// The file by which a recorder holds the folder.
const LOCK: &str = "lock";
/// Longest time between two syncs while fixes are kept, milliseconds.
const SYNC_MS: u64 = 4000;
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
    open: OpenTrips,
    /// Segment and offset before which no open fix lies.
    open_from: (u32, u64),
    frame: Vec<u8>,
    body: Vec<u8>,
    unsynced_ms: u64,
    /// Writes so far, by which the syncer tells what is on disk.
    written: u64,
    syncer: Syncer,
    dropped_traces: u64,
}

/// Holds the folder for one recorder, as long as the file is open.
fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(LOCK);
    let io = |cause| JournalError::Io { path: path.clone(), cause };
    let lock = File::create(&path).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::Busy { path: dir.into() }),
        Err(TryLockError::Error(cause)) => Err(io(cause)),
    }
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
        let lock = lock(dir)?;
        let mut journal = Self {
            dir: dir.into(),
            device,
            limit_bytes,
            _lock: lock,
            segments: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            next_sequence: 0,
            open: OpenTrips::default(),
            open_from: (0, 0),
            frame: Vec::new(),
            body: Vec::new(),
            unsynced_ms: 0,
            // What is found was written before.
            written: 1,
            syncer: Syncer::start(dir.to_owned()).map_err(at(dir))?,
            dropped_traces: 0,
        };
        let recovered = journal.recover()?;
        // What was there may end in a torn frame; new entries go into a segment of their own.
        journal.rotate()?;
        // A process that died may have left it in the system's cache.
        for place in journal.unsettled.values() {
            journal.syncer.request(place.segment, false, journal.written);
        }
        Ok((journal, recovered))
    }

    fn recover(&mut self) -> Result<Recovered, JournalError> {
        let mut recovered = Recovered::default();
        for (number, path) in segment::list(&self.dir)? {
            let (segment, bytes) = match Segment::load(&path, self.device)? {
                Loaded::Own(segment, bytes) => (segment, bytes),
                Loaded::Foreign => {
                    Segment::set_aside(&path)?;
                    recovered.set_aside += 1;
                    continue;
                }
            };
            self.segments.insert(number, segment);
            recovered.damaged_bytes += segment::for_each_frame(&bytes, |offset, body| {
                let entry = Entry::read(body);
                if let Some(entry) = &entry {
                    self.note(entry, number, offset, body.len());
                }
                entry.is_some()
            });
        }
        recovered.next_sequence = self.next_sequence;
        recovered.trips = self.open.to_vec();
        Ok(recovered)
    }

    /// Follows an entry, found or just written.
    fn note(&mut self, entry: &Entry, segment: u32, offset: u64, len: usize) {
        if matches!(entry, Entry::Kept(_)) && self.open.own() == 0 {
            self.open_from = (segment, offset);
        }
        self.open.apply(entry);
        match entry {
            Entry::Opened { next_sequence, .. } => {
                self.next_sequence = self.next_sequence.max(*next_sequence);
            }
            Entry::Sealed { sequence, bytes, .. } => {
                self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
                let written = self.written;
                if let Ok(signed) = SignedTrace::from_bytes(bytes) {
                    let place = Place { segment, offset, len, trace: signed.id(), written };
                    self.unsettled.insert(*sequence, place);
                }
            }
            Entry::Settled { sequence, trace, .. } => self.forget(*sequence, *trace),
            _ => {}
        }
    }

    fn forget(&mut self, sequence: u64, trace: TraceId) {
        if self.unsettled.get(&sequence).is_some_and(|p| p.trace == trace) {
            self.unsettled.remove(&sequence);
        }
    }

    /// Appends an entry to the system's cache; the journal's thread syncs it soon.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        self.frame.clear();
        let len = self.add_frame(entry);
        let (number, offset) = self.write_frames()?;
        self.note(entry, number, offset, len);
        self.request_sync();
        // With no fix open, none would be left behind in an old segment.
        if matches!(entry, Entry::Sealed { .. }) {
            if self.open.own() == 0 && self.active().is_some_and(|a| a.len() > SEGMENT_BYTES) {
                // What was to be written is. Without room for a new segment the old one goes on.
                let _ = self.rotate();
            }
            self.drop_beyond_limits();
        }
        Ok(())
    }

    /// Appends fixes that joined the open run, in one go.
    pub(crate) fn append_fixes(&mut self, fixes: &[Fix]) -> Result<(), JournalError> {
        let Some(last) = fixes.last() else { return Ok(()) };
        self.frame.clear();
        for fix in fixes {
            self.add_frame(&Entry::Kept(*fix));
        }
        let place = self.write_frames()?;
        if self.open.own() == 0 {
            self.open_from = place;
        }
        for fix in fixes {
            self.open.keep(*fix);
        }
        if last.time_ms().abs_diff(self.unsynced_ms) >= SYNC_MS {
            self.request_sync();
            self.unsynced_ms = last.time_ms();
        }
        Ok(())
    }

    /// Settles a trace for good. What cannot be written is settled until the next opening: the
    /// server knows a repeat.
    pub(crate) fn settle(
        &mut self,
        sequence: u64,
        trace: TraceId,
        receipt: Option<Receipt>,
    ) -> Result<(), JournalError> {
        let written = self.append(&Entry::Settled { sequence, trace, receipt });
        self.forget(sequence, trace);
        self.drop_beyond_limits();
        written
    }

    /// Adds the entry's frame to those that wait to be written; the length of its body.
    fn add_frame(&mut self, entry: &Entry) -> usize {
        self.body.clear();
        entry.write(&mut self.body);
        frame::write(&mut self.frame, &self.body);
        self.body.len()
    }

    /// Writes the frames that wait; where they went.
    fn write_frames(&mut self) -> Result<(u32, u64), JournalError> {
        let Some(mut last) = self.segments.last_entry() else {
            let cause = io::Error::new(io::ErrorKind::NotFound, "no segment is open");
            return Err(self.io(cause));
        };
        let place = (*last.key(), last.get().len());
        last.get_mut().append(&self.frame)?;
        self.written += 1;
        Ok(place)
    }

    /// Asks the journal's thread to sync what was appended so far.
    pub(crate) fn request_sync(&self) {
        if let Some((number, _)) = self.segments.last_key_value() {
            self.syncer.request(*number, false, self.written);
        }
    }

    fn active(&self) -> Option<&Segment> {
        self.segments.last_key_value().map(|(_, active)| active)
    }

    fn io(&self, cause: io::Error) -> JournalError {
        JournalError::Io { path: self.dir.clone(), cause }
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let number = self.segments.last_key_value().map_or(1, |(n, _)| n + 1);
        let mut segment = Segment::create(&self.dir, number, self.device)?;
        // Fixes that are open lie in an older segment together with their trip.
        let newest = self.open.newest().filter(|_| self.open.own() == 0);
        let context = newest.and_then(|trip| trip.fixes.first().filter(|_| trip.context));
        let resumed = newest.map(|trip| trip.id).zip(context.copied());
        let under_way = newest.map(|trip| trip.id).filter(|_| resumed.is_none());
        self.frame.clear();
        self.add_frame(&Entry::Opened { next_sequence: self.next_sequence, resumed });
        if let Some(id) = under_way {
            self.add_frame(&Entry::TripStarted(id));
        }
        if let Err(error) = segment.append(&self.frame) {
            // Its number is wanted again when there is room.
            let _ = segment.remove();
            return Err(error);
        }
        self.segments.insert(number, segment);
        self.written += 1;
        self.syncer.request(number, true, self.written);
        Ok(())
    }

    /// Whether the open segment is large enough to go on in another, and fixes are open in it.
    pub(crate) fn is_segment_full(&self) -> bool {
        self.open.own() > 0 && self.active().is_some_and(|a| a.len() > SEGMENT_BYTES)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.values().map(Segment::len).sum()
    }

    /// Traces dropped because the journal was full.
    pub(crate) const fn dropped_traces(&self) -> u64 {
        self.dropped_traces
    }

    /// Sequence numbers of the traces without a receipt that are on disk, oldest first. One that is not
    /// must not leave: if the power went, its fixes would be sealed again under another number.
    pub(crate) fn durable(&self) -> impl Iterator<Item = u64> {
        let durable = self.syncer.durable();
        self.unsettled.iter().filter(move |(_, p)| p.written <= durable).map(|(n, _)| *n)
    }

    /// Which trace without a receipt has a number.
    pub(crate) fn unsettled_id(&self, sequence: u64) -> Option<TraceId> {
        self.unsettled.get(&sequence).map(|place| place.trace)
    }

    pub(crate) fn unsettled_len(&self) -> usize {
        self.unsettled.len()
    }

    /// The signed trace of a sequence number, read back and checked; `None` where it is damaged.
    pub(crate) fn sealed(&self, sequence: u64) -> Result<Option<Vec<u8>>, JournalError> {
        let Some(place) = self.unsettled.get(&sequence) else { return Ok(None) };
        let Some(segment) = self.segments.get(&place.segment) else { return Ok(None) };
        let body = segment.read_frame(place.offset, place.len)?;
        Ok(match body.and_then(|body| Entry::read(&body)) {
            Some(Entry::Sealed { sequence: found, bytes, .. }) if found == sequence => Some(bytes),
            _ => None,
        })
    }

    /// The receipts that are still on disk, oldest first.
    pub(crate) fn receipts(&self) -> Result<Vec<Receipt>, JournalError> {
        let mut receipts = Vec::new();
        for segment in self.segments.values() {
            segment::for_each_frame(&segment.read()?, |_, body| {
                let entry = Entry::read(body);
                if let Some(Entry::Settled { receipt, .. }) = &entry {
                    receipts.extend(*receipt);
                }
                entry.is_some()
            });
        }
        Ok(receipts)
    }

    /// Waits until everything appended is on disk.
    pub(crate) fn flush(&self) -> Result<(), JournalError> {
        self.request_sync();
        self.syncer.wait_for(self.written).map_err(|cause| self.io(cause))
    }

    /// Holds back every sync, as a slow disk would.
    #[cfg(test)]
    pub(crate) fn hold_syncs(&self, held: bool) {
        self.syncer.hold(held);
    }

    /// Makes every later write fail, as a full or failing disk would.
    #[cfg(test)]
    pub(crate) fn break_writes(&mut self) {
        self.segments.values_mut().for_each(Segment::break_writes);
    }

    /// Lets writes succeed again.
    #[cfg(test)]
    pub(crate) fn mend_writes(&mut self) {
        self.segments.values_mut().for_each(Segment::mend_writes);
    }
}
