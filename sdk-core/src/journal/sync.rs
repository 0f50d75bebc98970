//! The thread that waits for the disk, so that no caller does.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use super::segment;

/// What callers and the thread tell each other.
#[derive(Default)]
struct State {
    /// Segments with something that is not known to be on disk.
    dirty: Vec<u32>,
    /// Whether one of them may be new to the folder.
    folder: bool,
    /// How much was written when a sync was asked for that is not begun.
    wanted: Option<u64>,
    /// How much of it is on disk.
    durable: u64,
    /// Why the last sync failed, until somebody was told.
    failed: Option<io::Error>,
    failures: u64,
    stop: bool,
    #[cfg(test)]
    held: bool,
}

impl State {
    /// What is to be synced now.
    fn take_wanted(&mut self) -> Option<u64> {
        #[cfg(test)]
        if self.held && !self.stop {
            return None;
        }
        self.wanted.take()
    }

    fn mark(&mut self, segment: u32) {
        if !self.dirty.contains(&segment) {
            self.dirty.push(segment);
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Syncs segments that others append to, and knows how much of what was written is on disk: a count
/// of writes, in the order of writing.
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

fn sync(dir: &Path, segments: &[u32], folder: bool) -> io::Result<()> {
    for number in segments {
        match OpenOptions::new().append(true).open(segment::path(dir, *number)) {
            Ok(file) => file.sync_data()?,
            // It was let go since.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
    }
    if folder && cfg!(unix) {
        // Not every file system syncs folders; one that does not has its own way to keep names.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
    Ok(())
}

fn run(dir: &Path, shared: &Shared) {
    let mut segments = Vec::new();
    let mut state = shared.lock();
    loop {
        let Some(written) = state.take_wanted() else {
            if state.stop {
                return;
            }
            state = shared.wait(state);
            continue;
        };
        segments.append(&mut state.dirty);
        let folder = std::mem::take(&mut state.folder);
        drop(state);
        let done = sync(dir, &segments, folder);
        state = shared.lock();
        match done {
            Ok(()) => {
                segments.clear();
                state.durable = state.durable.max(written);
            }
            Err(cause) => {
                // The next request tries again.
                segments.drain(..).for_each(|number| state.mark(number));
                state.folder |= folder;
                state.failures += 1;
                state.failed = Some(cause);
            }
        }
        shared.changed.notify_all();
    }
}

impl Syncer {
    pub(super) fn start(dir: PathBuf) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("hexmile-journal".to_owned())
            .spawn(move || run(&dir, &theirs))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Asks for a sync of what was appended to a segment; `written` is how much was written by now.
    /// `new` says that the segment's name may not be on disk.
    pub(super) fn request(&self, segment: u32, new: bool, written: u64) {
        let mut state = self.shared.lock();
        state.mark(segment);
        state.folder |= new;
        state.wanted = state.wanted.max(Some(written));
        drop(state);
        self.shared.changed.notify_all();
    }

    /// How much of what was written is on disk.
    pub(super) fn durable(&self) -> u64 {
        self.shared.lock().durable
    }

    /// Waits until so much is on disk. It must have been asked for.
    pub(super) fn wait_for(&self, written: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        let failures = state.failures;
        while state.durable < written {
            if state.failures > failures {
                let unknown = || io::Error::other("the journal could not be synced");
                return Err(state.failed.take().unwrap_or_else(unknown));
            }
            state = self.shared.wait(state);
        }
        Ok(())
    }

    /// Holds back every sync, as a slow disk would.
    #[cfg(test)]
    pub(super) fn hold(&self, held: bool) {
        self.shared.lock().held = held;
        self.shared.changed.notify_all();
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
