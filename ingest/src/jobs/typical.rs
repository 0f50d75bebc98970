//! The job that reads compactions into typical traffic.

use std::{sync::Arc, time::Duration};

use hexmile_tiles::TypicalBuilder;
use tokio::sync::{Notify, watch};

use super::{Stop, rest};
use crate::{
    metrics::Metrics,
    store::{CompactionRecord, Result, Store},
    week::InForce,
};

/// How often to look for what other nodes compacted.
const POLL: Duration = Duration::from_secs(10);

pub(crate) struct TypicalJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    /// Told of every compaction of this node.
    pub(crate) compacted: Arc<Notify>,
    pub(crate) in_force: watch::Sender<InForce>,
    /// What `in_force` is made of.
    pub(crate) made_of: Vec<CompactionRecord>,
}

impl TypicalJob {
    pub(crate) async fn run(mut self, mut stop: Stop) {
        let compacted = Arc::clone(&self.compacted);
        while rest(&mut stop, POLL, compacted.notified()).await {
            if let Err(error) = self.read().await {
                tracing::error!(%error, "reading typical traffic failed; trying again");
            }
        }
    }

    /// Reads what is kept, if that changed.
    pub(crate) async fn read(&mut self) -> Result<()> {
        let kept = self.store.compactions().await?;
        if kept == self.made_of {
            return Ok(());
        }
        let mut builder = TypicalBuilder::default();
        for record in &kept {
            for part in 0..record.parts {
                // Another node may just have let it go: then the list changes, too.
                let Some(bytes) = self.store.compaction_part(record.number, part).await? else {
                    continue;
                };
                let added = tokio::task::spawn_blocking(move || {
                    let added = builder.add(&bytes);
                    (builder, added)
                });
                let Ok((with_it, added)) = added.await else { return Ok(()) };
                builder = with_it;
                if let Err(error) = added {
                    tracing::error!(%error, number = record.number, part, "a compaction cannot be read");
                }
            }
        }
        let Ok(typical) = tokio::task::spawn_blocking(move || builder.build()).await else {
            return Ok(());
        };
        self.metrics.typical_lines.set(i64::try_from(typical.key_count()).unwrap_or(i64::MAX));
        self.metrics.typical_crowded_out.set(typical.crowded_out().cast_signed());
        let compacted_at_ms = kept.last().map(|record| record.at_ms);
        self.in_force.send_replace(InForce { typical: Arc::new(typical), compacted_at_ms });
        self.made_of = kept;
        Ok(())
    }
}
