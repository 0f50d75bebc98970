//! What the server keeps, in the words of the domain.
//!
//! [`Store`] has one meaning and several implementations; `tests/store_conformance.rs` holds them
//! to it. No SQL, connection or transaction shows here: a method is one atomic step. Order comes
//! from integers and bytes alone, never from a collation.

mod closure;
mod compaction;
mod erasure;
pub mod postgres;
mod rows;
pub mod sqlite;

use async_trait::async_trait;
use hexmile_trace::{AccountId, DeviceId, KeyId, Receipt, TraceId};

pub use closure::ClosureRow;
pub use compaction::{Compaction, CompactionCommit, CompactionRecord, Waiting};
pub use rows::{
    Account, Attestation, Bucket, Commit, Device, DeviceAdded, Epoch, EpochCommit, EpochRecord,
    Erased, Erasure, Expired, FoldCommit, FoldedTrace, Holder, Joining, LeafKind, LedgerRow,
    LogHead, LogRow, Logged, LoggedTrace, NewTrace, OwnFold, OwnTrace, PendingTrace, Score,
    TraceState, Verdict,
};

/// Why a store could not do as asked. Each is about the store, never about what a client sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be opened: the address, the permissions or the disk.
    #[error("cannot open the store {store}: {cause}")]
    Open {
        /// As configured, without secrets.
        store: String,
        /// In the words of the library.
        cause: String,
    },
    /// Written by a newer release.
    #[error(
        "the store {store} has schema version {found}, and this release knows {known}: \
         run the release that wrote it, or a newer one"
    )]
    Newer {
        /// As configured.
        store: String,
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
    },
    /// A migration differs from the one that was applied.
    #[error("migration {version} of the store {store} is not the one that was applied to it")]
    Migration {
        /// As configured.
        store: String,
        /// Which migration.
        version: u32,
    },
    /// Belongs to another network.
    #[error("the store {store} belongs to network {found}, and this server serves {wanted}")]
    Network {
        /// As configured.
        store: String,
        /// Network id in the store.
        found: String,
        /// Network id configured.
        wanted: String,
    },
    /// The store failed; the same call may work later.
    #[error("{operation}: {cause}")]
    Unavailable {
        /// Name of the transaction.
        operation: &'static str,
        /// In the words of the library.
        cause: String,
    },
    /// A row that cannot be: the store was changed from outside, or is damaged.
    #[error("{operation}: the store holds what it should not: {what}")]
    Corrupt {
        /// Name of the transaction.
        operation: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// Result of a store's method.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The server's memory. Each method is atomic and durable when it returns.
#[async_trait]
pub trait Store: Send + Sync {
    /// The key that signs for this store's network, once a server has said which.
    async fn server_key(&self) -> Result<Option<KeyId>>;

    /// Says which key signs from now on, unless one is known; returns the one that is known then.
    async fn claim_server_key(&self, key: KeyId) -> Result<KeyId>;

    /// Opens an account, or returns the one that this key opened before.
    async fn open_account(&self, account: &Account) -> Result<Account>;

    /// An account.
    async fn account(&self, id: AccountId) -> Result<Option<Account>>;

    /// Adds a device to an account that exists; a device belongs to one account. An attestation
    /// takes the place of the one before.
    async fn add_device(&self, device: &Device, joining: &Joining) -> Result<DeviceAdded>;

    /// Signs a device out of an account for ever; `None` where it is not the account's. One that was
    /// signed out before stays as it is.
    async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        at_ms: u64,
    ) -> Result<Option<Device>>;

    /// What a device brought as its attestation.
    async fn attestation(&self, device: DeviceId) -> Result<Option<Attestation>>;

    /// A device.
    async fn device(&self, id: DeviceId) -> Result<Option<Device>>;

    /// Makes traces durable, each with its receipt, or says what stands in the way; the outcomes
    /// are in the order of `traces`. Nothing in one refuses another.
    async fn commit_traces(&self, traces: &[NewTrace]) -> Result<Vec<Commit>>;

    /// The first receipt of a trace, while its id is kept.
    async fn receipt(&self, trace: TraceId) -> Result<Option<Receipt>>;

    /// A trace's receipt and verdict.
    async fn trace(&self, trace: TraceId) -> Result<Option<TraceState>>;

    /// Up to `n` traces that wait to be folded, oldest first, which nobody else gets until
    /// `until_ms`. A lease that ran out before `now_ms` is free again.
    async fn lease(&self, n: usize, now_ms: u64, until_ms: u64) -> Result<Vec<PendingTrace>>;

    /// Appends folded traces to the log under dense positions, in the order given, and their
    /// receipts' commitments to the Merkle log. One that was folded before is passed over.
    async fn commit_folds(&self, folds: &[FoldedTrace]) -> Result<FoldCommit>;

    /// Where the log and its Merkle tree end.
    async fn log_head(&self) -> Result<LogHead>;

    /// Up to `limit` rows of the log from `position` on.
    async fn read_log(&self, position: u64, limit: usize) -> Result<Vec<LogRow>>;

    /// The first position whose row was folded at or after `since_ms`; the end of the log if none.
    async fn position_at(&self, since_ms: u64) -> Result<u64>;

    /// Leaf hashes `from..to` of the Merkle log.
    async fn log_leaves(&self, from: u64, to: u64) -> Result<Vec<[u8; 32]>>;

    /// What these cells' buckets held after the last epoch that touched them; a cell without one
    /// is left out. In order of cell.
    async fn buckets(&self, cells: &[u64]) -> Result<Vec<Bucket>>;

    /// Writes a closed epoch whole: record, scores, ledger, buckets, leaves. Refused without a
    /// trace where its number or its first position is not the next one.
    async fn commit_epoch(&self, epoch: &Epoch) -> Result<EpochCommit>;

    /// The newest closed epoch.
    async fn last_epoch(&self) -> Result<Option<EpochRecord>>;

    /// A closed epoch.
    async fn epoch(&self, number: u64) -> Result<Option<EpochRecord>>;

    /// Up to `limit` closed epochs below `before`, newest first.
    async fn epochs(&self, before: u64, limit: usize) -> Result<Vec<EpochRecord>>;

    /// Up to `limit` scores of an epoch, in order, from a place on.
    async fn scores(&self, epoch: u64, from: u64, limit: usize) -> Result<Vec<Score>>;

    /// Up to `limit` ledger rows of an epoch, in order, from an entry on.
    async fn ledger(&self, epoch: u64, from: u64, limit: usize) -> Result<Vec<LedgerRow>>;

    /// An account's scores in its newest `limit` epochs below `before`, newest first: (epoch, score).
    async fn account_scores(
        &self,
        account: AccountId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Score)>>;

    /// What a ledger account received less what it gave, in 1e-6 token.
    async fn balance(&self, ledger_account: &str) -> Result<i128>;

    /// The devices of an account, in order of id.
    async fn devices(&self, account: AccountId) -> Result<Vec<Device>>;

    /// Up to `limit` traces of a device whose ids are kept, in order of sequence number, after
    /// `after`.
    async fn own_traces(
        &self,
        device: DeviceId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OwnTrace>>;

    /// Up to `limit` rows of the log that are an account's, from `position` on.
    async fn own_folds(
        &self,
        account: AccountId,
        position: u64,
        limit: usize,
    ) -> Result<Vec<OwnFold>>;

    /// Up to `limit` ledger rows that name a ledger account, in order, after (epoch, entry).
    async fn own_ledger(
        &self,
        ledger_account: &str,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>>;

    /// The buckets that know an account, in order of cell.
    async fn own_buckets(&self, account: AccountId) -> Result<Vec<Bucket>>;

    /// Takes an account and all that is its own out of every row; `None` where there is none.
    /// Positions stay dense, and scores, ledger and Merkle log still follow from each other.
    async fn erase(&self, erasure: &Erasure) -> Result<Option<Erased>>;

    /// Lets go of the names that erasures before `before_ms` left for nodes to forget; returns how
    /// many erasures that were.
    async fn forget_erasures(&self, before_ms: u64) -> Result<u64>;

    /// Forgets payloads received before `payloads_before_ms` that are folded and whose epoch is
    /// closed, and ids received before `ids_before_ms`, raising their devices' watermarks.
    async fn expire(&self, payloads_before_ms: u64, ids_before_ms: u64) -> Result<Expired>;

    /// Traces that wait to be folded.
    async fn pending(&self) -> Result<u64>;

    /// Writes a compaction whole: record, parts, and what changed of what waits. Refused without a
    /// trace where its number or its first position is not the next one, where it ends beyond the
    /// log, or where an account was erased since its rows were read.
    async fn commit_compaction(&self, compaction: &Compaction) -> Result<CompactionCommit>;

    /// The newest compaction, which is never forgotten.
    async fn last_compaction(&self) -> Result<Option<CompactionRecord>>;

    /// The compactions that are kept, in order of number.
    async fn compactions(&self) -> Result<Vec<CompactionRecord>>;

    /// A part of a compaction, from 0.
    async fn compaction_part(&self, number: u64, part: u32) -> Result<Option<Vec<u8>>>;

    /// Up to `limit` rows of the log with observations that wait, from `position` on, in order, each
    /// with what [`Waiting`] said of it.
    async fn waiting_rows(&self, position: u64, limit: usize) -> Result<Vec<(LogRow, Vec<u8>)>>;

    /// Forgets compactions from before `compactions_before_ms`, but neither the last one nor any
    /// after one that stays, and what has waited in rows before [`Store::position_at`]
    /// `waiting_before_ms`; returns how many compactions that were.
    async fn forget_compactions(
        &self,
        compactions_before_ms: u64,
        waiting_before_ms: u64,
    ) -> Result<u64>;

    /// Keeps a closure, in place of one of the same id; false where that would be one more and
    /// `most` are kept already.
    async fn declare_closure(&self, closure: &ClosureRow, most: u64) -> Result<bool>;

    /// Takes a closure back; false where there is none of that id.
    async fn withdraw_closure(&self, id: [u8; 8]) -> Result<bool>;

    /// The closures that are kept, in order of start, then of id.
    async fn closures(&self) -> Result<Vec<ClosureRow>>;

    /// Forgets closures that ended before `ended_before_ms`; returns how many that were.
    async fn forget_closures(&self, ended_before_ms: u64) -> Result<u64>;

    /// Rises whenever a closure is declared, withdrawn or forgotten: cheap to ask every second.
    async fn closures_version(&self) -> Result<u64>;
}
