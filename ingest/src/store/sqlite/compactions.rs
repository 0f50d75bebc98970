//! Typical traffic: compactions of the log, and the rows that still wait.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    connection::{Fault, Outcome, int, uint},
    log,
};
use crate::store::{Compaction, CompactionCommit, CompactionRecord, LogRow};

const RECORD: &str = "number, end_position, at_ms, parts";

fn record(r: &Row<'_>) -> Outcome<CompactionRecord> {
    Ok(CompactionRecord {
        number: uint(r.get(0)?)?,
        end_position: uint(r.get(1)?)?,
        at_ms: uint(r.get(2)?)?,
        parts: r.get(3)?,
    })
}

pub(super) fn commit_compaction(
    db: &Connection,
    compaction: &Compaction,
) -> Outcome<CompactionCommit> {
    let head = log::log_head(db)?;
    if !compaction.follows(last_compaction(db)?.as_ref(), head.next_position) {
        return Ok(CompactionCommit::NotNext);
    }
    if head.erasures != compaction.erasures {
        return Ok(CompactionCommit::Erased);
    }
    let kept = compaction
        .record()
        .ok_or_else(|| Fault::Corrupt("a compaction of more than 2^32 parts".to_owned()))?;
    let number = int(kept.number)?;
    db.prepare_cached("/* commit_compaction */ INSERT INTO compaction VALUES (?, ?, ?, ?)")?
        .execute(params![number, int(kept.end_position)?, int(kept.at_ms)?, kept.parts])?;
    let mut part =
        db.prepare_cached("/* commit_compaction */ INSERT INTO compaction_part VALUES (?, ?, ?)")?;
    for (n, sums) in (0..kept.parts).zip(&compaction.parts) {
        part.execute(params![number, n, sums])?;
    }
    write_waiting(db, compaction)?;
    Ok(CompactionCommit::Committed)
}

fn write_waiting(db: &Connection, compaction: &Compaction) -> Outcome<()> {
    let waiting = compaction.waiting().map_err(|position| {
        Fault::Corrupt(format!("a compaction to {} lets {position} wait", compaction.end_position))
    })?;
    let mut keep =
        db.prepare_cached("/* write_waiting */ INSERT OR REPLACE INTO waiting VALUES (?, ?)")?;
    let mut drop =
        db.prepare_cached("/* write_waiting */ DELETE FROM waiting WHERE position = ?")?;
    for (position, which) in waiting {
        let position = int(position)?;
        if which.is_empty() {
            drop.execute([position])?;
        } else {
            keep.execute(params![position, which])?;
        }
    }
    Ok(())
}

pub(super) fn last_compaction(db: &Connection) -> Outcome<Option<CompactionRecord>> {
    let mut statement = db.prepare_cached(&format!(
        "/* last_compaction */ SELECT {RECORD} FROM compaction ORDER BY number DESC LIMIT 1"
    ))?;
    let mut rows = statement.query([])?;
    rows.next()?.map(record).transpose()
}

pub(super) fn compactions(db: &Connection) -> Outcome<Vec<CompactionRecord>> {
    let mut statement = db.prepare_cached(&format!(
        "/* compactions */ SELECT {RECORD} FROM compaction ORDER BY number"
    ))?;
    let mut rows = statement.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(record(row)?);
    }
    Ok(out)
}

pub(super) fn compaction_part(db: &Connection, number: u64, part: u32) -> Outcome<Option<Vec<u8>>> {
    Ok(db
        .prepare_cached(
            "/* compaction_part */ SELECT sums FROM compaction_part WHERE number = ? AND part = ?",
        )?
        .query_row(params![int(number)?, part], |r| r.get(0))
        .optional()?)
}

pub(super) fn waiting_rows(
    db: &Connection,
    position: u64,
    limit: usize,
) -> Outcome<Vec<(LogRow, Vec<u8>)>> {
    let mut statement = db.prepare_cached(&format!(
        "/* waiting_rows */ SELECT {}, NULL, which FROM waiting JOIN fold USING (position)
         WHERE waiting.position >= ? ORDER BY waiting.position LIMIT ?",
        log::LOGGED
    ))?;
    let mut rows = statement.query(params![int(position)?, limit as i64])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push((log::row(r)?, r.get(10)?));
    }
    Ok(out)
}

/// Numbers stay without gaps, also where a node's clock went back: one that is kept keeps those
/// after it.
pub(super) fn forget_compactions(
    db: &Connection,
    compactions_before_ms: u64,
    waiting_before_ms: u64,
) -> Outcome<u64> {
    let first: Option<i64> = db
        .prepare_cached(
            "/* forget_compactions */
             SELECT coalesce(min(number) FILTER (WHERE at_ms >= ?), max(number)) FROM compaction",
        )?
        .query_row([int(compactions_before_ms)?], |r| r.get(0))?;
    db.prepare_cached("/* forget_compactions */ DELETE FROM compaction_part WHERE number < ?")?
        .execute([first])?;
    let forgotten = db
        .prepare_cached("/* forget_compactions */ DELETE FROM compaction WHERE number < ?")?
        .execute([first])?;
    let end = int(log::position_at(db, waiting_before_ms)?)?;
    db.prepare_cached("/* forget_compactions */ DELETE FROM waiting WHERE position < ?")?
        .execute([end])?;
    Ok(forgotten as u64)
}
