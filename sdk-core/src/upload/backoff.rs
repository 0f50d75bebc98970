//! A wait that grows: full jitter, so that phones that failed together do not come back together.

/// Bound of the wait after the first failure, milliseconds.
const FIRST_BOUND_MS: u64 = 2_000;
/// Largest bound, milliseconds.
pub(super) const LAST_BOUND_MS: u64 = 15 * 60 * 1000;
/// Longest wait that a server may ask for, seconds.
const MAX_RETRY_AFTER_S: u32 = 3600;

/// A wait that grows with every failure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    since_ms: u64,
    wait_ms: u64,
}

impl Backoff {
    /// No failure yet, and no wait.
    pub(crate) const NONE: Self = Self::of(0, 0);

    /// A wait that no failure caused.
    pub(super) const fn of(since_ms: u64, wait_ms: u64) -> Self {
        Self { failures: 0, since_ms, wait_ms }
    }

    /// Failures so far.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Fails for now; the wait is drawn by `random`, and is not shorter than the server's own wish.
    pub(crate) fn fail(&mut self, now_ms: u64, retry_after_s: Option<u32>, random: u64) {
        let bound = FIRST_BOUND_MS.saturating_mul(1 << self.failures.min(16)).min(LAST_BOUND_MS);
        self.failures = self.failures.saturating_add(1);
        let asked_s = retry_after_s.unwrap_or(0).min(MAX_RETRY_AFTER_S);
        self.since_ms = now_ms;
        self.wait_ms = u64::from(asked_s) * 1000 + random % (bound + 1);
    }

    /// When the wait is over. A clock that was set back ends it too: nobody knows how long it took.
    pub(crate) fn until_ms(&self, now_ms: u64) -> Option<u64> {
        let until_ms = self.since_ms.saturating_add(self.wait_ms);
        (self.since_ms <= now_ms && now_ms < until_ms).then_some(until_ms)
    }
}
