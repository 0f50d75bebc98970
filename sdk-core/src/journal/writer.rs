//! The thread that writes and waits for the disk, so that `record` does neither.
//!
//! Fixes are handed over every few seconds. Whoever writes next (the thread, or a caller who appends an
//! entry) writes them first, so that the journal is in the order of recording. What waits at the end of
//! a trip is the thread's alone.

mod shared;

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use super::{
    Entry, JournalError,
    held_queue::{HeldOps, HeldQueue, HeldWriter},
    segment::{self, Segment, Tail, sync_folder},
};
use crate::capture::Kept;
use shared::{Active, Shared, State};

/// Fixes for which there is room from the start, so that handing over allocates nothing.
const ROOM: usize = 1024;

/// How often the thread looks for work while there is some now and then: waking it would cost `record` a
/// system call. With what is handed over every four seconds, a kill loses less than five.
const DOZE: Duration = Duration::from_millis(500);
/// How often it looks in vain until it waits to be woken.
const DOZE_ROUNDS: u32 = 20;

/// Where an entry was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) segment: u32,
    pub(super) offset: u64,
    /// Of its body.
    pub(super) len: usize,
    /// How much was written by then.
    pub(super) count: u64,
}

fn sync(dir: &Path, shared: &Shared, segments: &[u32], folder: bool) -> io::Result<()> {
    for number in segments {
        let is_open = || shared.output().active.as_ref().is_none_or(|a| a.number == *number);
        match OpenOptions::new().append(true).open(segment::path(dir, *number)) {
            Ok(file) => file.sync_data()?,
            // It was let go since; unless it is the one that is written to, which has vanished.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !is_open() => {}
            Err(cause) => return Err(cause),
        }
    }
    if folder {
        sync_folder(dir);
    }
    Ok(())
}

fn run(dir: &Path, shared: &Shared) {
    let (mut segments, mut ops) = (Vec::new(), HeldOps::default());
    let mut held = HeldWriter::default();
    ops.reserve();
    let mut rounds = DOZE_ROUNDS;
    let mut state = shared.lock();
    loop {
        #[cfg(test)]
        if state.killed {
            return;
        }
        if !state.has_work() {
            if state.stop {
                return;
            }
            state = if rounds < DOZE_ROUNDS {
                rounds += 1;
                shared.doze(state, DOZE)
            } else {
                state.idle = true;
                let mut state = shared.wait(state);
                state.idle = false;
                state
            };
            continue;
        }
        rounds = 0;
        let asked = state.asked;
        state.held.swap(&mut ops);
        drop(state);
        // What cannot be written is put back, and whoever writes next is told.
        let _ = shared.write(dir, &[]);
        state = shared.lock();
        segments.append(&mut state.dirty);
        let (folder, written) = (std::mem::take(&mut state.folder), state.written);
        drop(state);
        let synced = sync(dir, shared, &segments, folder);
        let told = held.carry_out(&mut ops, synced.is_ok());
        state = shared.lock();
        state.held.note(told);
        match synced {
            Ok(()) => {
                segments.clear();
                state.failing = false;
                state.durable = state.durable.max(written);
            }
            Err(cause) => {
                // The next request tries again.
                segments.drain(..).for_each(|number| state.mark(number));
                state.folder |= folder;
                state.failures += 1;
                state.failing = true;
                state.failed = Some(cause);
            }
        }
        state.done = asked;
        shared.changed.notify_all();
    }
}

/// Hands over what is to be written, and knows how much of what was written is on disk: a count of
/// writes, in the order of writing.
pub(super) struct Writer {
    dir: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(dir: PathBuf) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.lock().fixes.reserve(ROOM);
        shared.lock().held.reserve();
        shared.output().fixes.reserve(ROOM);
        let (theirs, folder) = (Arc::clone(&shared), dir.clone());
        let thread = std::thread::Builder::new()
            .name("hexmile-journal".to_owned())
            .spawn(move || run(&folder, &theirs))?;
        Ok(Self { dir, shared, thread: Some(thread) })
    }

    /// Goes on in a new segment, after `entries` were written as its first. Nothing is changed where they
    /// cannot be.
    pub(super) fn go_on_in(
        &self,
        number: u32,
        segment: Arc<Segment>,
        mut tail: Tail,
        entries: &[Entry],
    ) -> Result<(), JournalError> {
        let mut output = self.shared.output();
        output.bytes.clear();
        for entry in entries {
            output.encode(entry);
        }
        tail.append(&segment, &output.bytes)?;
        output.active = Some(Active { number, segment, tail });
        let mut state = self.shared.lock();
        state.written += 1;
        state.folder = true;
        state.mark(number);
        self.ask(state);
        Ok(())
    }

    /// Writes nothing more until it goes on in a new segment; what waits to be written is forgotten.
    pub(super) fn close(&self) {
        let mut output = self.shared.output();
        output.active = None;
        self.shared.lock().fixes.clear();
    }

    pub(super) fn is_open(&self) -> bool {
        self.shared.output().active.is_some()
    }

    /// Marks a segment of which something may not be on disk.
    pub(super) fn mark(&self, segment: u32) {
        self.shared.lock().mark(segment);
    }

    /// Writes what was handed over, and entries after it, all or nothing; where the first entry went.
    pub(super) fn write(
        &self,
        fixes: &mut Vec<Kept>,
        entries: &[&Entry],
    ) -> Result<Option<Written>, JournalError> {
        self.shared.lock().fixes.append(fixes);
        self.shared.write(&self.dir, entries)
    }

    /// Whether the thread has yet to do what it was asked for.
    pub(super) fn is_behind(&self) -> bool {
        let state = self.shared.lock();
        state.done < state.asked
    }

    /// Takes fixes, and what there is to do for those that wait, for the thread to write soon. Returns how
    /// many fixes there are that are not written.
    pub(super) fn hand_over(
        &self,
        fixes: &mut Vec<Kept>,
        held: impl FnOnce(&mut HeldQueue),
    ) -> usize {
        let mut state = self.shared.lock();
        state.fixes.append(fixes);
        held(&mut state.held);
        let unwritten = state.fixes.len();
        state.asked += 1;
        let idle = state.idle;
        drop(state);
        // A thread that is not looks by itself soon.
        if idle {
            self.shared.changed.notify_all();
        }
        unwritten
    }

    /// Forgets what was handed over and is not written.
    pub(super) fn forget_unwritten(&self) {
        let _output = self.shared.output();
        self.shared.lock().fixes.clear();
    }

    /// Asks the thread to write and sync what there is.
    pub(super) fn request(&self) {
        self.ask(self.shared.lock());
    }

    fn ask(&self, mut state: MutexGuard<'_, State>) {
        state.asked += 1;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Looks at what is told of the fixes that wait.
    pub(super) fn held<T>(&self, look: impl FnOnce(&mut HeldQueue) -> T) -> T {
        look(&mut self.shared.lock().held)
    }

    /// How much of what was written is on disk.
    pub(super) fn durable(&self) -> u64 {
        self.shared.lock().durable
    }

    /// Whether the last sync failed.
    pub(super) fn is_failing(&self) -> bool {
        self.shared.lock().failing
    }

    /// Why the last sync failed, if nobody was told.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.shared.lock().failed.take()
    }

    /// Waits until everything that was handed over or written is on disk.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut state = self.shared.lock();
        let failures = state.failures;
        state.asked += 1;
        let ticket = state.asked;
        self.shared.changed.notify_all();
        while state.done < ticket {
            state = self.shared.wait(state);
        }
        if state.failures > failures {
            let unknown = || io::Error::other("the journal could not be synced");
            return Err(state.failed.take().unwrap_or_else(unknown));
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stop = true;
        state.asked += 1;
        self.shared.changed.notify_all();
        drop(state);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
impl Writer {
    /// Holds back the thread, as a slow disk would.
    pub(super) fn pause(&self, paused: bool) {
        self.shared.lock().paused = paused;
        self.shared.changed.notify_all();
    }

    pub(super) fn writes(&self) -> u64 {
        self.shared.lock().written
    }

    /// Waits until the thread has done what it was asked for, and asks for nothing.
    pub(super) fn settle(&self) {
        let mut state = self.shared.lock();
        self.shared.changed.notify_all();
        while state.done < state.asked {
            state = self.shared.wait(state);
        }
    }

    /// The process is killed: what was not handed over is lost.
    pub(super) fn kill(&self) {
        self.shared.lock().killed = true;
        self.shared.changed.notify_all();
    }

    /// Makes every later write fail, as a full or failing disk would; or lets them succeed again.
    pub(super) fn break_writes(&self, broken: bool) {
        if let Some(active) = &mut self.shared.output().active {
            active.tail.broken = broken;
        }
        self.shared.lock().held.break_writes(broken);
    }
}
