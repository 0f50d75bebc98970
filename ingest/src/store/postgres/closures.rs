//! Closures that operators declared.

use super::{
    columns::{bytes, get, int, uint},
    connection::{Db, Fault, Outcome},
};
use crate::store::ClosureRow;

const VERSION: &str = "/* closures_version */ SELECT version FROM closure_version";
const LOCK: &str = "/* lock_closures */ SELECT version FROM closure_version FOR UPDATE";

async fn version(db: &Db<'_>, sql: &str) -> Outcome<u64> {
    let row = db.row(sql, &[]).await?;
    let row = row.ok_or_else(|| Fault::Corrupt("the version of closures is gone".to_owned()))?;
    uint(&row, 0)
}

async fn raise_version(db: &Db<'_>) -> Outcome<()> {
    let sql = "/* raise_version */ UPDATE closure_version SET version = version + 1";
    db.run(sql, &[]).await?;
    Ok(())
}

/// Writers take turns, so that those that are kept are counted once.
pub(super) async fn declare_closure(db: &Db<'_>, closure: &ClosureRow, most: u64) -> Outcome<bool> {
    version(db, LOCK).await?;
    let row = db
        .row(
            "/* declare_closure */ SELECT count(*), coalesce(bool_or(closure_id = $1), false)
             FROM closure",
            &[&closure.id.as_slice()],
        )
        .await?;
    let row = row.ok_or_else(|| Fault::Corrupt("a count without a row".to_owned()))?;
    let (kept, known): (u64, bool) = (uint(&row, 0)?, get(&row, 1)?);
    if !known && kept >= most {
        return Ok(false);
    }
    db.run(
        "/* declare_closure */ INSERT INTO closure VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (closure_id) DO UPDATE SET
             from_ms = excluded.from_ms, until_ms = excluded.until_ms, body = excluded.body,
             declared_at_ms = excluded.declared_at_ms",
        &[
            &closure.id.as_slice(),
            &int(closure.from_ms)?,
            &int(closure.until_ms)?,
            &closure.body,
            &int(closure.declared_at_ms)?,
        ],
    )
    .await?;
    raise_version(db).await?;
    Ok(true)
}

pub(super) async fn withdraw_closure(db: &Db<'_>, id: [u8; 8]) -> Outcome<bool> {
    version(db, LOCK).await?;
    let sql = "/* withdraw_closure */ DELETE FROM closure WHERE closure_id = $1";
    let withdrawn = db.run(sql, &[&id.as_slice()]).await? > 0;
    if withdrawn {
        raise_version(db).await?;
    }
    // Where the connection went, the attempt before may have withdrawn it.
    Ok(withdrawn || db.in_doubt)
}

pub(super) async fn closures(db: &Db<'_>) -> Outcome<Vec<ClosureRow>> {
    db.rows(
        "/* closures */ SELECT closure_id, from_ms, until_ms, body, declared_at_ms FROM closure
         ORDER BY from_ms, closure_id",
        &[],
    )
    .await?
    .iter()
    .map(|row| {
        Ok(ClosureRow {
            id: bytes(row, 0)?,
            from_ms: uint(row, 1)?,
            until_ms: uint(row, 2)?,
            body: get(row, 3)?,
            declared_at_ms: uint(row, 4)?,
        })
    })
    .collect()
}

pub(super) async fn forget_closures(db: &Db<'_>, ended_before_ms: u64) -> Outcome<u64> {
    version(db, LOCK).await?;
    let sql = "/* forget_closures */ DELETE FROM closure WHERE until_ms < $1";
    let forgotten = db.run(sql, &[&int(ended_before_ms)?]).await?;
    if forgotten > 0 {
        raise_version(db).await?;
    }
    Ok(forgotten)
}

pub(super) async fn closures_version(db: &Db<'_>) -> Outcome<u64> {
    version(db, VERSION).await
}
