//! Numbered, immutable schema changes, checked at every start.

use hexmile_trace::NetworkId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::store::{Result, StoreError};

/// Number and text of every migration, in order. A released one never changes.
pub const MIGRATIONS: &[(u32, &str)] = &[
    (1, include_str!("../../../migrations/sqlite/0001_spine.sql")),
    (2, include_str!("../../../migrations/sqlite/0002_own_data.sql")),
    (3, include_str!("../../../migrations/sqlite/0003_order_of_arrival.sql")),
    (4, include_str!("../../../migrations/sqlite/0004_keys.sql")),
    (5, include_str!("../../../migrations/sqlite/0005_compactions.sql")),
    (6, include_str!("../../../migrations/sqlite/0006_closures.sql")),
];

/// SQLite's application id of a Hexmile store: "HXMI".
const APPLICATION_ID: i32 = 0x4858_4d49;

fn tables(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("/* migrate */ SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
}

/// Refuses the database of some other program; to be asked before anything is changed in it.
pub(super) fn check_owner(db: &Connection, store: &str) -> Result<()> {
    let is_ours = || {
        let application: i32 = db.pragma_query_value(None, "application_id", |r| r.get(0))?;
        Ok(application == APPLICATION_ID || tables(db)? == 0)
    };
    let refused = |cause| StoreError::Open { store: store.to_owned(), cause };
    match is_ours() {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused("the file is a database of some other program".to_owned())),
        Err::<_, rusqlite::Error>(e) => Err(refused(e.to_string())),
    }
}

/// Brings the schema up to date in one transaction, after checking what was applied before.
pub(super) fn migrate(db: &mut Connection, store: &str, network: NetworkId) -> Result<()> {
    let failed =
        |e: rusqlite::Error| StoreError::Open { store: store.to_owned(), cause: e.to_string() };
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if tables(&tx).map_err(failed)? == 0 {
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        tx.execute_batch(
            "/* migrate */
             CREATE TABLE migration (version INTEGER PRIMARY KEY, sha256 BLOB NOT NULL);
             CREATE TABLE network (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL);",
        )
        .map_err(failed)?;
        tx.execute("/* migrate */ INSERT INTO network VALUES (1, ?)", [&network.0[..]])
            .map_err(failed)?;
    }
    let newest: Option<u32> = tx
        .query_row("/* migrate */ SELECT max(version) FROM migration", [], |r| r.get(0))
        .map_err(failed)?;
    let known = MIGRATIONS.last().map_or(0, |m| m.0);
    if let Some(found) = newest.filter(|v| *v > known) {
        return Err(StoreError::Newer { store: store.to_owned(), found, known });
    }
    for (version, sql) in MIGRATIONS {
        let hash = Sha256::digest(sql.as_bytes());
        let applied: Option<Vec<u8>> = tx
            .query_row(
                "/* migrate */ SELECT sha256 FROM migration WHERE version = ?",
                [version],
                |r| r.get(0),
            )
            .optional()
            .map_err(failed)?;
        match applied {
            Some(applied) if applied == hash.as_slice() => {}
            Some(_) => {
                return Err(StoreError::Migration { store: store.to_owned(), version: *version });
            }
            None => {
                tx.execute_batch(sql).map_err(failed)?;
                tx.execute(
                    "/* migrate */ INSERT INTO migration VALUES (?, ?)",
                    params![version, hash.as_slice()],
                )
                .map_err(failed)?;
            }
        }
    }
    let found: Vec<u8> =
        tx.query_row("/* migrate */ SELECT id FROM network", [], |r| r.get(0)).map_err(failed)?;
    if found != network.0 {
        return Err(StoreError::Network {
            store: store.to_owned(),
            found: hex::encode(found),
            wanted: network.to_string(),
        });
    }
    tx.commit().map_err(failed)
}
