//! When to upload, and what: as soon as there is something, and after a failure with full-jitter
//! backoff.
//!
//! Full jitter (the wait is drawn evenly from zero to the bound) keeps phones that failed together
//! from coming back together. What fails as a whole waits as a whole; a trace that the server wants
//! later waits alone, and those behind it go first.

use litemap::LiteMap;

use super::backoff::{Backoff, LAST_BOUND_MS};

/// Whether to upload now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// These traces, by sequence number.
    Upload(Vec<u64>),
    /// Not before this time, Unix milliseconds.
    Wait(u64),
    /// There is nothing to upload.
    Idle,
}

/// How long uploads pause when the server does not take what this app sends at all.
const PAUSE_MS: u64 = 6 * 3600 * 1000;

#[derive(Clone, Copy, Debug, Default)]
struct TraceState {
    backoff: Backoff,
    /// Asked about alone, because a batch with it was refused whole.
    alone: bool,
}

/// Decides when to upload what.
#[derive(Clone, Debug)]
pub(crate) struct UploadPolicy {
    max_batch: usize,
    all: Backoff,
    paused: Option<String>,
    /// Traces that are not like the others, by sequence number.
    traces: LiteMap<u64, TraceState>,
}

impl UploadPolicy {
    /// No failure yet; at most `max_batch` traces an upload, and at least one.
    pub(crate) fn new(max_batch: usize) -> Self {
        let max_batch = max_batch.max(1);
        Self { max_batch, all: Backoff::default(), paused: None, traces: LiteMap::new() }
    }

    /// Sets how many traces an upload has at most; at least one.
    pub(crate) fn set_max_batch(&mut self, max_batch: usize) {
        self.max_batch = max_batch.max(1);
    }

    /// What to do with the traces that wait, by sequence number: those that failed least first, and
    /// of these the oldest.
    pub(crate) fn decide(&self, waiting: impl Iterator<Item = u64>, now_ms: u64) -> Decision {
        let mut waiting = waiting.peekable();
        if waiting.peek().is_none() {
            return Decision::Idle;
        }
        if let Some(until_ms) = self.all.until_ms(now_ms) {
            return Decision::Wait(until_ms);
        }
        let mut ready = Vec::new();
        let mut earliest_ms = u64::MAX;
        for sequence in waiting {
            let TraceState { backoff, alone } = self.state(sequence);
            match backoff.until_ms(now_ms) {
                None => ready.push((backoff.failures(), sequence, alone)),
                Some(until_ms) => earliest_ms = earliest_ms.min(until_ms),
            }
        }
        ready.sort_unstable();
        match ready.first() {
            None => Decision::Wait(earliest_ms),
            Some(&(_, sequence, true)) => Decision::Upload(vec![sequence]),
            Some(_) => {
                let together = ready.iter().filter(|(_, _, alone)| !alone);
                Decision::Upload(together.take(self.max_batch).map(|(_, s, _)| *s).collect())
            }
        }
    }

    fn state(&self, sequence: u64) -> TraceState {
        self.traces.get(&sequence).copied().unwrap_or_default()
    }

    /// How often a trace failed by itself.
    pub(crate) fn failures(&self, sequence: u64) -> u32 {
        self.state(sequence).backoff.failures()
    }

    /// Why uploads pause, if they do.
    pub(crate) fn paused(&self) -> Option<&str> {
        self.paused.as_deref()
    }

    /// A batch was refused whole: the next uploads ask about each of its traces alone.
    pub(crate) fn refused_whole(&mut self, traces: impl Iterator<Item = u64>) {
        for sequence in traces {
            self.traces.entry(sequence).or_default().alone = true;
        }
    }

    /// A trace is settled, and asked about no more.
    pub(crate) fn settled(&mut self, sequence: u64) {
        self.traces.remove(&sequence);
    }

    /// A trace was sealed anew under another number, and keeps its past.
    pub(crate) fn renumbered(&mut self, from: u64, to: u64) {
        if let Some(state) = self.traces.remove(&from) {
            self.traces.insert(to, state);
        }
    }

    /// The server wants a trace later. `random` draws its wait.
    pub(crate) fn trace_failed(
        &mut self,
        sequence: u64,
        now_ms: u64,
        retry_after_s: Option<u32>,
        random: u64,
    ) {
        // One draw serves a whole batch: an odd multiplier spreads it over the traces.
        let random = (random ^ sequence).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let state = self.traces.entry(sequence).or_default();
        state.backoff.fail(now_ms, retry_after_s, random);
    }

    /// An upload was answered, and something of it is settled.
    pub(crate) fn succeeded(&mut self) {
        self.all = Backoff::default();
        self.paused = None;
    }

    /// An upload failed whole for now. `retry_after_s` is the server's own wish; `random` draws the
    /// wait.
    pub(crate) fn failed(&mut self, now_ms: u64, retry_after_s: Option<u32>, random: u64) {
        self.paused = None;
        self.all.fail(now_ms, retry_after_s, random);
    }

    /// The server takes nothing of what this app sends, until one of the two changes. Returns until
    /// when, Unix milliseconds.
    pub(crate) fn pause(&mut self, why: String, now_ms: u64, random: u64) -> u64 {
        self.paused = Some(why);
        let wait_ms = PAUSE_MS + random % LAST_BOUND_MS;
        self.all = Backoff::of(now_ms, wait_ms);
        now_ms.saturating_add(wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_is_bounded_and_ends_with_success() {
        let mut policy = UploadPolicy::new(8);
        assert_eq!(policy.decide(0..0, 0), Decision::Idle);
        assert_eq!(policy.decide(0..20, 0), Decision::Upload((0..8).collect()));
        let mut longest = 0;
        for failure in 0..40 {
            policy.failed(1000, None, u64::MAX - failure);
            let Decision::Wait(until) = policy.decide(0..1, 1000) else { panic!("no wait") };
            assert!(until - 1000 <= LAST_BOUND_MS);
            longest = longest.max(until - 1000);
        }
        assert!(longest > LAST_BOUND_MS / 4);
        policy.failed(1000, Some(3600), 0);
        assert_eq!(policy.decide(0..1, 1000), Decision::Wait(1000 + 3_600_000));
        policy.succeeded();
        assert_eq!(policy.decide(0..1, 1000), Decision::Upload(vec![0]));
    }

    #[test]
    fn no_server_and_no_clock_makes_a_wait_longer_than_an_hour_and_a_bound() {
        let mut policy = UploadPolicy::new(8);
        policy.failed(1_000_000, Some(u32::MAX), 0);
        assert_eq!(policy.decide(0..1, 1_000_000), Decision::Wait(1_000_000 + 3_600_000));
        assert_eq!(
            policy.decide(0..1, 999_999),
            Decision::Upload(vec![0]),
            "the clock was set back"
        );
        policy.failed(u64::MAX, Some(1), 5);
        assert_eq!(policy.decide(0..1, u64::MAX), Decision::Upload(vec![0]), "and never overflows");
    }

    #[test]
    fn a_trace_that_waits_lets_the_others_pass() {
        let mut policy = UploadPolicy::new(2);
        for sequence in [0, 1] {
            policy.trace_failed(sequence, 1000, Some(10), 1);
        }
        assert_eq!(policy.decide(0..5, 1000), Decision::Upload(vec![2, 3]));
        assert!(matches!(policy.decide(0..2, 1000), Decision::Wait(ms) if ms >= 11_000));
        assert_eq!(policy.decide(0..5, 100_000), Decision::Upload(vec![2, 3]), "the fresh first");
        policy.settled(0);
        assert_eq!(policy.decide(0..2, 100_000), Decision::Upload(vec![0, 1]));
    }

    #[test]
    fn a_batch_refused_whole_is_asked_about_one_by_one() {
        let mut policy = UploadPolicy::new(4);
        policy.refused_whole([1, 2].into_iter());
        assert_eq!(policy.decide(0..4, 0), Decision::Upload(vec![0, 3]));
        assert_eq!(policy.decide(1..4, 0), Decision::Upload(vec![1]));
        policy.settled(1);
        assert_eq!(policy.decide(2..4, 0), Decision::Upload(vec![2]));
    }

    #[test]
    fn a_pause_is_long_and_shown() {
        let mut policy = UploadPolicy::new(4);
        let until_ms = policy.pause("sdk_too_old".to_owned(), 0, 9);
        assert_eq!(policy.decide(0..4, PAUSE_MS - 1), Decision::Wait(until_ms));
        assert_eq!(policy.paused(), Some("sdk_too_old"));
        assert_eq!(policy.decide(0..1, until_ms), Decision::Upload(vec![0]));
        policy.succeeded();
        assert_eq!(policy.paused(), None);
    }
}
