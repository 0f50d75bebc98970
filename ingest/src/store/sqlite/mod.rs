//! The embedded store: one SQLite file in WAL mode, durable at every commit.
//!
//! One thread writes, transaction after transaction; readers have connections of their own and
//! never wait for it. SQL stands in one file a subject: `enrol`, `traces`, `log`, `epochs`, `own`,
//! `compactions`, `closures`.

mod closures;
mod compactions;
mod connection;
mod devices;
mod enrol;
mod epochs;
mod log;
mod migrations;
mod own;
mod traces;

use std::path::Path;

use async_trait::async_trait;
use hexmile_trace::{AccountId, DeviceId, KeyId, NetworkId, Receipt, TraceId};

use super::{
    Account, Attestation, Bucket, ClosureRow, Commit, Compaction, CompactionCommit,
    CompactionRecord, Device, DeviceAdded, Epoch, EpochCommit, EpochRecord, Erased, Erasure,
    Expired, FoldCommit, FoldedTrace, Joining, LedgerRow, LogHead, LogRow, NewTrace, OwnFold,
    OwnTrace, PendingTrace, Result, Score, Store, TraceState,
};
use crate::metrics::Transactions;
use connection::Connections;
use devices::RecentDevices;

pub use migrations::MIGRATIONS;

/// A store in one SQLite file.
pub struct SqliteStore {
    db: Connections,
    devices: RecentDevices,
}

impl SqliteStore {
    /// Opens the file, creating it and bringing its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`](super::StoreError): the path cannot be opened or written, or the file is a newer release's,
    /// another network's, or no Hexmile store at all.
    pub fn open(path: &Path, network: NetworkId, transactions: Transactions) -> Result<Self> {
        let db = Connections::open(path, network, transactions)?;
        Ok(Self { db, devices: RecentDevices::default() })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn server_key(&self) -> Result<Option<KeyId>> {
        self.db.read("server_key", enrol::server_key).await
    }

    async fn claim_server_key(&self, key: KeyId) -> Result<KeyId> {
        self.db.write("claim_server_key", move |tx| enrol::claim_server_key(tx, key)).await
    }

    async fn open_account(&self, account: &Account) -> Result<Account> {
        let account = account.clone();
        self.db.write("open_account", move |tx| enrol::open_account(tx, &account)).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        self.db.read("account", move |db| enrol::account(db, id)).await
    }

    async fn add_device(&self, device: &Device, joining: &Joining) -> Result<DeviceAdded> {
        let (device, joining) = (device.clone(), joining.clone());
        self.db.write("add_device", move |tx| enrol::add_device(tx, &device, &joining)).await
    }

    async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        at_ms: u64,
    ) -> Result<Option<Device>> {
        let revoked = self
            .db
            .write("revoke_device", move |tx| enrol::revoke_device(tx, account, device, at_ms))
            .await;
        self.devices.forget();
        revoked
    }

    async fn attestation(&self, device: DeviceId) -> Result<Option<Attestation>> {
        self.db.read("attestation", move |db| enrol::attestation(db, device)).await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>> {
        let since = match self.devices.find(id) {
            Ok(device) => return Ok(Some(device)),
            Err(since) => since,
        };
        let device = self.db.read("device", move |db| enrol::device(db, id)).await?;
        if let Some(device) = &device {
            self.devices.keep(device, since);
        }
        Ok(device)
    }

    async fn commit_traces(&self, traces: &[NewTrace]) -> Result<Vec<Commit>> {
        let traces = traces.to_vec();
        let network = self.db.network();
        self.db.write("commit_traces", move |tx| traces::commit_traces(tx, network, &traces)).await
    }

    async fn receipt(&self, trace: TraceId) -> Result<Option<Receipt>> {
        let network = self.db.network();
        self.db.read("receipt", move |db| traces::receipt(db, network, trace)).await
    }

    async fn trace(&self, trace: TraceId) -> Result<Option<TraceState>> {
        let network = self.db.network();
        self.db.read("trace", move |db| traces::trace(db, network, trace)).await
    }

    async fn lease(&self, n: usize, now_ms: u64, until_ms: u64) -> Result<Vec<PendingTrace>> {
        let network = self.db.network();
        self.db.write("lease", move |tx| traces::lease(tx, network, n, now_ms, until_ms)).await
    }

    async fn commit_folds(&self, folds: &[FoldedTrace]) -> Result<FoldCommit> {
        let folds = folds.to_vec();
        self.db.write("commit_folds", move |tx| log::commit_folds(tx, &folds)).await
    }

    async fn log_head(&self) -> Result<LogHead> {
        self.db.read("log_head", log::log_head).await
    }

    async fn read_log(&self, position: u64, limit: usize) -> Result<Vec<LogRow>> {
        self.db.read("read_log", move |db| log::read_log(db, position, limit)).await
    }

    async fn position_at(&self, since_ms: u64) -> Result<u64> {
        self.db.read("position_at", move |db| log::position_at(db, since_ms)).await
    }

    async fn log_leaves(&self, from: u64, to: u64) -> Result<Vec<[u8; 32]>> {
        self.db.read("log_leaves", move |db| log::log_leaves(db, from, to)).await
    }

    async fn buckets(&self, cells: &[u64]) -> Result<Vec<Bucket>> {
        let cells = cells.to_vec();
        self.db.read("buckets", move |db| epochs::buckets(db, &cells)).await
    }

    async fn commit_epoch(&self, epoch: &Epoch) -> Result<EpochCommit> {
        let epoch = epoch.clone();
        self.db.write("commit_epoch", move |tx| epochs::commit_epoch(tx, &epoch)).await
    }

    async fn last_epoch(&self) -> Result<Option<EpochRecord>> {
        self.db.read("last_epoch", |db| Ok(epochs::epochs(db, i64::MAX as u64, 1)?.pop())).await
    }

    async fn epoch(&self, number: u64) -> Result<Option<EpochRecord>> {
        self.db.read("epoch", move |db| epochs::epoch(db, number)).await
    }

    async fn epochs(&self, before: u64, limit: usize) -> Result<Vec<EpochRecord>> {
        self.db.read("epochs", move |db| epochs::epochs(db, before, limit)).await
    }

    async fn scores(&self, epoch: u64, from: u64, limit: usize) -> Result<Vec<Score>> {
        self.db.read("scores", move |db| epochs::scores(db, epoch, from, limit)).await
    }

    async fn ledger(&self, epoch: u64, from: u64, limit: usize) -> Result<Vec<LedgerRow>> {
        self.db.read("ledger", move |db| epochs::ledger(db, epoch, from, limit)).await
    }

    async fn account_scores(
        &self,
        account: AccountId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Score)>> {
        self.db
            .read("account_scores", move |db| epochs::account_scores(db, account, before, limit))
            .await
    }

    async fn balance(&self, ledger_account: &str) -> Result<i128> {
        let ledger_account = ledger_account.to_owned();
        self.db.read("balance", move |db| epochs::balance(db, &ledger_account)).await
    }

    async fn devices(&self, account: AccountId) -> Result<Vec<Device>> {
        self.db.read("devices", move |db| own::devices(db, account)).await
    }

    async fn own_traces(
        &self,
        device: DeviceId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OwnTrace>> {
        let network = self.db.network();
        self.db.read("own_traces", move |db| own::traces(db, network, device, after, limit)).await
    }

    async fn own_folds(
        &self,
        account: AccountId,
        position: u64,
        limit: usize,
    ) -> Result<Vec<OwnFold>> {
        self.db.read("own_folds", move |db| own::folds(db, account, position, limit)).await
    }

    async fn own_ledger(
        &self,
        ledger_account: &str,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        let name = ledger_account.to_owned();
        self.db.read("own_ledger", move |db| epochs::own_ledger(db, &name, after, limit)).await
    }

    async fn own_buckets(&self, account: AccountId) -> Result<Vec<Bucket>> {
        self.db.read("own_buckets", move |db| own::buckets(db, account)).await
    }

    async fn erase(&self, erasure: &Erasure) -> Result<Option<Erased>> {
        let erasure = erasure.clone();
        let erased = self.db.write("erase", move |tx| own::erase(tx, &erasure)).await?;
        self.devices.forget();
        if erased.is_some() {
            self.db.settle().await;
        }
        Ok(erased)
    }

    async fn forget_erasures(&self, before_ms: u64) -> Result<u64> {
        let step = move |tx: &rusqlite::Transaction<'_>| own::forget_erasures(tx, before_ms);
        let forgotten = self.db.write("forget_erasures", step).await?;
        if forgotten > 0 {
            self.db.settle().await;
        }
        Ok(forgotten)
    }

    async fn expire(&self, payloads_before_ms: u64, ids_before_ms: u64) -> Result<Expired> {
        self.db
            .write("expire", move |tx| traces::expire(tx, payloads_before_ms, ids_before_ms))
            .await
    }

    async fn pending(&self) -> Result<u64> {
        self.db.read("pending", traces::pending).await
    }

    async fn commit_compaction(&self, compaction: &Compaction) -> Result<CompactionCommit> {
        let compaction = compaction.clone();
        self.db
            .write("commit_compaction", move |tx| compactions::commit_compaction(tx, &compaction))
            .await
    }

    async fn last_compaction(&self) -> Result<Option<CompactionRecord>> {
        self.db.read("last_compaction", compactions::last_compaction).await
    }

    async fn compactions(&self) -> Result<Vec<CompactionRecord>> {
        self.db.read("compactions", compactions::compactions).await
    }

    async fn compaction_part(&self, number: u64, part: u32) -> Result<Option<Vec<u8>>> {
        self.db
            .read("compaction_part", move |db| compactions::compaction_part(db, number, part))
            .await
    }

    async fn waiting_rows(&self, position: u64, limit: usize) -> Result<Vec<(LogRow, Vec<u8>)>> {
        self.db.read("waiting_rows", move |db| compactions::waiting_rows(db, position, limit)).await
    }

    async fn forget_compactions(
        &self,
        compactions_before_ms: u64,
        waiting_before_ms: u64,
    ) -> Result<u64> {
        self.db
            .write("forget_compactions", move |tx| {
                compactions::forget_compactions(tx, compactions_before_ms, waiting_before_ms)
            })
            .await
    }

    async fn declare_closure(&self, closure: &ClosureRow, most: u64) -> Result<bool> {
        let closure = closure.clone();
        self.db
            .write("declare_closure", move |tx| closures::declare_closure(tx, &closure, most))
            .await
    }

    async fn withdraw_closure(&self, id: [u8; 8]) -> Result<bool> {
        self.db.write("withdraw_closure", move |tx| closures::withdraw_closure(tx, id)).await
    }

    async fn closures(&self) -> Result<Vec<ClosureRow>> {
        self.db.read("closures", closures::closures).await
    }

    async fn forget_closures(&self, ended_before_ms: u64) -> Result<u64> {
        self.db
            .write("forget_closures", move |tx| closures::forget_closures(tx, ended_before_ms))
            .await
    }

    async fn closures_version(&self) -> Result<u64> {
        self.db.read("closures_version", closures::closures_version).await
    }
}
