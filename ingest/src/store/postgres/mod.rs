//! The store for production and several nodes: one Postgres database.
//!
//! Nodes share it as equals. What must happen once is decided by rows that are locked: a device's
//! for its sequence numbers, a trace's for its lease and its fold, the log's head for positions and
//! epochs. Locks are taken in that order, rows of one kind in order of id. The first commit that
//! holds them wins; the next one sees what it left. Compactions take
//! turns by their table's lock before the head's; closures, apart from all that, by their version's
//! row. SQL stands in one file a subject: `enrol`, `traces`, `log`, `epochs`, `own`, `compactions`,
//! `closures`.
//!
//! Connections are not encrypted: the database is on this machine, or on a network that is trusted
//! or encrypted by itself.

mod closures;
mod columns;
mod compactions;
mod connection;
mod enrol;
mod epochs;
mod log;
mod migrations;
mod own;
mod traces;

use async_trait::async_trait;
use hexmile_trace::{AccountId, DeviceId, KeyId, NetworkId, Receipt, TraceId};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::{
    Account, Attestation, Bucket, ClosureRow, Commit, Compaction, CompactionCommit,
    CompactionRecord, Device, DeviceAdded, Epoch, EpochCommit, EpochRecord, Erased, Erasure,
    Expired, FoldCommit, FoldedTrace, Joining, LedgerRow, LogHead, LogRow, NewTrace, OwnFold,
    OwnTrace, PendingTrace, Result, Score, Store, StoreError, TraceState,
};
use crate::metrics::Transactions;
use connection::Connections;

pub use migrations::MIGRATIONS;

/// Reads an address like `postgres://user:password@host:port/database`.
///
/// # Errors
/// What is wrong with it, without quoting it: it may hold a password.
pub fn parse(url: &str) -> std::result::Result<Config, &'static str> {
    const TLS: &str = "connections to Postgres are not encrypted by this release; \
                       expected sslmode=disable or none, and a network that is trusted";
    if ["require", "verify-ca", "verify-full"].iter().any(|m| url.contains(&format!("sslmode={m}")))
    {
        return Err(TLS);
    }
    let config: Config = url.parse().map_err(|_| {
        "expected an address like postgres://USER:PASSWORD@HOST:PORT/DATABASE, with / : @ ? in a \
         name or password percent-encoded"
    })?;
    match (config.get_ssl_mode(), config.get_hosts()) {
        (SslMode::Disable | SslMode::Prefer, [_, ..]) => Ok(config),
        (_, []) => Err("expected a host, as in postgres://HOST/DATABASE"),
        _ => Err(TLS),
    }
}

/// The address as messages may show it: hosts and database, no user, no password.
fn shown(config: &Config) -> String {
    let host = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    let ports = config.get_ports();
    let port = |n: usize| ports.get(n).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(n, h)| format!("{}:{}", host(h), port(n)))
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

/// A store in one Postgres database.
pub struct PostgresStore {
    db: Connections,
}

impl PostgresStore {
    /// Opens the database and brings its schema up to date; nodes that start at once take turns.
    /// Connections live on the runtime that this is called on.
    ///
    /// # Errors
    /// [`StoreError`]: the address cannot be used, the server cannot be reached within seconds or
    /// does not let us in, or the database is a newer release's, another network's, or some other
    /// program's.
    pub async fn open(url: &str, network: NetworkId, transactions: Transactions) -> Result<Self> {
        let config = parse(url).map_err(|cause| StoreError::Open {
            store: "postgres".to_owned(),
            cause: cause.to_owned(),
        })?;
        let db = Connections::open(&config, &shown(&config), network, transactions).await?;
        Ok(Self { db })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn server_key(&self) -> Result<Option<KeyId>> {
        self.db.read("server_key", &(), |db, ()| Box::pin(enrol::server_key(db))).await
    }

    async fn claim_server_key(&self, key: KeyId) -> Result<KeyId> {
        self.db
            .write("claim_server_key", &(), move |db, ()| {
                Box::pin(enrol::claim_server_key(db, key))
            })
            .await
    }

    async fn open_account(&self, account: &Account) -> Result<Account> {
        self.db
            .write("open_account", account, |db, account| {
                Box::pin(enrol::open_account(db, account))
            })
            .await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        self.db.read("account", &(), move |db, ()| Box::pin(enrol::account(db, id))).await
    }

    async fn add_device(&self, device: &Device, joining: &Joining) -> Result<DeviceAdded> {
        self.db
            .write("add_device", &(device, joining), |db, (device, joining)| {
                Box::pin(enrol::add_device(db, device, joining))
            })
            .await
    }

    async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        at_ms: u64,
    ) -> Result<Option<Device>> {
        self.db
            .write("revoke_device", &(), move |db, ()| {
                Box::pin(enrol::revoke_device(db, account, device, at_ms))
            })
            .await
    }

    async fn attestation(&self, device: DeviceId) -> Result<Option<Attestation>> {
        self.db
            .read("attestation", &(), move |db, ()| Box::pin(enrol::attestation(db, device)))
            .await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>> {
        self.db.read("device", &(), move |db, ()| Box::pin(enrol::device(db, id))).await
    }

    async fn commit_traces(&self, traces: &[NewTrace]) -> Result<Vec<Commit>> {
        let network = self.db.network();
        self.db
            .write("commit_traces", traces, move |db, traces| {
                Box::pin(traces::commit_traces(db, network, traces))
            })
            .await
    }

    async fn receipt(&self, trace: TraceId) -> Result<Option<Receipt>> {
        let network = self.db.network();
        self.db
            .read("receipt", &(), move |db, ()| Box::pin(traces::receipt(db, network, trace)))
            .await
    }

    async fn trace(&self, trace: TraceId) -> Result<Option<TraceState>> {
        let network = self.db.network();
        self.db.read("trace", &(), move |db, ()| Box::pin(traces::trace(db, network, trace))).await
    }

    async fn lease(&self, n: usize, now_ms: u64, until_ms: u64) -> Result<Vec<PendingTrace>> {
        let network = self.db.network();
        self.db
            .write("lease", &(), move |db, ()| {
                Box::pin(traces::lease(db, network, n, now_ms, until_ms))
            })
            .await
    }

    async fn commit_folds(&self, folds: &[FoldedTrace]) -> Result<FoldCommit> {
        self.db
            .write("commit_folds", folds, |db, folds| Box::pin(log::commit_folds(db, folds)))
            .await
    }

    async fn log_head(&self) -> Result<LogHead> {
        self.db.read("log_head", &(), |db, ()| Box::pin(log::log_head(db))).await
    }

    async fn read_log(&self, position: u64, limit: usize) -> Result<Vec<LogRow>> {
        self.db
            .read("read_log", &(), move |db, ()| Box::pin(log::read_log(db, position, limit)))
            .await
    }

    async fn position_at(&self, since_ms: u64) -> Result<u64> {
        self.db
            .read("position_at", &(), move |db, ()| Box::pin(log::position_at(db, since_ms)))
            .await
    }

    async fn log_leaves(&self, from: u64, to: u64) -> Result<Vec<[u8; 32]>> {
        self.db.read("log_leaves", &(), move |db, ()| Box::pin(log::log_leaves(db, from, to))).await
    }

    async fn buckets(&self, cells: &[u64]) -> Result<Vec<Bucket>> {
        self.db.read("buckets", cells, |db, cells| Box::pin(epochs::buckets(db, cells))).await
    }

    async fn commit_epoch(&self, epoch: &Epoch) -> Result<EpochCommit> {
        self.db
            .write("commit_epoch", epoch, |db, epoch| Box::pin(epochs::commit_epoch(db, epoch)))
            .await
    }

    async fn last_epoch(&self) -> Result<Option<EpochRecord>> {
        self.db
            .read("last_epoch", &(), move |db, ()| {
                Box::pin(async { Ok(epochs::epochs(db, i64::MAX as u64, 1).await?.pop()) })
            })
            .await
    }

    async fn epoch(&self, number: u64) -> Result<Option<EpochRecord>> {
        self.db.read("epoch", &(), move |db, ()| Box::pin(epochs::epoch(db, number))).await
    }

    async fn epochs(&self, before: u64, limit: usize) -> Result<Vec<EpochRecord>> {
        self.db.read("epochs", &(), move |db, ()| Box::pin(epochs::epochs(db, before, limit))).await
    }

    async fn scores(&self, epoch: u64, from: u64, limit: usize) -> Result<Vec<Score>> {
        self.db
            .read("scores", &(), move |db, ()| Box::pin(epochs::scores(db, epoch, from, limit)))
            .await
    }

    async fn ledger(&self, epoch: u64, from: u64, limit: usize) -> Result<Vec<LedgerRow>> {
        self.db
            .read("ledger", &(), move |db, ()| Box::pin(epochs::ledger(db, epoch, from, limit)))
            .await
    }

    async fn account_scores(
        &self,
        account: AccountId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Score)>> {
        self.db
            .read("account_scores", &(), move |db, ()| {
                Box::pin(epochs::account_scores(db, account, before, limit))
            })
            .await
    }

    async fn balance(&self, ledger_account: &str) -> Result<i128> {
        self.db
            .read("balance", ledger_account, |db, ledger_account| {
                Box::pin(epochs::balance(db, ledger_account))
            })
            .await
    }

    async fn devices(&self, account: AccountId) -> Result<Vec<Device>> {
        self.db.read("devices", &(), move |db, ()| Box::pin(own::devices(db, account))).await
    }

    async fn own_traces(
        &self,
        device: DeviceId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OwnTrace>> {
        let network = self.db.network();
        self.db
            .read("own_traces", &(), move |db, ()| {
                Box::pin(own::traces(db, network, device, after, limit))
            })
            .await
    }

    async fn own_folds(
        &self,
        account: AccountId,
        position: u64,
        limit: usize,
    ) -> Result<Vec<OwnFold>> {
        self.db
            .read("own_folds", &(), move |db, ()| {
                Box::pin(own::folds(db, account, position, limit))
            })
            .await
    }

    async fn own_ledger(
        &self,
        ledger_account: &str,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.db
            .read("own_ledger", ledger_account, move |db, ledger_account| {
                Box::pin(epochs::own_ledger(db, ledger_account, after, limit))
            })
            .await
    }

    async fn own_buckets(&self, account: AccountId) -> Result<Vec<Bucket>> {
        self.db.read("own_buckets", &(), move |db, ()| Box::pin(own::buckets(db, account))).await
    }

    async fn erase(&self, erasure: &Erasure) -> Result<Option<Erased>> {
        self.db.write("erase", erasure, |db, erasure| Box::pin(own::erase(db, erasure))).await
    }

    async fn forget_erasures(&self, before_ms: u64) -> Result<u64> {
        self.db
            .write("forget_erasures", &(), move |db, ()| {
                Box::pin(own::forget_erasures(db, before_ms))
            })
            .await
    }

    async fn expire(&self, payloads_before_ms: u64, ids_before_ms: u64) -> Result<Expired> {
        self.db
            .write("expire", &(), move |db, ()| {
                Box::pin(traces::expire(db, payloads_before_ms, ids_before_ms))
            })
            .await
    }

    async fn pending(&self) -> Result<u64> {
        self.db.read("pending", &(), |db, ()| Box::pin(traces::pending(db))).await
    }

    async fn commit_compaction(&self, compaction: &Compaction) -> Result<CompactionCommit> {
        self.db
            .write("commit_compaction", compaction, |db, compaction| {
                Box::pin(compactions::commit_compaction(db, compaction))
            })
            .await
    }

    async fn last_compaction(&self) -> Result<Option<CompactionRecord>> {
        self.db
            .read("last_compaction", &(), |db, ()| Box::pin(compactions::last_compaction(db)))
            .await
    }

    async fn compactions(&self) -> Result<Vec<CompactionRecord>> {
        self.db.read("compactions", &(), |db, ()| Box::pin(compactions::compactions(db))).await
    }

    async fn compaction_part(&self, number: u64, part: u32) -> Result<Option<Vec<u8>>> {
        self.db
            .read("compaction_part", &(), move |db, ()| {
                Box::pin(compactions::compaction_part(db, number, part))
            })
            .await
    }

    async fn waiting_rows(&self, position: u64, limit: usize) -> Result<Vec<(LogRow, Vec<u8>)>> {
        self.db
            .read("waiting_rows", &(), move |db, ()| {
                Box::pin(compactions::waiting_rows(db, position, limit))
            })
            .await
    }

    async fn forget_compactions(
        &self,
        compactions_before_ms: u64,
        waiting_before_ms: u64,
    ) -> Result<u64> {
        self.db
            .write("forget_compactions", &(), move |db, ()| {
                Box::pin(compactions::forget_compactions(
                    db,
                    compactions_before_ms,
                    waiting_before_ms,
                ))
            })
            .await
    }

    async fn declare_closure(&self, closure: &ClosureRow, most: u64) -> Result<bool> {
        self.db
            .write("declare_closure", closure, move |db, closure| {
                Box::pin(closures::declare_closure(db, closure, most))
            })
            .await
    }

    async fn withdraw_closure(&self, id: [u8; 8]) -> Result<bool> {
        self.db
            .write("withdraw_closure", &(), move |db, ()| {
                Box::pin(closures::withdraw_closure(db, id))
            })
            .await
    }

    async fn closures(&self) -> Result<Vec<ClosureRow>> {
        self.db.read("closures", &(), |db, ()| Box::pin(closures::closures(db))).await
    }

    async fn forget_closures(&self, ended_before_ms: u64) -> Result<u64> {
        self.db
            .write("forget_closures", &(), move |db, ()| {
                Box::pin(closures::forget_closures(db, ended_before_ms))
            })
            .await
    }

    async fn closures_version(&self) -> Result<u64> {
        self.db
            .read("closures_version", &(), |db, ()| Box::pin(closures::closures_version(db)))
            .await
    }
}
