//! One connection that writes, a few that read.

use std::{
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hexmile_trace::NetworkId;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::migrations;
use crate::{
    metrics::Transactions,
    store::{Result, StoreError},
};

/// Error inside a transaction, before it has the transaction's name.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite's.
    Sql(rusqlite::Error),
    /// A value that cannot be.
    Corrupt(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Result inside a transaction.
pub(super) type Outcome<T> = std::result::Result<T, Fault>;

impl Fault {
    fn named(self, operation: &'static str) -> StoreError {
        match self {
            Self::Sql(cause) => StoreError::Unavailable { operation, cause: cause.to_string() },
            Self::Corrupt(what) => StoreError::Corrupt { operation, what },
        }
    }
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Writes wait here at most; past it, callers wait to put theirs in.
const WRITE_QUEUE: usize = 256;
/// Connections that read at once.
const READERS: usize = 4;
const BUSY: Duration = Duration::from_secs(5);

/// The connections to one file.
pub(super) struct Connections {
    network: NetworkId,
    transactions: Transactions,
    // An option so that drop can close the queue before it joins the thread.
    writes: Option<mpsc::SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<tokio::sync::Semaphore>,
}

impl Connections {
    pub(super) fn open(
        path: &Path,
        network: NetworkId,
        transactions: Transactions,
    ) -> Result<Self> {
        let store = format!("sqlite:{}", path.display());
        let failed =
            |e: rusqlite::Error| StoreError::Open { store: store.clone(), cause: e.to_string() };
        let mut writer = Connection::open(path).map_err(failed)?;
        migrations::check_owner(&writer, &store)?;
        configure(&writer).map_err(failed)?;
        migrations::migrate(&mut writer, &store, network)?;
        let readers = (0..READERS)
            .map(|_| {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let reader = Connection::open_with_flags(path, flags)?;
                reader.busy_timeout(BUSY)?;
                reader.set_prepared_statement_cache_capacity(64);
                Ok(reader)
            })
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(failed)?;
        let (writes, jobs) = mpsc::sync_channel::<Job>(WRITE_QUEUE);
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                while let Ok(job) = jobs.recv() {
                    job(&mut writer);
                }
                // What the log holds goes into the file, so that a copy of the file is whole.
                let _ = writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
            })
            .map_err(|e| StoreError::Open { store: store.clone(), cause: e.to_string() })?;
        Ok(Self {
            network,
            transactions,
            writes: Some(writes),
            writer: Some(writer),
            readers: Arc::new(Readers {
                idle: Mutex::new(readers),
                permits: Arc::new(tokio::sync::Semaphore::new(READERS)),
            }),
        })
    }

    pub(super) const fn network(&self) -> NetworkId {
        self.network
    }

    /// Runs `step` in a transaction that is durable when this returns, or leaves nothing behind.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        step: impl FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let gone = || StoreError::Unavailable {
            operation: name,
            cause: "the writer has stopped".to_owned(),
        };
        let (reply, result) = tokio::sync::oneshot::channel();
        let transactions = self.transactions.clone();
        let job: Job = Box::new(move |db| {
            let started = Instant::now();
            let outcome = transact(db, step);
            transactions.observe(name, started.elapsed(), outcome.is_ok());
            // A caller that gave up leaves a durable write behind, which a repeat will find.
            let _ = reply.send(outcome);
        });
        let writes = self.writes.clone().ok_or_else(gone)?;
        match writes.try_send(job) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(gone()),
            Err(mpsc::TrySendError::Full(job)) => {
                tokio::task::spawn_blocking(move || writes.send(job))
                    .await
                    .map_err(|_| gone())?
                    .map_err(|_| gone())?;
            }
        }
        result.await.map_err(|_| gone())?.map_err(|e| e.named(name))
    }

    /// Moves what was written into the file and empties the log beside it, so that what was deleted
    /// is in neither; where a reader holds it up, a later one does it.
    pub(super) async fn settle(&self) {
        let (reply, settled) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |db| {
            let _ = reply.send(db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
        });
        let Some(writes) = self.writes.clone() else { return };
        if tokio::task::spawn_blocking(move || writes.send(job)).await.is_ok() {
            let _ = settled.await;
        }
    }

    /// Runs `step` on a reader's connection, in one read transaction.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        step: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let failed =
            |cause: &str| StoreError::Unavailable { operation: name, cause: cause.to_owned() };
        let readers = Arc::clone(&self.readers);
        let transactions = self.transactions.clone();
        let permit = Arc::clone(&self.readers.permits).acquire_owned().await;
        let permit = permit.map_err(|_| failed("closed"))?;
        tokio::task::spawn_blocking(move || {
            // Held until the connection is back, even where the request is gone.
            let _permit = permit;
            let started = Instant::now();
            let mut db = readers.take().ok_or(Fault::Corrupt("no idle reader".to_owned()))?;
            let outcome = db
                .transaction_with_behavior(TransactionBehavior::Deferred)
                .map_err(Fault::from)
                .and_then(|tx| step(&tx));
            readers.give(db);
            transactions.observe(name, started.elapsed(), outcome.is_ok());
            outcome
        })
        .await
        .map_err(|_| failed("the reader stopped"))?
        .map_err(|e| e.named(name))
    }
}

impl Readers {
    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
    }

    fn give(&self, reader: Connection) {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(reader);
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        drop(self.writes.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten: an erased account is not in the file's free pages either.
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    db.pragma_update(None, "cache_size", -65_536)?;
    // Pages: 40 MB. A page that changes often is written to the file once a checkpoint.
    db.pragma_update(None, "wal_autocheckpoint", 10_000)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn transact<T>(
    db: &mut Connection,
    step: impl FnOnce(&Transaction<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = step(&tx)?;
    tx.commit()?;
    Ok(value)
}

/// A number as SQLite holds it. What comes from outside is below 2^63 by the types it passed.
pub(super) fn int(value: u64) -> Outcome<i64> {
    i64::try_from(value).map_err(|_| Fault::Corrupt(format!("{value} does not fit a column")))
}

/// A number as SQLite gives it.
pub(super) fn uint(value: i64) -> Outcome<u64> {
    u64::try_from(value).map_err(|_| Fault::Corrupt(format!("a column holds {value}")))
}

/// Bytes of a fixed length.
pub(super) fn bytes<const N: usize>(value: &[u8]) -> Outcome<[u8; N]> {
    value
        .try_into()
        .map_err(|_| Fault::Corrupt(format!("a column of {} bytes, not {N}", value.len())))
}
