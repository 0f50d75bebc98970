//! What the journal lets go: for want of room, or because the driver withdrew.

use std::{fs, path::Path};

use hexmile_trace::Fix;

use super::{
    Entry, Journal, JournalError, Place, erasures,
    recovery::{LOCK, lock},
    segment,
};
use crate::me::SignedRequest;

/// Segments of settled traces stay for an appeal while the journal is smaller: opening it stays
/// quick.
const APPEAL_BYTES: u64 = 5_000_000;
/// What a segment weighs at least, bytes: a small one takes a block of the disk, too, and time to open.
const LEAST_WEIGHT: u64 = 8 * 1024;

impl Journal {
    /// Deletes every file of a journal that is not open, and the folder where nothing else is in it.
    /// Keeps the request that the driver makes of the server, and those before it that wait.
    pub(crate) fn erase(dir: &Path, request: Option<&SignedRequest>) -> Result<(), JournalError> {
        let io = |cause| JournalError::Io { path: dir.into(), cause };
        if request.is_some() {
            fs::create_dir_all(dir).map_err(io)?;
        } else if !dir.exists() {
            return Ok(());
        }
        let held = lock(dir)?;
        if let Some(request) = request {
            erasures::save(dir, request)?;
        }
        for item in fs::read_dir(dir).map_err(io)? {
            let path = item.map_err(io)?.path();
            let is_own = path.extension().and_then(|e| e.to_str()).is_some_and(segment::is_own);
            if is_own {
                fs::remove_file(&path).map_err(|cause| JournalError::Io { path, cause })?;
            }
        }
        drop(held);
        fs::remove_file(dir.join(LOCK)).map_err(io)?;
        // A host that keeps something else there keeps the folder.
        let _ = fs::remove_dir(dir);
        Ok(())
    }

    /// Whether a journal lies in a folder, whoever's it is.
    pub(crate) fn is_in(dir: &Path) -> bool {
        segment::list(dir).is_ok_and(|segments| !segments.is_empty())
    }

    /// Sees to it that what is open is never sealed, now and after a crash: says so on disk, or,
    /// where that cannot be written, cuts it off.
    pub(crate) fn withdraw(&mut self) -> Result<(), JournalError> {
        if self.open.is_empty() {
            return Ok(());
        }
        // What was not written need not be.
        self.unwritten.clear();
        self.writer.forget_unwritten();
        let told = self.append(&Entry::Withdrawn).and_then(|()| self.flush());
        if told.is_err() && self.open.own() > 0 {
            self.cut_open()?;
        }
        self.open.clear();
        Ok(())
    }

    /// Forgets open fixes that are hidden, now and after a crash. Where that cannot be written, the next
    /// call does, whatever is hidden by then: no trace will have them.
    pub(crate) fn hide(&mut self, hidden: &dyn Fn(&Fix) -> bool) -> Result<(), JournalError> {
        self.hiding = self.open.hidden(&self.hiding, hidden);
        if !self.hiding.is_empty() {
            self.append(&Entry::Hidden(self.hiding.clone()))?;
            self.hiding.clear();
        }
        Ok(())
    }

    fn cut_open(&mut self) -> Result<(), JournalError> {
        let (first, offset) = self.open_from;
        self.writer.close();
        let numbers: Vec<u32> =
            self.segments.keys().rev().copied().filter(|n| *n >= first).collect();
        for number in numbers {
            let Some(segment) = self.segments.get(&number) else { continue };
            if number > first || segment.cut(offset).is_err() {
                segment.remove().map_err(|cause| self.io(cause))?;
                self.segments.remove(&number);
            }
        }
        let lost = |p: &Place| p.segment > first || p.segment == first && p.offset >= offset;
        let before = self.unsettled.len();
        let kept = |p: &Place| !lost(p) && self.segments.contains_key(&p.segment);
        self.unsettled.retain(|_, p| kept(p));
        self.dropped_traces += (before - self.unsettled.len()) as u64;
        self.open.clear();
        // Where there is no room for a new segment, that is told when something is to be written.
        let _ = self.rotate();
        Ok(())
    }

    /// Deletes segments from the oldest on: settled ones while the journal is larger than appeals
    /// are worth, others while it is too large.
    pub(super) fn drop_beyond_limits(&mut self) {
        while self.segments.len() > 1 && self.weight() > APPEAL_BYTES.min(self.limit_bytes / 2) {
            let Some((&oldest, _)) = self.segments.first() else { return };
            let unsettled = self.unsettled.values().filter(|p| p.segment == oldest).count();
            let open = self.open.own() > 0 && self.open_from.0 <= oldest;
            if (unsettled > 0 || open) && self.weight() <= self.limit_bytes {
                return;
            }
            self.unsettled.retain(|_, place| place.segment != oldest);
            self.dropped_traces += unsettled as u64;
            if !self.drop_segment(oldest) {
                return;
            }
        }
    }

    fn weight(&self) -> u64 {
        self.segments.values().map(|segment| segment.len().max(LEAST_WEIGHT)).sum()
    }

    pub(super) fn drop_segment(&mut self, number: u32) -> bool {
        let removed = self.segments.get(&number).is_some_and(|s| s.remove().is_ok());
        if removed {
            self.segments.remove(&number);
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::super::Journal;
    use super::*;
    use crate::capture::Kept;
    use hexmile_trace::{DeviceId, RawFix, TripId};

    fn fix(time_ms: i64) -> Fix {
        Fix::quantise(&RawFix { time_ms, ..RawFix::default() }).unwrap()
    }

    fn open(dir: &Path) -> (Journal, usize) {
        let (journal, _) = Journal::open(dir, vec![DeviceId([1; 16])], 1_000_000).unwrap();
        let fixes = journal.open_trips().iter().map(|trip| trip.fixes.len()).sum();
        (journal, fixes)
    }

    #[test]
    fn what_was_withdrawn_is_never_found_again_even_where_nothing_can_be_written() {
        for broken in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let (mut journal, _) = open(dir.path());
            journal.append(&Entry::TripStarted(TripId([1; 8]))).unwrap();
            for ms in [1, 2] {
                journal.keep(Kept::joined(fix(ms)));
            }
            drop(journal);
            let (mut journal, found) = open(dir.path());
            assert_eq!(found, 2);
            if broken {
                journal.break_writes();
            }
            journal.withdraw().unwrap();
            drop(journal);
            assert_eq!(open(dir.path()).1, 0, "broken: {broken}");
        }
    }

    #[test]
    fn an_app_that_starts_often_leaves_few_segments() {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let segments = || segment::list(dir.path()).unwrap().len();
        let sealed = Entry::Sealed { sequence: 7, joined: false, own: 0, bytes: Vec::new() };
        open(dir.path()).0.append(&sealed).unwrap();
        for _ in 0..50 {
            drop(open(dir.path()));
        }
        assert_eq!(segments(), 2, "that which says something, and the newest");
        let (_, recovered) = Journal::open(dir.path(), vec![DeviceId([1; 16])], 1_000_000).unwrap();
        assert_eq!(recovered.next_sequence, 8);
        for sequence in 0..200 {
            let trace = hexmile_trace::TraceId([1; 32]);
            open(dir.path()).0.settle(sequence, trace, None).unwrap();
        }
        assert!(segments() < 80, "{} segments", segments());
    }

    fn times(journal: &Journal) -> Vec<u64> {
        let trips = journal.open_trips();
        trips.iter().flat_map(|trip| &trip.fixes).map(|kept| kept.fix.time_ms()).collect()
    }

    /// A journal with open fixes in an older segment, one in the newest, and context where `sealed`.
    fn resumed(dir: &Path, sealed: bool) -> Journal {
        let (mut journal, _) = open(dir);
        journal.append(&Entry::TripStarted(TripId([1; 8]))).unwrap();
        journal.keep(Kept::joined(fix(1)));
        journal.keep(Kept::joined(fix(2)));
        if sealed {
            let (own, bytes) = (1, Vec::new());
            journal.append(&Entry::Sealed { sequence: 0, joined: true, own, bytes }).unwrap();
        }
        drop(journal);
        let (mut journal, _) = open(dir);
        journal.keep(Kept::joined(fix(3)));
        journal.keep(Kept::joined(fix(4)));
        journal.flush().unwrap();
        journal
    }

    #[test]
    fn what_is_written_again_after_a_segment_vanished_is_read_once_and_as_it_was() {
        for (sealed, whole) in [(false, false), (false, true), (true, false), (true, true)] {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = resumed(dir.path(), sealed);
            if whole {
                fs::remove_dir_all(dir.path()).unwrap();
            } else {
                fs::remove_file(segment::path(dir.path(), 2)).unwrap();
            }
            journal.keep(Kept::joined(fix(5)));
            journal.flush().unwrap_err();
            let _ = journal.check();
            journal.check().unwrap();
            journal.hide(&|fix| fix.time_ms() == 3).unwrap();
            let want = if sealed { vec![2, 4, 5] } else { vec![1, 2, 4, 5] };
            assert_eq!(times(&journal), want, "sealed {sealed}, whole {whole}");
            drop(journal);
            assert_eq!(times(&open(dir.path()).0), want, "sealed {sealed}, whole {whole}");
        }
    }

    #[test]
    fn what_is_to_be_hidden_stays_so_until_it_can_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = resumed(dir.path(), true);
        journal.break_writes();
        journal.hide(&|fix| fix.time_ms() == 2).unwrap_err();
        journal.hide(&|fix| fix.time_ms() == 3).unwrap_err();
        journal.keep(Kept::joined(fix(5)));
        journal.hide(&|_| false).unwrap_err();
        journal.mend_writes();
        journal.hide(&|_| false).unwrap();
        journal.hide(&|_| false).unwrap();
        assert_eq!(times(&journal), [1, 4, 5], "and its context, which is a trace already");
        drop(journal);
        assert_eq!(times(&open(dir.path()).0), [1, 4, 5]);
    }
}
