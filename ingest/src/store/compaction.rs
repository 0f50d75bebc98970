//! Typical traffic, as a store keeps it: the log compacted into sums, and what still waits.

use std::collections::BTreeMap;

/// A compaction of the log into typical traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionRecord {
    /// From 0, without gaps among those that are kept.
    pub number: u64,
    /// End of its range of the log, exclusive: every row before it is compacted or waits.
    pub end_position: u64,
    /// Unix milliseconds.
    pub at_ms: u64,
    /// How many parts it has, from 0.
    pub parts: u32,
}

/// Everything that a compaction writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Follows the last one's; 0 for the first.
    pub number: u64,
    /// Where the last one ended; 0 for the first.
    pub first_position: u64,
    /// End of its range, exclusive; at most the end of the log.
    pub end_position: u64,
    /// Unix milliseconds.
    pub at_ms: u64,
    /// The sums, each part up to some megabytes.
    pub parts: Vec<Vec<u8>>,
    /// What changed of what waits, below `end_position`. The last word on a position counts.
    pub waiting: Vec<Waiting>,
    /// [`LogHead::erasures`](super::LogHead::erasures) before the rows were read that this was made
    /// of.
    pub erasures: u64,
}

/// Which observations of a row of the log still wait for company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The row's.
    pub position: u64,
    /// Replaces what was known of the row, in the compaction's own form; empty where none waits any
    /// more.
    pub observations: Vec<u8>,
}

/// What became of a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompactionCommit {
    /// It is written.
    Committed,
    /// Another node was first, or the range is not the next one; nothing was written.
    NotNext,
    /// An account was erased meanwhile, of whose observations it may be made; nothing was written.
    Erased,
}

impl Compaction {
    /// Whether it follows the last one and ends within a log that ends at `log_end`.
    pub(super) fn follows(&self, last: Option<&CompactionRecord>, log_end: u64) -> bool {
        let next = last.map_or((0, 0), |last| (last.number + 1, last.end_position));
        (self.number, self.first_position) == next
            && (self.first_position..=log_end).contains(&self.end_position)
    }

    /// What is kept of it; `None` where its parts cannot be counted.
    pub(super) fn record(&self) -> Option<CompactionRecord> {
        let Self { number, end_position, at_ms, .. } = *self;
        let parts = u32::try_from(self.parts.len()).ok()?;
        Some(CompactionRecord { number, end_position, at_ms, parts })
    }

    /// What waits, by position; else the first position that is not below the end.
    pub(super) fn waiting(&self) -> Result<BTreeMap<u64, &[u8]>, u64> {
        let beyond = self.waiting.iter().find(|row| row.position >= self.end_position);
        match beyond {
            Some(row) => Err(row.position),
            None => Ok(self.waiting.iter().map(|w| (w.position, &w.observations[..])).collect()),
        }
    }
}
