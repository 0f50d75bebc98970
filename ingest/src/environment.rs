//! What the server takes from outside: the time and randomness. Tests pass in their own.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// A wall clock and a random source.
pub trait Environment: Send + Sync {
    /// Unix milliseconds.
    fn now_ms(&self) -> u64;

    /// Fills `out` with bytes that nobody can guess.
    fn fill_random(&self, out: &mut [u8]);
}

/// The machine's clock and the operating system's random source.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl System {
    /// Ready to share.
    pub fn shared() -> Arc<dyn Environment> {
        Arc::new(Self)
    }
}

impl Environment for System {
    fn now_ms(&self) -> u64 {
        // A clock before 1970 is no clock; every trace is then refused as being in the future.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
    }

    fn fill_random(&self, out: &mut [u8]) {
        // Without randomness no receipt may be signed.
        getrandom::fill(out).expect("the operating system gives random bytes");
    }
}
