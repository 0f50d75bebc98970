//! The job that lets go of the names that erasures left for nodes to forget.

use std::{sync::Arc, time::Duration};

use super::{Stop, rest};
use crate::{environment::Environment, store::Store};

/// How long the names stay, milliseconds: many times what a node takes to read the log's end. A node
/// that stands still for longer holds them until what waits under them is out of date.
pub(crate) const LIFE_MS: u64 = 10_000;
const EVERY: Duration = Duration::from_secs(2);

pub(crate) async fn run(store: Arc<dyn Store>, environment: Arc<dyn Environment>, mut stop: Stop) {
    while rest(&mut stop, EVERY, std::future::pending()).await {
        if let Err(error) =
            store.forget_erasures(environment.now_ms().saturating_sub(LIFE_MS)).await
        {
            tracing::error!(%error, "letting go of erased names failed; trying again");
        }
    }
}
