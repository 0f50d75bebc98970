//! The meaning of [`hexmile_ingest::store::Store`], as laws that every implementation obeys.
//!
//! The laws stand in `store_laws/` and know the trait alone. A new store passes them by one
//! [`store_laws::Place`] and one line at the end of this file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "support/postgres.rs"]
mod database;
mod lost_answers;
mod store_laws;

use std::sync::Arc;

use async_trait::async_trait;
use database::Database;
use hexmile_ingest::{
    metrics::Transactions,
    store::{Store, postgres::PostgresStore, sqlite::SqliteStore},
};
use store_laws::{NETWORK, Place};

/// A SQLite file in a folder of its own.
struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Place for File {
    async fn open(&self) -> Arc<dyn Store> {
        let path = self.0.path().join("hexmile.sqlite");
        Arc::new(SqliteStore::open(&path, NETWORK, Transactions::default()).unwrap())
    }
}

#[async_trait]
impl Place for Database {
    async fn open(&self) -> Arc<dyn Store> {
        let transactions = Transactions::default();
        Arc::new(PostgresStore::open(&self.url(), NETWORK, transactions).await.unwrap())
    }
}

store_laws::conformance!(sqlite, Some(File::new()));
store_laws::conformance!(postgres, Database::new().await);
