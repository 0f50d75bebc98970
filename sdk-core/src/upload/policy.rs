//! When to upload: as soon as there is something, and after a failure with full-jitter backoff.
//!
//! Full jitter (the wait is drawn evenly from zero to the bound) keeps phones that failed together
//! from coming back together.

/// Whether to upload now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Up to so many traces.
    Upload(usize),
    /// Not before this time, Unix milliseconds.
    Wait(u64),
    /// There is nothing to upload.
    Idle,
}

/// Decides when to upload.
#[derive(Clone, Debug)]
pub struct UploadPolicy {
    max_batch: usize,
    /// Uploads that hold one trace each, because a batch was refused whole.
    alone: usize,
    failures: u32,
    not_before_ms: u64,
}

const FIRST_BOUND_MS: u64 = 2_000;
const LAST_BOUND_MS: u64 = 15 * 60 * 1000;

impl UploadPolicy {
    /// No failure yet; at most `max_batch` traces an upload.
    pub const fn new(max_batch: usize) -> Self {
        Self { max_batch, alone: 0, failures: 0, not_before_ms: 0 }
    }

    /// What to do with `waiting` traces.
    pub fn decide(&self, waiting: usize, now_ms: u64) -> Decision {
        if waiting == 0 {
            Decision::Idle
        } else if now_ms < self.not_before_ms {
            Decision::Wait(self.not_before_ms)
        } else {
            Decision::Upload(if self.alone > 0 { 1 } else { waiting.min(self.max_batch) })
        }
    }

    /// A batch of `traces` was refused whole: the next uploads ask about each alone.
    pub fn refused_whole(&mut self, traces: usize) {
        self.alone = traces;
    }

    /// An upload was answered.
    pub fn succeeded(&mut self) {
        self.alone = self.alone.saturating_sub(1);
        self.failures = 0;
        self.not_before_ms = 0;
    }

    /// An upload failed for now. `retry_after_s` is the server's own wish; `random` draws the wait.
    pub fn failed(&mut self, now_ms: u64, retry_after_s: Option<u32>, random: u64) {
        let bound = FIRST_BOUND_MS.saturating_mul(1 << self.failures.min(16)).min(LAST_BOUND_MS);
        self.failures = self.failures.saturating_add(1);
        let asked_ms = u64::from(retry_after_s.unwrap_or(0)) * 1000;
        self.not_before_ms = now_ms + asked_ms + random % (bound + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_is_bounded_and_ends_with_success() {
        let mut policy = UploadPolicy::new(8);
        assert_eq!(policy.decide(0, 0), Decision::Idle);
        assert_eq!(policy.decide(20, 0), Decision::Upload(8));
        let mut longest = 0;
        for failure in 0..40 {
            policy.failed(1000, None, u64::MAX - failure);
            let Decision::Wait(until) = policy.decide(1, 1000) else { panic!("no wait") };
            assert!(until - 1000 <= LAST_BOUND_MS);
            longest = longest.max(until - 1000);
        }
        assert!(longest > LAST_BOUND_MS / 4);
        policy.failed(1000, Some(3600), 0);
        assert_eq!(policy.decide(1, 1000), Decision::Wait(1000 + 3_600_000));
        policy.succeeded();
        assert_eq!(policy.decide(1, 1000), Decision::Upload(1));
    }
}
