//! What waits at the end of the trip under way, on its way into a file of its own.

use std::{
    io,
    path::{Path, PathBuf},
};

use hexmile_trace::TripId;

use super::{
    FoundHeld, Journal, JournalError, held_batch,
    held_file::{self, EXTENSION, HeldFile},
    held_queue::HeldQueue,
};
use crate::{
    capture::{Progress, Waiting},
    secrets::Secret,
};

/// The file is written anew once it is larger than this, and much larger than what waits.
const LARGE_BYTES: u64 = 64 * 1024;
/// How much larger.
const LARGER: u64 = 3;
/// Bytes that encryption and framing add to a batch.
const OVERHEAD: u64 = 32;

/// The name of a trip's file and of its key: a trip that was resumed has a new one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeldName(String);

impl HeldName {
    /// Whether it is of a trip.
    pub(crate) fn is_of(&self, trip: TripId) -> bool {
        self.number(trip).is_some()
    }

    fn number(&self, trip: TripId) -> Option<u32> {
        self.0.strip_prefix(&format!("{trip}-"))?.parse().ok()
    }

    /// The next of a trip, after those that there are.
    pub(crate) fn after<'a>(trip: TripId, names: impl Iterator<Item = &'a Self>) -> Self {
        let last = names.filter_map(|name| name.number(trip)).max().unwrap_or(0);
        Self(format!("{trip}-{}", last.saturating_add(1)))
    }

    /// Those of a folder, oldest first; none where there is no folder.
    pub(crate) fn list(dir: &Path) -> Result<Vec<Self>, JournalError> {
        let names = match held_file::list(dir) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(|cause| JournalError::Io { path: dir.into(), cause })?,
        };
        let mut names: Vec<_> = names.into_iter().map(Self).collect();
        names.sort_by(|a, b| (a.0.len(), a).cmp(&(b.0.len(), b)));
        Ok(names)
    }

    /// The name of the key in the host's secret store.
    pub(crate) fn key(&self) -> String {
        let plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
        format!("hexmile-{}", self.0.chars().filter(plain).take(48).collect::<String>())
    }
}

/// How large the file is.
#[derive(Debug, Default)]
pub(super) struct Size {
    /// When it was last written anew.
    base: u64,
    since: u64,
}

impl Size {
    pub(super) const fn bytes(&self) -> u64 {
        self.base + self.since
    }

    const fn is_too_large(&self) -> bool {
        self.bytes() > LARGE_BYTES && self.bytes() > LARGER * self.base
    }
}

impl Journal {
    fn held_path(&self, name: &HeldName) -> PathBuf {
        self.dir.join(&name.0).with_extension(EXTENSION)
    }

    /// The files of what waited that are in the folder, oldest first.
    pub(crate) fn held_names(&self) -> Result<Vec<HeldName>, JournalError> {
        HeldName::list(&self.dir)
    }

    /// Reads what waited, with its key.
    pub(crate) fn read_held(
        &self,
        name: &HeldName,
        trip: TripId,
        key: &Secret,
    ) -> Result<FoundHeld, JournalError> {
        let path = self.held_path(name);
        held_file::read(&path, &self.devices, trip, key)
            .map_err(|cause| JournalError::Io { path, cause })
    }

    /// From now on, what waits is written into a file under a key.
    pub(crate) fn begin_held(&mut self, name: &HeldName, trip: TripId, key: &Secret) {
        let file = HeldFile::new(self.held_path(name), self.device(), trip, key);
        self.writer.held(|held| held.begin(file));
    }

    /// Whether the next batch must hold all that waits.
    pub(crate) fn wants_all_held(&self) -> bool {
        self.held.is_too_large() || self.writer.held(|held| held.is_stale())
    }

    /// What waits has changed otherwise than by new fixes and by those that left.
    pub(crate) fn hold_anew(&mut self) {
        self.writer.held(HeldQueue::mark_stale);
    }

    /// Hands over what was kept, and what came to wait, or all that does; the journal's thread writes and
    /// syncs both.
    pub(crate) fn hand_over_held<'a>(
        &mut self,
        fix_ms: Option<u64>,
        all: bool,
        (progress, clock_offset_ms): (&Progress, Option<i64>),
        waiting: impl Iterator<Item = &'a Waiting>,
    ) {
        self.handed_ms = fix_ms.or(self.handed_ms);
        let mut len = 0;
        self.backlog = self.writer.hand_over(&mut self.unwritten, |held| {
            len = held.batch(all, |out| held_batch::write(progress, clock_offset_ms, waiting, out));
        });
        let len = len as u64 + OVERHEAD;
        self.held = if all {
            Size { base: len, since: 0 }
        } else {
            Size { since: self.held.since + len, ..self.held }
        };
    }

    /// Whether what waits is in its file, so that an earlier one is of no more use.
    pub(crate) fn is_held_saved(&self) -> bool {
        self.writer.held(|held| held.is_saved())
    }

    /// Why what waits could not be written, if nobody was told.
    pub(crate) fn take_held_failure(&self) -> Option<io::Error> {
        self.writer.held(HeldQueue::take_failure)
    }

    /// The trip has ended and its key is destroyed: its file is deleted.
    pub(crate) fn end_held(&mut self) {
        self.held = Size::default();
        self.writer.held(HeldQueue::end);
        self.writer.request();
    }

    /// Deletes an earlier file, whose key is destroyed.
    pub(crate) fn delete_held(&mut self, name: &HeldName) {
        let path = self.held_path(name);
        self.writer.held(|held| held.delete(path));
        self.writer.request();
    }
}
