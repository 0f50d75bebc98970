//! Numbered, immutable schema changes, checked at every start.

use deadpool_postgres::{ClientWrapper, Transaction};
use hexmile_trace::NetworkId;
use sha2::{Digest, Sha256};
use tokio_postgres::Error;

use super::connection::cause;
use crate::store::{Result, StoreError};

/// Number and text of every migration, in order. A released one never changes.
pub const MIGRATIONS: &[(i32, &str)] = &[
    (1, include_str!("../../../migrations/postgres/0001_spine.sql")),
    (2, include_str!("../../../migrations/postgres/0002_own_data.sql")),
    (3, include_str!("../../../migrations/postgres/0003_keys.sql")),
    (4, include_str!("../../../migrations/postgres/0004_compactions.sql")),
    (5, include_str!("../../../migrations/postgres/0005_closures.sql")),
];

/// Nodes that start at once wait here for one another: "HXMI".
const ADVISORY_LOCK: i64 = 0x4858_4d49;

/// What a Hexmile store's table of the network says of itself.
const MARK: &str = "Hexmile store";

/// Tables of the schema that no extension brought, and whether one of them bears the mark.
const OWNER: &str = "/* migrate */
    SELECT count(*),
           count(*) FILTER (WHERE c.relname = 'network'
                            AND obj_description(c.oid, 'pg_class') = $1) > 0
    FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')";

/// Brings the schema up to date in one transaction, after checking what was applied before.
pub(super) async fn migrate(
    client: &mut ClientWrapper,
    store: &str,
    network: NetworkId,
) -> Result<()> {
    let failed = |e: Error| StoreError::Open { store: store.to_owned(), cause: cause(&e) };
    let tx = client.transaction().await.map_err(failed)?;
    prepare(&tx, store, network).await?;
    check_and_apply(&tx, store).await?;
    let row = tx.query_one("/* migrate */ SELECT id FROM network", &[]).await.map_err(failed)?;
    let found: &[u8] = row.try_get(0).map_err(failed)?;
    if found != network.0 {
        return Err(StoreError::Network {
            store: store.to_owned(),
            found: hex::encode(found),
            wanted: network.to_string(),
        });
    }
    tx.commit().await.map_err(failed)
}

/// Locks out other nodes, refuses the database of some other program, and marks an empty one.
async fn prepare(tx: &Transaction<'_>, store: &str, network: NetworkId) -> Result<()> {
    let refused = |cause: String| StoreError::Open { store: store.to_owned(), cause };
    let failed = |e: Error| refused(cause(&e));
    // Another node's migration may take long; so may this one's.
    tx.batch_execute(&format!(
        "/* migrate */ SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = 0;
         SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"
    ))
    .await
    .map_err(failed)?;
    let row = tx.query_one("/* migrate */ SHOW server_encoding", &[]).await.map_err(failed)?;
    let encoding: &str = row.try_get(0).map_err(failed)?;
    if encoding != "UTF8" {
        return Err(refused(format!("the database's encoding is {encoding}, and must be UTF8")));
    }
    let row = tx.query_one(OWNER, &[&MARK]).await.map_err(failed)?;
    let (tables, ours): (i64, bool) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    if tables > 0 && !ours {
        return Err(refused("the database holds tables of some other program".to_owned()));
    }
    if tables == 0 {
        tx.batch_execute(&format!(
            "/* migrate */
             CREATE TABLE migration (version INTEGER PRIMARY KEY, sha256 BYTEA NOT NULL);
             CREATE TABLE network (one SMALLINT PRIMARY KEY CHECK (one = 1), id BYTEA NOT NULL);
             COMMENT ON TABLE network IS '{MARK}'"
        ))
        .await
        .map_err(failed)?;
        tx.execute("/* migrate */ INSERT INTO network VALUES (1, $1)", &[&network.0.as_slice()])
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn check_and_apply(tx: &Transaction<'_>, store: &str) -> Result<()> {
    let failed = |e: Error| StoreError::Open { store: store.to_owned(), cause: cause(&e) };
    let rows = tx
        .query("/* migrate */ SELECT version, sha256 FROM migration ORDER BY version", &[])
        .await
        .map_err(failed)?;
    let applied = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<std::result::Result<Vec<(i32, &[u8])>, Error>>()
        .map_err(failed)?;
    let known = MIGRATIONS.last().map_or(0, |m| m.0);
    if let Some((found, _)) = applied.last().filter(|(version, _)| *version > known) {
        return Err(StoreError::Newer {
            store: store.to_owned(),
            found: found.unsigned_abs(),
            known: known.unsigned_abs(),
        });
    }
    for (version, sql) in MIGRATIONS {
        let hash = Sha256::digest(sql.as_bytes());
        match applied.iter().find(|(applied, _)| applied == version) {
            Some((_, applied)) if *applied == hash.as_slice() => {}
            Some(_) => {
                let version = version.unsigned_abs();
                return Err(StoreError::Migration { store: store.to_owned(), version });
            }
            None => {
                tx.batch_execute(sql).await.map_err(failed)?;
                tx.execute(
                    "/* migrate */ INSERT INTO migration VALUES ($1, $2)",
                    &[version, &hash.as_slice()],
                )
                .await
                .map_err(failed)?;
            }
        }
    }
    Ok(())
}
