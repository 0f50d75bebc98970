//! Opening a journal, and what is found there; beginning anew where it has vanished.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use hexmile_trace::DeviceId;
use litemap::LiteMap;

use super::{
    Entry, Journal, JournalError, OpenTrips, Writer, Written, held,
    held_queue::HeldQueue,
    segment::{self, Loaded, Segment},
};

/// What was found on opening.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) next_sequence: u64,
    /// Bytes that were no frame.
    pub(crate) damaged_bytes: u64,
    /// Segments that are not this journal's, and were set aside.
    pub(crate) set_aside: u64,
}

/// The file by which a recorder holds the folder.
pub(super) const LOCK: &str = "lock";

/// How often the folder's lock is tried, and how long apart.
const LOCK_TRIES: u32 = 20;
const LOCK_WAIT: Duration = Duration::from_millis(10);

/// Holds the folder for one recorder, as long as the file is open.
pub(super) fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(LOCK);
    let io = |cause| JournalError::Io { path: path.clone(), cause };
    let lock = File::create(&path).map_err(io)?;
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            // Another process that this one is just starting has all its files until it runs.
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_WAIT),
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
    }
    Err(JournalError::Busy { path: dir.into() })
}

impl Journal {
    pub(crate) fn open(
        dir: &Path,
        devices: Vec<DeviceId>,
        limit_bytes: u64,
    ) -> Result<(Self, Recovered), JournalError> {
        let io = |cause| JournalError::Io { path: dir.into(), cause };
        fs::create_dir_all(dir).map_err(io)?;
        let lock = lock(dir)?;
        let mut journal = Self {
            dir: dir.into(),
            devices,
            limit_bytes,
            lock,
            segments: LiteMap::new(),
            unsettled: LiteMap::new(),
            next_sequence: 0,
            open: OpenTrips::default(),
            open_from: (0, 0),
            hiding: Vec::new(),
            unwritten: Vec::with_capacity(ROOM),
            backlog: 0,
            handed_ms: None,
            held: held::Size::default(),
            writer: Writer::start(dir.to_owned()).map_err(io)?,
            dropped_traces: 0,
        };
        let (recovered, idle) = journal.recover()?;
        // What was there may end in a torn frame; new entries go into a segment of their own.
        journal.rotate()?;
        for number in idle {
            journal.drop_segment(number);
        }
        // A process that died may have left it in the system's cache.
        for place in journal.unsettled.values() {
            journal.writer.mark(place.segment);
        }
        journal.writer.request();
        Ok((journal, recovered))
    }

    /// Reads what is there. Returns the segments, too, of runs that wrote nothing: they say no more than that
    /// which comes next, and an app starts many times a day.
    fn recover(&mut self) -> Result<(Recovered, Vec<u32>), JournalError> {
        let (mut recovered, mut all_idle) = (Recovered::default(), Vec::new());
        for (number, path) in segment::list(&self.dir)? {
            let (segment, bytes) = match Segment::load(&path, &self.devices)? {
                Loaded::Own(segment, bytes) => (segment, bytes),
                Loaded::Foreign => {
                    Segment::set_aside(&path)?;
                    recovered.set_aside += 1;
                    continue;
                }
            };
            self.segments.insert(number, Arc::new(segment));
            let mut idle = true;
            let damaged_bytes = segment::for_each_frame(&bytes, |offset, body| {
                let entry = Entry::read(body);
                if let Some(entry) = &entry {
                    idle &= matches!(entry, Entry::Opened { resumed: None, .. });
                    // What is found was written before the first write.
                    let at = Written { segment: number, offset, len: body.len(), count: 1 };
                    self.note(entry, at);
                }
                entry.is_some()
            });
            recovered.damaged_bytes += damaged_bytes;
            all_idle.extend((idle && damaged_bytes == 0).then_some(number));
        }
        recovered.next_sequence = self.next_sequence;
        Ok((recovered, all_idle))
    }

    /// Tells why the disk has not what it should, if so. Where the folder or the open segment has
    /// vanished, goes on in a new one, with everything that is still in memory: what was sealed there is
    /// lost, and counted.
    pub(crate) fn check(&mut self) -> Result<(), JournalError> {
        let failure = self.writer.take_failure();
        let vanished = !self.writer.is_open()
            || self.writer.is_failing() && self.active().is_none_or(|active| !active.is_there());
        if vanished {
            self.begin_anew()?;
        }
        failure.map_or(Ok(()), |cause| Err(self.io(cause)))
    }

    fn begin_anew(&mut self) -> Result<(), JournalError> {
        fs::create_dir_all(&self.dir).map_err(|cause| self.io(cause))?;
        // It may be there still, where the segment alone has vanished.
        let _ = self.lock.unlock();
        self.lock = lock(&self.dir)?;
        self.open.apply(&Entry::Hidden(std::mem::take(&mut self.hiding)));
        // What older segments that are still there say of open fixes is said again, once.
        let opened = Entry::Opened { next_sequence: self.next_sequence, resumed: None };
        let mut entries = vec![opened, Entry::Withdrawn];
        for trip in self.open.iter() {
            entries.push(trip.beginning());
            entries.extend(trip.own_fixes().iter().copied().map(Entry::Kept));
        }
        self.go_on_with(&entries)?;
        // As it will be read: without the context of traces that are gone.
        for entry in &entries {
            self.open.apply(entry);
        }
        self.unwritten.clear();
        self.writer.forget_unwritten();
        self.segments.retain(|_, segment| segment.is_there());
        let before = self.unsettled.len();
        self.unsettled.retain(|_, place| self.segments.contains_key(&place.segment));
        self.dropped_traces += (before - self.unsettled.len()) as u64;
        if let Some((number, _)) = self.segments.last() {
            self.open_from = (*number, 0);
        }
        self.writer.held(HeldQueue::mark_stale);
        Ok(())
    }
}

/// Fixes for which there is room from the start, so that recording allocates nothing.
const ROOM: usize = 1024;
