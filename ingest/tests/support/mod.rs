//! What journeys through the server need: the binary on a store of its own, HTTP, and drivers.

pub(crate) mod driver;
pub(crate) mod http;
pub(crate) mod in_process;
pub(crate) mod postgres;
pub(crate) mod process;

use std::time::{Duration, Instant};

use hexmile_ingest::environment::{Environment, System};

/// Unix milliseconds.
pub(crate) fn now_ms() -> u64 {
    System.now_ms()
}

/// Asks until there is an answer: what is waited for has no bound but patience.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < patience, "still waiting: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
