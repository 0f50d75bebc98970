//! What everything public is read from, and the jobs that keep it up to date.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use hexmile_tiles::{Closures, Threshold, Tick, TrafficConfig, TrafficState};
use tokio::sync::{Notify, watch};

use crate::{
    environment::Environment,
    jobs::{
        closures::ClosuresJob,
        follow::{FollowJob, Published},
        typical::TypicalJob,
    },
    keys::ServerKeys,
    metrics::Metrics,
    store::{Result, Store},
    week::InForce,
};

/// Live and typical traffic and closed roads, read up to the end of the log.
pub(crate) struct Public {
    pub(crate) follow: FollowJob,
    pub(crate) typical: TypicalJob,
    pub(crate) closures: ClosuresJob,
    pub(crate) published: watch::Receiver<Published>,
    pub(crate) in_force: watch::Receiver<InForce>,
    pub(crate) closed: watch::Receiver<Closures>,
}

impl Public {
    /// What there is before anything is read.
    pub(crate) fn unread(
        store: &Arc<dyn Store>,
        environment: &Arc<dyn Environment>,
        metrics: &Arc<Metrics>,
        keys: &ServerKeys,
        threshold: Threshold,
    ) -> Self {
        let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let (send_typical, in_force) = watch::channel(InForce::default());
        let (send_closures, closed) = watch::channel(Closures::default());
        let mut state =
            TrafficState::new(TrafficConfig { threshold, threads, ..TrafficConfig::default() });
        let snapshot = state.publish(Tick::default());
        let (publish, published) = watch::channel(Published { snapshot, changed_at_ms: 0 });
        let typical = TypicalJob {
            store: Arc::clone(store),
            metrics: Arc::clone(metrics),
            compacted: Arc::new(Notify::new()),
            in_force: send_typical,
            made_of: Vec::new(),
        };
        let closures = ClosuresJob {
            store: Arc::clone(store),
            environment: Arc::clone(environment),
            closed: Arc::new(Notify::new()),
            closures: send_closures,
            version: None,
        };
        let follow = FollowJob {
            store: Arc::clone(store),
            environment: Arc::clone(environment),
            metrics: Arc::clone(metrics),
            keys: keys.clone(),
            state,
            folded: Arc::new(Notify::new()),
            typical: in_force.clone(),
            closures: closed.clone(),
            published: publish,
        };
        Self { follow, typical, closures, published, in_force, closed }
    }

    /// Reads all that is there, so that the first request sees it.
    pub(crate) async fn read(self) -> Result<Self> {
        let Self { follow, typical, closures, published, in_force, closed } =
            self.read_typical().await?;
        let follow = follow.catch_up().await?;
        Ok(Self { follow, typical, closures, published, in_force, closed })
    }

    /// Reads what is typical and what is closed, and leaves what is live.
    pub(crate) async fn read_typical(mut self) -> Result<Self> {
        self.typical.read().await?;
        self.closures.read().await?;
        Ok(self)
    }
}
