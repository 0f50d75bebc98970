//! Typical traffic: compactions of the log, and the rows that still wait.
//!
//! Whoever writes or forgets a compaction takes the turn first, then, for what waits, the head of
//! the log: an erasure, which holds the head too, leaves nothing waiting that it did not see.

use tokio_postgres::Row;

use super::{
    columns::{get, int, limit, uint},
    connection::{Db, Fault, LONG_STATEMENTS, Outcome},
    log,
};
use crate::store::{Compaction, CompactionCommit, CompactionRecord, LogRow};

const RECORD: &str = "number, end_position, at_ms, parts";

fn record(row: &Row) -> Outcome<CompactionRecord> {
    let parts = uint(row, 3)?;
    Ok(CompactionRecord {
        number: uint(row, 0)?,
        end_position: uint(row, 1)?,
        at_ms: uint(row, 2)?,
        parts: u32::try_from(parts)
            .map_err(|_| Fault::Corrupt(format!("a compaction of {parts} parts")))?,
    })
}

/// Waits for whoever writes or forgets compactions before; readers do not wait.
async fn take_turn(db: &Db<'_>) -> Outcome<()> {
    db.run(LONG_STATEMENTS, &[]).await?;
    db.run("/* take_turn */ LOCK TABLE compaction IN SHARE ROW EXCLUSIVE MODE", &[]).await?;
    Ok(())
}

pub(super) async fn commit_compaction(
    db: &Db<'_>,
    compaction: &Compaction,
) -> Outcome<CompactionCommit> {
    take_turn(db).await?;
    let kept = compaction
        .record()
        .ok_or_else(|| Fault::Corrupt("a compaction of more than 2^32 parts".to_owned()))?;
    let last = last_compaction(db).await?;
    if db.in_doubt && last == Some(kept) {
        // Committed by the attempt whose connection went.
        return Ok(CompactionCommit::Committed);
    }
    let head = log::log_head(db).await?;
    if !compaction.follows(last.as_ref(), head.next_position) {
        return Ok(CompactionCommit::NotNext);
    }
    if head.erasures != compaction.erasures {
        return Ok(CompactionCommit::Erased);
    }
    // Parts are large: they are written before the head is held, so that folding need not wait.
    db.run("/* commit_compaction */ SAVEPOINT parts", &[]).await?;
    insert_parts(db, &kept, &compaction.parts).await?;
    if log::lock_head(db).await?.erasures != compaction.erasures {
        db.run("/* commit_compaction */ ROLLBACK TO SAVEPOINT parts", &[]).await?;
        return Ok(CompactionCommit::Erased);
    }
    write_waiting(db, compaction).await?;
    Ok(CompactionCommit::Committed)
}

async fn insert_parts(db: &Db<'_>, kept: &CompactionRecord, parts: &[Vec<u8>]) -> Outcome<()> {
    let number = int(kept.number)?;
    db.run(
        "/* insert_parts */ INSERT INTO compaction VALUES ($1, $2, $3, $4)",
        &[&number, &int(kept.end_position)?, &int(kept.at_ms)?, &i64::from(kept.parts)],
    )
    .await?;
    // One a statement: all of them may be more than a message may hold.
    for (n, sums) in (0..kept.parts).zip(parts) {
        db.run(
            "/* insert_parts */ INSERT INTO compaction_part VALUES ($1, $2, $3)",
            &[&number, &i64::from(n), sums],
        )
        .await?;
    }
    Ok(())
}

async fn write_waiting(db: &Db<'_>, compaction: &Compaction) -> Outcome<()> {
    let waiting = compaction.waiting().map_err(|position| {
        Fault::Corrupt(format!("a compaction to {} lets {position} wait", compaction.end_position))
    })?;
    let (mut positions, mut kept, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for (position, which) in waiting {
        if which.is_empty() {
            gone.push(int(position)?);
        } else {
            positions.push(int(position)?);
            kept.push(which);
        }
    }
    db.run("/* write_waiting */ DELETE FROM waiting WHERE position = ANY($1)", &[&gone]).await?;
    db.run(
        "/* write_waiting */ INSERT INTO waiting SELECT * FROM unnest($1::bigint[], $2::bytea[])
         ON CONFLICT (position) DO UPDATE SET which = excluded.which",
        &[&positions, &kept],
    )
    .await?;
    Ok(())
}

pub(super) async fn last_compaction(db: &Db<'_>) -> Outcome<Option<CompactionRecord>> {
    let sql = format!(
        "/* last_compaction */ SELECT {RECORD} FROM compaction ORDER BY number DESC LIMIT 1"
    );
    db.row(&sql, &[]).await?.map(|row| record(&row)).transpose()
}

pub(super) async fn compactions(db: &Db<'_>) -> Outcome<Vec<CompactionRecord>> {
    let sql = format!("/* compactions */ SELECT {RECORD} FROM compaction ORDER BY number");
    db.rows(&sql, &[]).await?.iter().map(record).collect()
}

pub(super) async fn compaction_part(
    db: &Db<'_>,
    number: u64,
    part: u32,
) -> Outcome<Option<Vec<u8>>> {
    let sql =
        "/* compaction_part */ SELECT sums FROM compaction_part WHERE number = $1 AND part = $2";
    let row = db.row(sql, &[&int(number)?, &i64::from(part)]).await?;
    row.map(|row| get(&row, 0)).transpose()
}

pub(super) async fn waiting_rows(
    db: &Db<'_>,
    position: u64,
    n: usize,
) -> Outcome<Vec<(LogRow, Vec<u8>)>> {
    let sql = format!(
        "/* waiting_rows */ SELECT {}, NULL::bytea, waiting.which
         FROM waiting JOIN fold USING (position)
         WHERE waiting.position >= $1 ORDER BY waiting.position LIMIT $2",
        log::LOGGED
    );
    let rows = db.rows(&sql, &[&int(position)?, &limit(n)]).await?;
    rows.iter().map(|row| Ok((log::row(row)?, get(row, 10)?))).collect()
}

/// Numbers stay without gaps, also where a node's clock went back: one that is kept keeps those
/// after it.
pub(super) async fn forget_compactions(
    db: &Db<'_>,
    compactions_before_ms: u64,
    waiting_before_ms: u64,
) -> Outcome<u64> {
    take_turn(db).await?;
    let row = db
        .row(
            "/* forget_compactions */
             SELECT coalesce(min(number) FILTER (WHERE at_ms >= $1), max(number)) FROM compaction",
            &[&int(compactions_before_ms)?],
        )
        .await?;
    let first: Option<i64> = row.map(|row| get(&row, 0)).transpose()?.flatten();
    db.run("/* forget_compactions */ DELETE FROM compaction_part WHERE number < $1", &[&first])
        .await?;
    let forgotten = db
        .run("/* forget_compactions */ DELETE FROM compaction WHERE number < $1", &[&first])
        .await?;
    let end = int(log::position_at(db, waiting_before_ms).await?)?;
    log::lock_head(db).await?;
    db.run("/* forget_compactions */ DELETE FROM waiting WHERE position < $1", &[&end]).await?;
    Ok(forgotten)
}
