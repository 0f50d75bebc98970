//! A pool of connections, and transactions that are tried again where that can help.

use std::{
    error::Error as Cause,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use deadpool_postgres::{
    Connect, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
    StatementCache,
};
use hexmile_trace::NetworkId;
use tokio::{runtime::Handle, task::JoinHandle};
use tokio_postgres::{Client, Config, Error, NoTls, Row, error::SqlState, types::ToSql};

use super::migrations;
use crate::{
    metrics::Transactions,
    store::{Result, StoreError},
};

/// Connections of one node.
const CONNECTIONS: usize = 16;
/// To reach the server and be let in.
const CONNECT: Duration = Duration::from_secs(5);
/// For a connection of the pool to become free.
const WAIT: Duration = Duration::from_secs(10);
/// How often a transaction is tried in all.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; doubled before each later one.
const PAUSE: Duration = Duration::from_millis(50);

/// What each connection starts with. A node that hangs lets go of its locks; a commit is durable
/// even where the server's default is not, and a stricter default stays.
const SESSION: &str = "/* connect */
    SET statement_timeout = '30s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SET default_transaction_isolation = 'read committed';
    SET standard_conforming_strings = on;
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'";

/// For a transaction whose statements grow with a day's traces.
pub(super) const LONG_STATEMENTS: &str =
    "/* long_statements */ SET LOCAL statement_timeout = '10min'";

/// Error inside a transaction, before it has the transaction's name.
#[derive(Debug)]
pub(super) enum Fault {
    /// Postgres's, or the connection's.
    Sql(Error),
    /// No connection.
    Pool(String),
    /// A value that cannot be.
    Corrupt(String),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Self::Sql(error)
            }
            other => Self::Pool(other.to_string()),
        }
    }
}

/// Result inside a transaction.
pub(super) type Outcome<T> = std::result::Result<T, Fault>;

/// A transaction's work on its way.
pub(super) type Step<'t, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 't>>;

impl Fault {
    fn named(self, operation: &'static str) -> StoreError {
        match self {
            Self::Sql(error) => StoreError::Unavailable { operation, cause: cause(&error) },
            Self::Pool(cause) => StoreError::Unavailable { operation, cause },
            Self::Corrupt(what) => StoreError::Corrupt { operation, what },
        }
    }

    /// The connection went, so that nobody knows whether a commit under way came through.
    fn is_lost_connection(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        match error.code() {
            Some(code) => {
                code.code().starts_with("08")
                    || [
                        SqlState::ADMIN_SHUTDOWN,
                        SqlState::CRASH_SHUTDOWN,
                        SqlState::CANNOT_CONNECT_NOW,
                    ]
                    .contains(code)
            }
            None => error.is_closed() || error.source().is_some_and(<dyn Cause>::is::<io::Error>),
        }
    }

    /// The same transaction may go through if it is tried again.
    fn passes(&self) -> bool {
        let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        let code = if let Self::Sql(error) = self { error.code() } else { None };
        self.is_lost_connection() || code.is_some_and(|code| conflicts.contains(code))
    }
}

/// An error in one line. Details are left out: they quote rows.
pub(super) fn cause(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text = format!("{text}: {error}");
        below = error.source();
    }
    text
}

/// Connections live on the runtime that opened the store: those of HTTP's workers end before the
/// last commit.
struct OnRuntime(Handle);

impl Connect for OnRuntime {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<
        Box<dyn Future<Output = std::result::Result<(Client, JoinHandle<()>), Error>> + Send + '_>,
    > {
        let config = config.clone();
        Box::pin(async move {
            let mut connecting = pin!(async move {
                let (client, connection) = config.connect(NoTls).await?;
                let serving = tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::warn!(cause = cause(&error), "a connection to Postgres ended");
                    }
                });
                Ok((client, serving))
            });
            poll_fn(|context| {
                let _entered = self.0.enter();
                connecting.as_mut().poll(context)
            })
            .await
        })
    }
}

/// The connections to one database.
pub(super) struct Connections {
    network: NetworkId,
    transactions: Transactions,
    pool: Pool,
}

/// A connection inside a transaction.
pub(super) struct Db<'t> {
    client: &'t Client,
    statements: &'t StatementCache,
    /// An earlier attempt may have been committed before its connection went.
    pub(super) in_doubt: bool,
}

/// A statement's parameters.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Db<'_> {
    pub(super) async fn rows(&self, sql: &str, values: Values<'_>) -> Outcome<Vec<Row>> {
        let statement = self.statements.prepare(self.client, sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    /// The one row, if there is one.
    pub(super) async fn row(&self, sql: &str, values: Values<'_>) -> Outcome<Option<Row>> {
        let statement = self.statements.prepare(self.client, sql).await?;
        Ok(self.client.query_opt(&statement, values).await?)
    }

    /// Returns how many rows were touched.
    pub(super) async fn run(&self, sql: &str, values: Values<'_>) -> Outcome<u64> {
        let statement = self.statements.prepare(self.client, sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }
}

#[derive(Clone, Copy)]
enum Mode {
    /// One statement, or several over what never changes: no transaction around them.
    Read,
    Write,
}

impl Connections {
    pub(super) async fn open(
        config: &Config,
        store: &str,
        network: NetworkId,
        transactions: Transactions,
    ) -> Result<Self> {
        let failed = |cause| StoreError::Open { store: store.to_owned(), cause };
        let mut config = config.clone();
        if config.get_application_name().is_none() {
            config.application_name("hexmile");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        // A server whose machine is gone is noticed while a driver still waits.
        config.keepalives_idle(WAIT);
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(WAIT);
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(config, OnRuntime(Handle::current()), recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(CONNECT))
            .wait_timeout(Some(WAIT))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(
                    async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) },
                )
            }))
            .build()
            .map_err(|e| failed(e.to_string()))?;
        let mut client = pool.get().await.map_err(|e| match e {
            PoolError::Backend(e) | PoolError::PostCreateHook(HookError::Backend(e)) => {
                failed(cause(&e))
            }
            PoolError::Timeout(_) => failed("the server does not answer".to_owned()),
            e => failed(e.to_string()),
        })?;
        migrations::migrate(&mut client, store, network).await?;
        drop(client);
        Ok(Self { network, transactions, pool })
    }

    pub(super) const fn network(&self) -> NetworkId {
        self.network
    }

    /// Runs `step` in a transaction that is durable when this returns, or leaves nothing behind.
    pub(super) async fn write<A: ?Sized + Sync, T: Send>(
        &self,
        name: &'static str,
        asked: &A,
        step: impl for<'t> Fn(&'t Db<'t>, &'t A) -> Step<'t, T> + Send + Sync,
    ) -> Result<T> {
        self.attempts(name, Mode::Write, asked, step).await
    }

    /// Runs `step` to read.
    pub(super) async fn read<A: ?Sized + Sync, T: Send>(
        &self,
        name: &'static str,
        asked: &A,
        step: impl for<'t> Fn(&'t Db<'t>, &'t A) -> Step<'t, T> + Send + Sync,
    ) -> Result<T> {
        self.attempts(name, Mode::Read, asked, step).await
    }

    async fn attempts<A: ?Sized + Sync, T: Send>(
        &self,
        name: &'static str,
        mode: Mode,
        asked: &A,
        step: impl for<'t> Fn(&'t Db<'t>, &'t A) -> Step<'t, T> + Send + Sync,
    ) -> Result<T> {
        let mut in_doubt = false;
        for attempt in 1.. {
            match self.attempt(name, mode, in_doubt, asked, &step).await {
                Ok(value) => return Ok(value),
                Err(fault) if attempt < ATTEMPTS && fault.passes() => {
                    in_doubt |= fault.is_lost_connection();
                    let error = fault.named(name);
                    tracing::warn!(%error, attempt, "a transaction is tried again");
                    tokio::time::sleep(PAUSE * (1 << (attempt - 1))).await;
                }
                Err(fault) => return Err(fault.named(name)),
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn attempt<A: ?Sized + Sync, T: Send>(
        &self,
        name: &'static str,
        mode: Mode,
        in_doubt: bool,
        asked: &A,
        step: &(impl for<'t> Fn(&'t Db<'t>, &'t A) -> Step<'t, T> + Send + Sync),
    ) -> Outcome<T> {
        let mut client = self.pool.get().await?;
        let started = Instant::now();
        let outcome = async {
            match mode {
                Mode::Read => {
                    let statements = &client.statement_cache;
                    step(&Db { client: &client, statements, in_doubt }, asked).await
                }
                Mode::Write => {
                    // Dropped on an error, which rolls it back.
                    let tx = client.transaction().await?;
                    let statements = &tx.statement_cache;
                    let db = Db { client: tx.client(), statements, in_doubt };
                    let value = step(&db, asked).await?;
                    tx.commit().await?;
                    Ok(value)
                }
            }
        }
        .await;
        self.transactions.observe(name, started.elapsed(), outcome.is_ok());
        outcome
    }
}
