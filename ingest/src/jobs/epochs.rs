//! The job that closes epochs on time.

use std::{sync::Arc, time::Duration};

use super::{Stop, rest};
use crate::epoch::{CloseError, Epochs};

/// How often to look at the clock.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait after closing failed.
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) async fn run(epochs: Arc<Epochs>, period_seconds: u64, mut stop: Stop) {
    let period_ms = period_seconds * 1000;
    // Before the first epoch is closed, the one under way began when this server did.
    let started_ms = epochs.now_ms();
    loop {
        let wait = match epochs.close_due(period_ms, started_ms).await {
            // Where several nodes share a store, one closes and the others find it closed.
            Ok(_) | Err(CloseError::NotNext) => EVERY,
            Err(error) => {
                tracing::error!(%error, "closing an epoch failed; trying again");
                PAUSE
            }
        };
        if !rest(&mut stop, wait, std::future::pending()).await {
            return;
        }
    }
}
