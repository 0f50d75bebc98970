//! The job that folds what was admitted.

use std::{sync::Arc, time::Duration};

use hexmile_validation::Rules;
use tokio::sync::Notify;

use super::{Stop, rest};
use crate::{
    decoded::Decoded,
    environment::Environment,
    fold::fold,
    metrics::Metrics,
    store::{PendingTrace, Result, Store},
};

/// Traces in one lease.
const BATCH: usize = 256;
/// How long a lease holds, milliseconds; a node that dies gives its traces back after it.
const LEASE_MS: u64 = 10_000;
/// How often to look for what other nodes admitted.
const POLL: Duration = Duration::from_millis(500);
/// How long to wait for company after a commit: what arrives meanwhile is folded in one transaction.
const GATHER: Duration = Duration::from_millis(50);
/// How long to wait after the store failed.
const PAUSE: Duration = Duration::from_secs(2);

pub(crate) struct FoldJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) rules: Rules,
    pub(crate) decoded: Arc<Decoded>,
    /// Told of every commit of traces.
    pub(crate) admitted: Arc<Notify>,
    /// Told of every commit of folds.
    pub(crate) folded: Arc<Notify>,
}

impl FoldJob {
    pub(crate) async fn run(self, mut stop: Stop) {
        let job = Arc::new(self);
        loop {
            let wait = match job.clone().round().await {
                Ok(BATCH) => continue,
                Ok(_) => POLL,
                Err(error) => {
                    tracing::error!(%error, "folding failed; trying again");
                    PAUSE
                }
            };
            let admitted = async {
                job.admitted.notified().await;
                tokio::time::sleep(GATHER).await;
            };
            if !rest(&mut stop, wait, admitted).await {
                return;
            }
        }
    }

    /// Folds one lease; returns how many traces it had.
    async fn round(self: Arc<Self>) -> Result<usize> {
        let now_ms = self.environment.now_ms();
        self.decoded.expire(now_ms);
        let leased = self.store.lease(BATCH, now_ms, now_ms + LEASE_MS).await?;
        let n = leased.len();
        if n == 0 {
            // Others may hold leases.
            self.metrics.pending.set(self.store.pending().await?.cast_signed());
            return Ok(0);
        }
        let this = Arc::clone(&self);
        let folding = tokio::task::spawn_blocking(move || this.fold_all(&leased));
        let Ok(folds) = folding.await else {
            // The lease runs out, and the traces come again; the panic is in the log.
            return Ok(0);
        };
        self.store.commit_folds(&folds).await?;
        self.folded.notify_one();
        self.metrics.pending.set(self.store.pending().await?.cast_signed());
        Ok(n)
    }

    fn fold_all(&self, leased: &[PendingTrace]) -> Vec<crate::store::FoldedTrace> {
        let fold_one = |pending: &PendingTrace| {
            let now_ms = self.environment.now_ms();
            let decoded = self.decoded.take(pending.receipt.body.trace);
            let (folded, counts) = fold(pending, decoded, &self.rules, now_ms);
            let code = folded.verdict.rejected.as_deref().unwrap_or("accepted");
            Metrics::count(&self.metrics.folds, code);
            self.metrics.fixes.inc_by(counts.fixes);
            for (reason, n) in counts.dropped {
                Metrics::count_by(&self.metrics.fixes_dropped, reason.code(), u64::from(n));
            }
            let lag_ms = now_ms.saturating_sub(pending.receipt.body.received_at_ms);
            self.metrics.fold_lag.observe(lag_ms as f64 / 1000.0);
            folded
        };
        leased.iter().map(fold_one).collect()
    }
}
