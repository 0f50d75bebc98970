//! The thread that waits for the disk, so that no caller does.

use std::{
    fs::File,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

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

    /// Asks for a sync of what was appended so far; one that waits already covers it. False where
    /// nobody could be asked.
    pub(super) fn request(&self, file: &File) -> bool {
        let Ok(file) = file.try_clone() else { return false };
        let asked = self.requests.as_ref().map(|requests| requests.try_send(file));
        matches!(asked, Some(Ok(()) | Err(TrySendError::Full(_))))
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
