//! The log of folded traces, and the Merkle log beside it.

use hexmile_rewards::merkle::Frontier;
use hexmile_trace::{AccountId, DeviceId, TraceId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::{Fault, Outcome, bytes, int, uint};
use crate::store::{
    FoldCommit, FoldedTrace, LeafKind, LogHead, LogRow, Logged, LoggedTrace, erasure,
};

/// The one row that every writer of the log goes through.
pub(super) struct Head {
    pub(super) next_position: u64,
    pub(super) erasures: u64,
    frontier: Frontier,
}

pub(super) fn read_head(db: &Connection) -> Outcome<Head> {
    let (next_position, frontier, erasures) = db
        .prepare_cached("/* log_head */ SELECT next_position, frontier, erasures FROM log_head")?
        .query_row([], |r| Ok((r.get(0)?, r.get::<_, Vec<u8>>(1)?, r.get(2)?)))?;
    let frontier = Frontier::unpack(&frontier)
        .map_err(|e| Fault::Corrupt(format!("the frontier of the log: {e}")))?;
    Ok(Head { next_position: uint(next_position)?, frontier, erasures: uint(erasures)? })
}

pub(super) fn write_head(db: &Connection, head: &Head) -> Outcome<LogHead> {
    db.prepare_cached(
        "/* log_head */ UPDATE log_head SET next_position = ?, frontier = ?, erasures = ?",
    )?
    .execute(params![int(head.next_position)?, head.frontier.pack(), int(head.erasures)?])?;
    Ok(public_head(head))
}

fn public_head(head: &Head) -> LogHead {
    LogHead {
        next_position: head.next_position,
        tree_size: head.frontier.size(),
        root: head.frontier.root(),
        erasures: head.erasures,
    }
}

fn append_leaf(
    db: &Connection,
    frontier: &mut Frontier,
    kind: LeafKind,
    hash: [u8; 32],
) -> Outcome<()> {
    db.prepare_cached("/* append_leaf */ INSERT INTO log_leaf VALUES (?, ?, ?)")?
        .execute(params![int(frontier.size())?, kind as u8, hash])?;
    frontier.append(hash);
    Ok(())
}

/// Appends leaves outside a batch of folds; the caller is in a write transaction.
pub(super) fn append_leaves(db: &Connection, leaves: &[(LeafKind, [u8; 32])]) -> Outcome<LogHead> {
    let mut head = read_head(db)?;
    for (kind, hash) in leaves {
        append_leaf(db, &mut head.frontier, *kind, *hash)?;
    }
    write_head(db, &head)
}

pub(super) fn log_head(db: &Connection) -> Outcome<LogHead> {
    Ok(public_head(&read_head(db)?))
}

pub(super) fn commit_folds(db: &Connection, folds: &[FoldedTrace]) -> Outcome<FoldCommit> {
    let mut head = read_head(db)?;
    let mut appended = 0;
    for fold in folds {
        if commit_fold(db, head.next_position, fold)? {
            append_leaf(db, &mut head.frontier, LeafKind::Receipt, fold.leaf)?;
            head.next_position += 1;
            appended += 1;
        }
    }
    Ok(FoldCommit { appended, head: write_head(db, &head)? })
}

/// False where the trace is unknown or was folded before.
fn commit_fold(db: &Connection, position: u64, fold: &FoldedTrace) -> Outcome<bool> {
    let position = int(position)?;
    let row = db
        .prepare_cached(
            "/* commit_folds */ UPDATE trace SET state = 1, position = ?
             WHERE trace_id = ? AND state = 0
             RETURNING account_id, device_id, received_at_ms",
        )?
        .query_row(params![position, fold.trace.0], |r| {
            Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((account, device, received_at_ms)) = row else { return Ok(false) };
    db.prepare_cached("/* commit_folds */ INSERT INTO fold VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            position,
            fold.trace.0,
            account,
            device,
            received_at_ms,
            int(fold.folded_at_ms)?,
            fold.verdict.rejected.as_deref().unwrap_or_default(),
            fold.verdict.evidence,
            fold.observations,
            fold.contributions
        ])?;
    Ok(true)
}

/// Columns of a logged trace, in the order that [`logged`] reads them in.
pub(super) const LOGGED: &str = "fold.position, folded_at_ms, trace_id, account_id, device_id, \
                                 received_at_ms, rejected = '', observations, contributions";

/// The trace in the columns of [`LOGGED`].
pub(super) fn logged(r: &Row<'_>) -> Outcome<LoggedTrace> {
    let blob = |column| r.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
    Ok(LoggedTrace {
        trace: TraceId(bytes(blob(2)?)?),
        account: AccountId(bytes(blob(3)?)?),
        device: DeviceId(bytes(blob(4)?)?),
        received_at_ms: uint(r.get(5)?)?,
        accepted: r.get(6)?,
        observations: r.get(7)?,
        contributions: r.get(8)?,
    })
}

/// The row in the columns of [`LOGGED`], then what an erasure names, where it is one.
pub(super) fn row(r: &Row<'_>) -> Outcome<LogRow> {
    let what = if r.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?.is_empty() {
        let forget: Option<Vec<u8>> = r.get(9)?;
        Logged::Erased { forget: erasure::unpack(&forget.unwrap_or_default()) }
    } else {
        Logged::Trace(logged(r)?)
    };
    Ok(LogRow { position: uint(r.get(0)?)?, folded_at_ms: uint(r.get(1)?)?, what })
}

pub(super) fn read_log(db: &Connection, position: u64, limit: usize) -> Outcome<Vec<LogRow>> {
    let mut statement = db.prepare_cached(&format!(
        "/* read_log */ SELECT {LOGGED}, forget
         FROM fold LEFT JOIN erasure USING (position)
         WHERE fold.position >= ? ORDER BY fold.position LIMIT ?"
    ))?;
    let mut rows = statement.query(params![int(position)?, limit as i64])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(row(r)?);
    }
    Ok(out)
}

/// Fold times rise with positions but for the skew between nodes' clocks, so that a search by
/// halves finds the place without an index.
pub(super) fn position_at(db: &Connection, since_ms: u64) -> Outcome<u64> {
    let since_ms = int(since_ms)?;
    let mut statement = db.prepare_cached(
        "/* position_at */ SELECT folded_at_ms FROM fold WHERE position >= ?
         ORDER BY position LIMIT 1",
    )?;
    let (mut low, mut high) = (0, read_head(db)?.next_position);
    while low < high {
        let middle = low + (high - low) / 2;
        let at: Option<i64> = statement.query_row([int(middle)?], |r| r.get(0)).optional()?;
        match at {
            Some(at) if at < since_ms => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

pub(super) fn log_leaves(db: &Connection, from: u64, to: u64) -> Outcome<Vec<[u8; 32]>> {
    db.prepare_cached(
        "/* log_leaves */ SELECT hash FROM log_leaf WHERE leaf >= ? AND leaf < ? ORDER BY leaf",
    )?
    .query_map([int(from)?, int(to)?], |r| r.get::<_, Vec<u8>>(0))?
    .map(|hash| bytes(&hash?))
    .collect()
}
