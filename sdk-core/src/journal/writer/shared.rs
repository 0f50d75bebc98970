//! What callers and the journal's thread share, and the one way in which bytes reach a segment.

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    super::{
        Entry, JournalError, frame,
        held_queue::HeldQueue,
        segment::{Segment, Tail},
    },
    Written,
};
use crate::capture::Kept;

/// What callers and the thread tell each other.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is told apart from the others")]
pub(super) struct State {
    /// Fixes that are not written yet.
    pub(super) fixes: Vec<Kept>,
    pub(super) held: HeldQueue,
    /// Segments with something that is not known to be on disk.
    pub(super) dirty: Vec<u32>,
    /// Whether one of them may be new to the folder.
    pub(super) folder: bool,
    /// How often the thread was asked to write and sync, and how often it has.
    pub(super) asked: u64,
    pub(super) done: u64,
    /// Whether the thread waits to be woken.
    pub(super) idle: bool,
    /// Writes so far, and how many of them are on disk.
    pub(super) written: u64,
    pub(super) durable: u64,
    /// Why the last sync failed, until somebody was told.
    pub(super) failed: Option<io::Error>,
    pub(super) failures: u64,
    /// Whether the last sync failed.
    pub(super) failing: bool,
    pub(super) stop: bool,
    #[cfg(test)]
    pub(super) paused: bool,
    #[cfg(test)]
    pub(super) killed: bool,
}

impl State {
    pub(super) fn has_work(&self) -> bool {
        #[cfg(test)]
        if self.paused && !self.stop {
            return false;
        }
        self.asked > self.done
    }

    pub(super) fn mark(&mut self, segment: u32) {
        if !self.dirty.contains(&segment) {
            self.dirty.push(segment);
        }
    }
}

/// Where bytes go.
pub(super) struct Active {
    pub(super) number: u32,
    pub(super) segment: Arc<Segment>,
    pub(super) tail: Tail,
}

#[derive(Default)]
pub(super) struct Output {
    pub(super) active: Option<Active>,
    /// Fixes that are being written; none between two writes.
    pub(super) fixes: Vec<Kept>,
    pub(super) bytes: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Output {
    pub(super) fn encode(&mut self, entry: &Entry) -> usize {
        self.body.clear();
        entry.write(&mut self.body);
        frame::write(&mut self.bytes, &self.body);
        self.body.len()
    }
}

#[derive(Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Locked before `state` where both are.
    pub(super) output: Mutex<Output>,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn doze<'a>(
        &self,
        state: MutexGuard<'a, State>,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Writes the fixes that were handed over, and entries after them, in one go: all or nothing.
    /// Returns where the first entry went.
    pub(super) fn write(
        &self,
        dir: &Path,
        entries: &[&Entry],
    ) -> Result<Option<Written>, JournalError> {
        let output = &mut *self.output();
        std::mem::swap(&mut self.lock().fixes, &mut output.fixes);
        output.bytes.clear();
        for n in 0..output.fixes.len() {
            let kept = Entry::Kept(output.fixes[n]);
            output.encode(&kept);
        }
        let mut at = output.bytes.len() as u64;
        let lens = entries.iter().map(|entry| output.encode(entry));
        // All of them are encoded.
        let len = lens.reduce(|first, _| first).unwrap_or(0);
        if output.bytes.is_empty() {
            return Ok(None);
        }
        let appended = if let Some(active) = &mut output.active {
            at += active.segment.len();
            active.tail.append(&active.segment, &output.bytes).map(|()| active.number)
        } else {
            let cause = io::Error::new(io::ErrorKind::NotFound, "no segment is open");
            Err(JournalError::Io { path: dir.into(), cause })
        };
        let mut state = self.lock();
        match appended {
            Ok(segment) => {
                output.fixes.clear();
                state.written += 1;
                state.mark(segment);
                Ok(Some(Written { segment, offset: at, len, count: state.written }))
            }
            Err(error) => {
                output.fixes.append(&mut state.fixes);
                std::mem::swap(&mut state.fixes, &mut output.fixes);
                Err(error)
            }
        }
    }
}
