//! The job that follows the log into traffic state, and publishes snapshots.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hexmile_tiles::{Closures, Row, Snapshot, Tick, TrafficState, unpack};
use tokio::sync::{Notify, watch};

use super::{Stop, rest};
use crate::{
    environment::Environment,
    keys::ServerKeys,
    metrics::Metrics,
    store::{LogRow, Logged, Result, Store},
    week::InForce,
};

/// Rows read at once.
const BATCH: usize = 1024;
/// How often to look for what other nodes folded.
const POLL: Duration = Duration::from_millis(500);
/// Shortest time from one publication to the next: where traces come all the time, the same shards
/// would be built again and again for nobody. After a rest, what is folded shows at once.
const PUBLISH: Duration = Duration::from_millis(500);

pub(crate) struct FollowJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) keys: ServerKeys,
    pub(crate) state: TrafficState,
    pub(crate) folded: Arc<Notify>,
    pub(crate) typical: watch::Receiver<InForce>,
    pub(crate) closures: watch::Receiver<Closures>,
    pub(crate) published: watch::Sender<Published>,
}

/// What everything public is read from.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) snapshot: Arc<Snapshot>,
    /// When this node first published this content, Unix milliseconds.
    pub(crate) changed_at_ms: u64,
}

impl FollowJob {
    /// Reads the log up to its end, so that the first request sees what was there.
    pub(crate) async fn catch_up(mut self) -> Result<Self> {
        while self.read().await? == BATCH {}
        self.publish();
        Ok(self)
    }

    pub(crate) async fn run(mut self, mut stop: Stop) {
        let folded = Arc::clone(&self.folded);
        // Where the last rows were published, and when: looking in vain is no publication.
        let (mut position, mut published) = (self.state.position(), None::<Instant>);
        loop {
            match self.read().await {
                Ok(BATCH) => {}
                Ok(_) => {
                    self.publish();
                    if self.state.position() != position {
                        (position, published) = (self.state.position(), Some(Instant::now()));
                    }
                    if !rest(&mut stop, POLL, folded.notified()).await {
                        return;
                    }
                    let early = published.map(|at| PUBLISH.saturating_sub(at.elapsed()));
                    if let Some(early) = early.filter(|early| !early.is_zero())
                        && !rest(&mut stop, early, std::future::pending()).await
                    {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "following the log failed; trying again");
                    if !rest(&mut stop, POLL * 4, std::future::pending()).await {
                        return;
                    }
                }
            }
        }
    }

    /// Applies one read; returns how many rows it had.
    async fn read(&mut self) -> Result<usize> {
        let rows = self.store.read_log(self.state.position(), BATCH).await?;
        let n = rows.len();
        for row in rows {
            let row = self.row(row);
            if let Err(error) = self.state.apply(row) {
                // Rows come in order, so none waits; were one missing, the next read brings it.
                tracing::warn!(%error, "a row of the log is missing");
                break;
            }
        }
        self.metrics.position.set(self.state.position().cast_signed());
        self.metrics.crowded_out.set(self.state.crowded_out().cast_signed());
        Ok(n)
    }

    fn row(&self, row: LogRow) -> Row {
        let LogRow { position, folded_at_ms, what } = row;
        let rotation = ServerKeys::rotation(folded_at_ms);
        let trace = match what {
            Logged::Erased { forget } => {
                return Row { position, rotation, folded_at_ms, forget, ..Row::default() };
            }
            Logged::Trace(trace) => trace,
        };
        let observations =
            if trace.accepted { unpack(&trace.observations) } else { Ok(Vec::new()) };
        let observations = observations.unwrap_or_else(|error| {
            tracing::error!(%error, position, "observations cannot be read");
            Vec::new()
        });
        let driver = self.keys.pseudonym(trace.account, folded_at_ms);
        Row { position, driver, rotation, folded_at_ms, observations, forget: Vec::new() }
    }

    fn publish(&mut self) {
        if self.typical.has_changed().unwrap_or(false) {
            let typical = Arc::clone(&self.typical.borrow_and_update().typical);
            self.state.set_typical(typical);
        }
        if self.closures.has_changed().unwrap_or(false) {
            self.state.set_closures(self.closures.borrow_and_update().clone());
        }
        let now_ms = self.environment.now_ms();
        let snapshot = self.state.publish(Tick::of_unix_ms(now_ms));
        self.metrics.lines.set(i64::try_from(snapshot.line_count()).unwrap_or(i64::MAX));
        self.published.send_modify(|published| {
            if published.snapshot.version() != snapshot.version() || published.changed_at_ms == 0 {
                published.changed_at_ms = now_ms;
            }
            published.snapshot = snapshot;
        });
    }
}
