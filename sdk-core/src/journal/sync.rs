//! The thread that waits for the disk, so that no caller does.

use std::{
    fs::File,
    path::PathBuf,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

use super::JournalError;

/// Syncs files that others append to.
pub(super) struct Syncer {
    // An option so that drop can end the thread before it joins it.
    requests: Option<SyncSender<File>>,
    thread: Option<JoinHandle<()>>,
}

fn run(requests: &Receiver<File>) {
    while let Ok(file) = requests.recv() {
        // A failing disk shows when the next append fails; here nobody could be told.
        let _ = file.sync_data();
    }
}

impl Syncer {
    pub(super) fn start() -> std::io::Result<Self> {
        let (requests, incoming) = sync_channel(2);
        let thread = std::thread::Builder::new()
            .name("hexmile-journal".to_owned())
            .spawn(move || run(&incoming))?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Asks for a sync of what was appended so far. One that waits already covers it.
    pub(super) fn request(&self, file: &File) -> Result<(), JournalError> {
        let io = |cause| JournalError::Io { path: PathBuf::new(), cause };
        let file = file.try_clone().map_err(io)?;
        match self.requests.as_ref().map(|r| r.try_send(file)) {
            Some(Ok(()) | Err(TrySendError::Full(_))) => Ok(()),
            _ => Err(io(std::io::Error::other("the journal's thread has stopped"))),
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
