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
mod held;
mod held_batch;
mod held_file;
mod held_queue;
pub(crate) mod notes;
mod open_trips;
mod reading;
mod recovery;
mod segment;
mod writer;

use std::{
    fs::File,
    io,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::Arc,
};

use hexmile_trace::{DeviceId, Receipt, SignedTrace, TraceId};
use litemap::LiteMap;

use crate::capture::Kept;
pub(crate) use entry::Entry;
use entry::Stretch;
pub(crate) use held::HeldName;
pub(crate) use held_file::FoundHeld;
#[cfg(test)]
pub(crate) use held_file::read as read_held_file;
pub(crate) use open_trips::OpenTrip;
use open_trips::OpenTrips;
use segment::Segment;
use writer::{Writer, Written};

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

/// Time of fixes that may be lost when the process is killed, milliseconds: so long they wait in memory
/// at most, with the time that writing takes.
const HAND_OVER_MS: u64 = 4000;
/// Most fixes that wait in memory for a disk that is full: two hours at 1 Hz.
const MAX_UNWRITTEN: usize = 8000;
/// Most fixes that are no trace yet: several times what waits for a key store that fails, and fewer than are
/// numbered where some are hidden. A host that never ticks reaches it after nine hours at 1 Hz.
const MAX_OPEN: usize = 32_000;
/// A segment is closed once it is larger than this, at the next sealed trace.
const SEGMENT_BYTES: u64 = 256 * 1024;

/// The journal of one device.
pub(crate) struct Journal {
    dir: PathBuf,
    /// Whose segments are read; the first is written.
    devices: Vec<DeviceId>,
    limit_bytes: u64,
    // Held while the journal is open; the lock goes with it.
    lock: File,
    segments: LiteMap<u32, Arc<Segment>>,
    /// Sealed traces without a receipt, by sequence number.
    unsettled: LiteMap<u64, Place>,
    next_sequence: u64,
    open: OpenTrips,
    /// Segment and offset before which no open fix lies.
    open_from: (u32, u64),
    /// Open fixes that are to be hidden, where that could not be written.
    hiding: Vec<Stretch>,
    /// Fixes that were not handed over to the thread.
    unwritten: Vec<Kept>,
    /// Fixes that were handed over and not written, when it was looked last.
    backlog: usize,
    /// The capture time by which something was handed over last.
    handed_ms: Option<u64>,
    held: held::Size,
    writer: Writer,
    dropped_traces: u64,
}

impl Journal {
    /// Follows an entry, found or just written.
    fn note(&mut self, entry: &Entry, at: Written) {
        if matches!(entry, Entry::Kept(_)) && self.open.own() == 0 {
            self.open_from = (at.segment, at.offset);
        }
        self.open.apply(entry);
        match entry {
            Entry::Opened { next_sequence, .. } => {
                self.next_sequence = self.next_sequence.max(*next_sequence);
            }
            Entry::Sealed { sequence, bytes, .. } => {
                self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
                if let Ok(signed) = SignedTrace::from_bytes(bytes) {
                    let Written { segment, offset, len, count: written } = at;
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

    /// Appends what was kept so far and an entry to the system's cache, all or nothing; the journal's
    /// thread syncs it soon.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        self.append_together(&[entry])
    }

    /// The same of several entries, all or nothing. A sealed trace is the first of them.
    pub(crate) fn append_together(&mut self, entries: &[&Entry]) -> Result<(), JournalError> {
        if let Some(written) = self.writer.write(&mut self.unwritten, entries)? {
            for entry in entries {
                self.note(entry, written);
            }
        }
        self.writer.request();
        // With no fix open, none would be left behind in an old segment.
        if matches!(entries.first(), Some(Entry::Sealed { .. })) {
            if self.open.own() == 0 && self.active().is_some_and(|a| a.len() > SEGMENT_BYTES) {
                // What was to be written is. Without room for a new segment the old one goes on.
                let _ = self.rotate();
            }
            self.drop_beyond_limits();
        }
        Ok(())
    }

    /// Takes a fix that joined the open run. It is written with what is handed over or appended next.
    pub(crate) fn keep(&mut self, kept: Kept) {
        if self.open.own() == 0
            && let Some((number, active)) = self.segments.last()
        {
            self.open_from = (*number, active.len());
        }
        self.open.keep(kept);
        self.unwritten.push(kept);
    }

    /// Whether it is time to hand over what was kept and what waits, by the newest fix.
    pub(crate) fn is_due(&self, fix_ms: u64) -> bool {
        self.handed_ms.is_none_or(|handed_ms| fix_ms.abs_diff(handed_ms) >= HAND_OVER_MS)
    }

    /// Whether the journal's thread is still at what was handed over before.
    pub(crate) fn is_behind(&self) -> bool {
        self.writer.is_behind()
    }

    /// Hands what was kept over to the journal's thread, which writes and syncs it.
    pub(crate) fn hand_over(&mut self, fix_ms: Option<u64>) {
        self.handed_ms = fix_ms.or(self.handed_ms);
        self.backlog = self.writer.hand_over(&mut self.unwritten, |_| {});
    }

    /// Writes what was kept so far to the system's cache.
    pub(crate) fn write(&mut self) -> Result<(), JournalError> {
        self.writer.write(&mut self.unwritten, &[])?;
        self.backlog = 0;
        Ok(())
    }

    /// Whether the disk has been full for so long that memory is, too; or nobody has sealed anything.
    pub(crate) fn is_overfull(&self) -> bool {
        self.backlog + self.unwritten.len() >= MAX_UNWRITTEN || self.open.own() >= MAX_OPEN
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

    /// Asks the journal's thread to sync what was appended so far.
    pub(crate) fn request_sync(&self) {
        self.writer.request();
    }

    /// The trips that were not ended, with what of them is no trace yet, oldest first.
    pub(crate) fn open_trips(&self) -> Vec<OpenTrip> {
        self.open.to_vec()
    }

    fn device(&self) -> DeviceId {
        self.devices.first().copied().unwrap_or(DeviceId([0; DeviceId::LEN]))
    }

    fn active(&self) -> Option<&Segment> {
        self.segments.last().map(|(_, active)| &**active)
    }

    fn io(&self, cause: io::Error) -> JournalError {
        JournalError::Io { path: self.dir.clone(), cause }
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        // Fixes that are open lie in an older segment together with their trip.
        let newest = self.open.newest().filter(|_| self.open.own() == 0);
        let context = newest.and_then(|trip| trip.fixes.first().filter(|_| trip.context));
        let resumed = newest.map(|trip| trip.id).zip(context.map(|kept| kept.fix));
        let mut entries = vec![Entry::Opened { next_sequence: self.next_sequence, resumed }];
        entries.extend(newest.filter(|_| resumed.is_none()).map(OpenTrip::beginning));
        self.go_on_with(&entries)
    }

    /// Goes on in a new segment that begins with these entries.
    fn go_on_with(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        let number = self.segments.last().map_or(1, |(n, _)| n + 1);
        let (segment, tail) = Segment::create(&self.dir, number, self.device())?;
        let segment = Arc::new(segment);
        if let Err(error) = self.writer.go_on_in(number, Arc::clone(&segment), tail, entries) {
            // Its number is wanted again when there is room.
            let _ = segment.remove();
            return Err(error);
        }
        self.segments.insert(number, segment);
        Ok(())
    }

    /// Whether the open segment is large enough to go on in another, and fixes are open in it.
    pub(crate) fn is_segment_full(&self) -> bool {
        self.open.own() > 0 && self.active().is_some_and(|a| a.len() > SEGMENT_BYTES)
    }

    /// Bytes of segments.
    fn segment_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.len()).sum()
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.segment_bytes() + self.held.bytes()
    }

    /// Traces dropped because the journal was full.
    pub(crate) const fn dropped_traces(&self) -> u64 {
        self.dropped_traces
    }

    /// Waits until everything appended or handed over is on disk.
    pub(crate) fn flush(&mut self) -> Result<(), JournalError> {
        self.write()?;
        self.writer.flush().map_err(|cause| self.io(cause))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Nobody is left to be told; and a panic that left this would end the app.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.write()));
    }
}

#[cfg(test)]
impl Journal {
    /// Holds back the journal's thread, as a slow disk would.
    pub(crate) fn hold_syncs(&self, held: bool) {
        self.writer.pause(held);
    }

    /// Makes every later write fail, as a full or failing disk would.
    pub(crate) fn break_writes(&mut self) {
        self.writer.break_writes(true);
    }

    /// Lets writes succeed again.
    pub(crate) fn mend_writes(&mut self) {
        self.writer.break_writes(false);
    }

    /// How often something was written.
    pub(crate) fn writes(&self) -> u64 {
        self.writer.writes()
    }

    /// Waits for the thread, and asks for nothing.
    pub(crate) fn settle_down(&self) {
        self.writer.settle();
    }

    /// Ends as a killed process does: what was not handed over is lost.
    pub(crate) fn kill(mut self) {
        self.writer.kill();
        self.unwritten.clear();
        self.writer.close();
    }
}
