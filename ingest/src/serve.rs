//! Putting a server together, and taking it down in the right order.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use hexmile_tiles::Snapshot;
use hexmile_validation::Rules;
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};

use crate::{
    admission::Admission,
    commit::Committer,
    config::{Config, StoreAddress},
    decoded::Decoded,
    environment::Environment,
    epoch::Epochs,
    http,
    jobs::{compact::CompactJob, epochs, erasures, expire, fold::FoldJob},
    keys::{KeyFileError, ServerKeys},
    local_time::LocalTime,
    metrics::Metrics,
    public::Public,
    store::{Store, StoreError, postgres::PostgresStore, sqlite::SqliteStore},
    week::Week,
    when::When,
};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error("listen: cannot listen on {address}: {cause}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// HTTP itself.
    #[error("http: {0}")]
    Http(#[from] std::io::Error),
}

/// A server that listens.
pub struct Running {
    address: SocketAddr,
    serving: actix_web::dev::Server,
    stop: watch::Sender<bool>,
    jobs: JoinSet<()>,
    committing: tokio::task::JoinHandle<()>,
    store: Arc<dyn Store>,
}

async fn open_store(config: &Config, metrics: &Metrics) -> Result<Arc<dyn Store>, StoreError> {
    let (network, transactions) = (config.network, metrics.transactions.clone());
    Ok(match &config.store {
        StoreAddress::Sqlite(path) => Arc::new(SqliteStore::open(path, network, transactions)?),
        StoreAddress::Postgres(url) => {
            Arc::new(PostgresStore::open(url, network, transactions).await?)
        }
    })
}

/// Opens the store, catches up with the log and listens. The address is taken first, so that a
/// second server on it fails before it touches the store.
///
/// # Errors
/// [`ServeError`], which says what to change.
pub async fn start(
    config: Config,
    environment: Arc<dyn Environment>,
) -> Result<Running, ServeError> {
    let listen = |cause| ServeError::Listen { address: config.listen, cause };
    let listener = TcpListener::bind(config.listen).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let metrics = Metrics::new();
    let store = open_store(&config, &metrics).await?;
    let known = store.server_key().await?;
    let keys = ServerKeys::open(&config.key_file, known, &*environment)?;
    // Of nodes that start at once with keys of their own, one says which it is.
    keys.check(&config.key_file, store.claim_server_key(keys.id()).await?)?;
    let (stop, stopping) = watch::channel(false);
    let admitted = Arc::new(Notify::new());
    let Public { follow, typical, closures, published, in_force, closed } =
        Public::unread(&store, &environment, &metrics, &keys, config.threshold).read().await?;
    let folded = Arc::clone(&follow.folded);
    let local = Arc::new(LocalTime::new());
    let (committer, committing) =
        Committer::start(Arc::clone(&store), Arc::clone(&metrics), Arc::clone(&admitted));
    let written = Arc::clone(&folded);
    let decoded = Arc::new(Decoded::default());
    let fold = FoldJob {
        store: Arc::clone(&store),
        environment: Arc::clone(&environment),
        metrics: Arc::clone(&metrics),
        rules: Rules::default(),
        decoded: Arc::clone(&decoded),
        admitted,
        folded,
    };
    let closing = Arc::new(Epochs::new(
        Arc::clone(&store),
        Arc::clone(&environment),
        Arc::clone(&metrics),
        config.reward_rules,
        config.epoch_pool,
        config.epoch_target_score,
    ));
    let told_of_closures = Arc::clone(&closures.closed);
    let mut jobs = JoinSet::new();
    if let Some(seconds) = config.typical_seconds {
        let compact = CompactJob {
            store: Arc::clone(&store),
            environment: Arc::clone(&environment),
            metrics: Arc::clone(&metrics),
            keys: keys.clone(),
            local: Arc::clone(&local),
            threshold: config.threshold,
            period_ms: seconds * 1000,
            most_observations: config.compaction_observations,
            compacted: Arc::clone(&typical.compacted),
        };
        jobs.spawn(compact.run(stopping.clone()));
    }
    jobs.spawn(typical.run(stopping.clone()));
    jobs.spawn(closures.run(stopping.clone()));
    jobs.spawn(follow.run(stopping.clone()));
    jobs.spawn(fold.run(stopping.clone()));
    jobs.spawn(expire::run(Arc::clone(&store), Arc::clone(&environment), stopping.clone()));
    jobs.spawn(erasures::run(Arc::clone(&store), Arc::clone(&environment), stopping.clone()));
    if let Some(seconds) = config.epoch_seconds {
        jobs.spawn(epochs::run(Arc::clone(&closing), seconds, stopping));
    }
    let server = http::Server {
        public_url: config.public_url.clone().unwrap_or_else(|| format!("http://{address}")),
        admission: Admission::new(
            &config,
            Arc::clone(&store),
            committer,
            decoded,
            keys.clone(),
            Arc::clone(&environment),
            Arc::clone(&metrics),
        ),
        week: Arc::new(Week::new(in_force, closed, local, config.tile_cache_bytes)),
        closed: told_of_closures,
        tile_cache: http::TileCache::new(config.tile_cache_bytes),
        clients: config
            .client_rate
            .map(|rate| http::Clients::new(rate, config.client_header.clone())),
        config,
        store: Arc::clone(&store),
        environment,
        keys,
        epochs: closing,
        published,
        metrics,
        folded: written,
        exports: Arc::new(Semaphore::new(http::MAX_EXPORTS)),
    };
    let serving = http::serve(listener, server)?;
    Ok(Running { address, serving, stop, jobs, committing, store })
}

/// What is public, read from a store without serving: what is live now, or typical at a time.
///
/// # Errors
/// [`ServeError`], which says what to change.
pub async fn published(
    config: &Config,
    environment: Arc<dyn Environment>,
    at: Option<When>,
) -> Result<Arc<Snapshot>, ServeError> {
    let metrics = Metrics::new();
    let store = open_store(config, &metrics).await?;
    let keys = ServerKeys::open(&config.key_file, store.server_key().await?, &*environment)?;
    let public = Public::unread(&store, &environment, &metrics, &keys, config.threshold);
    let Some(at) = at else {
        let public = public.read().await?;
        return Ok(Arc::clone(&public.published.borrow().snapshot));
    };
    let Public { in_force, closed, .. } = public.read_typical().await?;
    // Nothing is read twice, so that nothing need be kept.
    Ok(Arc::new(Week::new(in_force, closed, Arc::new(LocalTime::new()), 0).of_all(at)))
}

impl Running {
    /// Where it listens; the port that the system chose, where port 0 was configured.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves, then stops in the order that loses nothing: requests under
    /// way are answered, what they submitted is committed, jobs end their round, the store closes.
    ///
    /// # Errors
    /// HTTP itself failed.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        let Self { serving, stop, mut jobs, committing, store, .. } = self;
        let handle = serving.handle();
        let mut serving = tokio::spawn(serving);
        let served = tokio::select! {
            served = &mut serving => served,
            () = shutdown => {
                tracing::info!("stopping");
                handle.stop(true).await;
                serving.await
            }
        };
        // The last committer went with the workers; its task ends when its queue is empty.
        let _ = tokio::time::timeout(Duration::from_secs(30), committing).await;
        stop.send_replace(true);
        while jobs.join_next().await.is_some() {}
        // Nobody else holds it any more, so that it is closed before the process ends.
        drop(store);
        tracing::info!("stopped");
        served.unwrap_or_else(|e| Err(std::io::Error::other(e)))
    }
}
