//! The job that forgets what is no longer needed.

use std::{sync::Arc, time::Duration};

use super::{Stop, rest};
use crate::{environment::Environment, store::Store};

/// Payloads live at least so long, and until their epoch is closed, milliseconds.
pub(crate) const PAYLOAD_LIFE_MS: u64 = 24 * 3600 * 1000;
/// Ids live so long, milliseconds: twice the capture window.
pub(crate) const ID_LIFE_MS: u64 = 14 * 24 * 3600 * 1000;
const EVERY: Duration = Duration::from_mins(10);

pub(crate) async fn run(store: Arc<dyn Store>, environment: Arc<dyn Environment>, mut stop: Stop) {
    while rest(&mut stop, EVERY, std::future::pending()).await {
        let now_ms = environment.now_ms();
        let payloads_before = now_ms.saturating_sub(PAYLOAD_LIFE_MS);
        match store.expire(payloads_before, now_ms.saturating_sub(ID_LIFE_MS)).await {
            Ok(expired) => tracing::info!(?expired, "forgot what is no longer needed"),
            Err(error) => tracing::error!(%error, "forgetting failed; trying again"),
        }
    }
}
