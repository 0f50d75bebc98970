//! Closures that operators declared.

use rusqlite::{Connection, params};

use super::connection::{Outcome, bytes, int, uint};
use crate::store::ClosureRow;

pub(super) fn declare_closure(db: &Connection, closure: &ClosureRow, most: u64) -> Outcome<bool> {
    let (kept, known): (i64, bool) = db
        .prepare_cached(
            "/* declare_closure */ SELECT count(*), coalesce(max(closure_id = ?), 0) FROM closure",
        )?
        .query_row([closure.id], |r| Ok((r.get(0)?, r.get(1)?)))?;
    if !known && uint(kept)? >= most {
        return Ok(false);
    }
    db.prepare_cached(
        "/* declare_closure */ INSERT OR REPLACE INTO closure VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        closure.id,
        int(closure.from_ms)?,
        int(closure.until_ms)?,
        closure.body,
        int(closure.declared_at_ms)?
    ])?;
    raise_version(db)?;
    Ok(true)
}

pub(super) fn withdraw_closure(db: &Connection, id: [u8; 8]) -> Outcome<bool> {
    let withdrawn = db
        .prepare_cached("/* withdraw_closure */ DELETE FROM closure WHERE closure_id = ?")?
        .execute([id])?;
    if withdrawn > 0 {
        raise_version(db)?;
    }
    Ok(withdrawn > 0)
}

pub(super) fn closures(db: &Connection) -> Outcome<Vec<ClosureRow>> {
    let mut statement = db.prepare_cached(
        "/* closures */ SELECT closure_id, from_ms, until_ms, body, declared_at_ms FROM closure
         ORDER BY from_ms, closure_id",
    )?;
    let mut rows = statement.query([])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(ClosureRow {
            id: bytes(&r.get::<_, Vec<u8>>(0)?)?,
            from_ms: uint(r.get(1)?)?,
            until_ms: uint(r.get(2)?)?,
            body: r.get(3)?,
            declared_at_ms: uint(r.get(4)?)?,
        });
    }
    Ok(out)
}

pub(super) fn forget_closures(db: &Connection, ended_before_ms: u64) -> Outcome<u64> {
    let forgotten = db
        .prepare_cached("/* forget_closures */ DELETE FROM closure WHERE until_ms < ?")?
        .execute([int(ended_before_ms)?])?;
    if forgotten > 0 {
        raise_version(db)?;
    }
    Ok(forgotten as u64)
}

pub(super) fn closures_version(db: &Connection) -> Outcome<u64> {
    uint(
        db.prepare_cached("/* closures_version */ SELECT version FROM closure_version")?
            .query_row([], |r| r.get(0))?,
    )
}

fn raise_version(db: &Connection) -> Outcome<()> {
    db.prepare_cached("/* raise_version */ UPDATE closure_version SET version = version + 1")?
        .execute([])?;
    Ok(())
}
