//! The job that reads what operators declared closed, here or at another node.

use std::{sync::Arc, time::Duration};

use hexmile_tiles::Closures;
use tokio::sync::{Notify, watch};

use super::{Stop, rest};
use crate::{
    environment::Environment,
    http::drawn,
    store::{Result, Store},
};

/// How often to look for what other nodes were told.
const POLL: Duration = Duration::from_secs(1);
/// How long a closure is kept after it ended, milliseconds.
const LIFE_MS: u64 = 7 * 24 * 3_600_000;

pub(crate) struct ClosuresJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Arc<dyn Environment>,
    /// Told of every change that came by this node.
    pub(crate) closed: Arc<Notify>,
    pub(crate) closures: watch::Sender<Closures>,
    /// What `closures` were read from.
    pub(crate) version: Option<u64>,
}

impl ClosuresJob {
    pub(crate) async fn run(mut self, mut stop: Stop) {
        let closed = Arc::clone(&self.closed);
        while rest(&mut stop, POLL, closed.notified()).await {
            if let Err(error) = self.read().await {
                tracing::error!(%error, "reading closures failed; trying again");
            }
        }
    }

    /// Reads them, if they changed.
    pub(crate) async fn read(&mut self) -> Result<()> {
        let version = self.store.closures_version().await?;
        if self.version == Some(version) {
            return Ok(());
        }
        let rows = self.store.closures().await?;
        self.closures
            .send_replace(Closures::new(rows.iter().filter_map(drawn).map(Arc::new).collect()));
        self.version = Some(version);
        // Once a change is enough: they are few.
        self.store.forget_closures(self.environment.now_ms().saturating_sub(LIFE_MS)).await?;
        Ok(())
    }
}
