//! The log of folded traces, and the Merkle log beside it.
//!
//! Whoever appends locks the one row of `log_head` and holds it until it has committed, so that
//! positions are dense and no reader sees one before those below it.

use std::collections::HashMap;

use hexmile_rewards::merkle::Frontier;
use hexmile_trace::{AccountId, DeviceId, TraceId};
use tokio_postgres::Row;

use super::{
    columns::{bytes, get, int, ints, limit, uint},
    connection::{Db, Fault, Outcome},
};
use crate::store::{
    FoldCommit, FoldedTrace, LeafKind, LogHead, LogRow, Logged, LoggedTrace, erasure,
};

/// The one row that every writer of the log goes through.
pub(super) struct Head {
    pub(super) next_position: u64,
    pub(super) erasures: u64,
    frontier: Frontier,
}

async fn read_head(db: &Db<'_>, sql: &str) -> Outcome<Head> {
    let row = db.row(sql, &[]).await?;
    let row = row.ok_or_else(|| Fault::Corrupt("the head of the log is gone".to_owned()))?;
    let frontier = Frontier::unpack(get(&row, 1)?)
        .map_err(|e| Fault::Corrupt(format!("the frontier of the log: {e}")))?;
    Ok(Head { next_position: uint(&row, 0)?, frontier, erasures: uint(&row, 2)? })
}

/// Waits for whoever appends before; the lock goes with the transaction.
pub(super) async fn lock_head(db: &Db<'_>) -> Outcome<Head> {
    let sql = "/* lock_head */ SELECT next_position, frontier, erasures FROM log_head FOR UPDATE";
    read_head(db, sql).await
}

pub(super) async fn write_head(db: &Db<'_>, head: &Head) -> Outcome<LogHead> {
    db.run(
        "/* write_head */ UPDATE log_head SET next_position = $1, frontier = $2, erasures = $3",
        &[&int(head.next_position)?, &head.frontier.pack(), &int(head.erasures)?],
    )
    .await?;
    Ok(public_head(head))
}

pub(super) fn public_head(head: &Head) -> LogHead {
    LogHead {
        next_position: head.next_position,
        tree_size: head.frontier.size(),
        root: head.frontier.root(),
        erasures: head.erasures,
    }
}

async fn insert_leaves(
    db: &Db<'_>,
    frontier: &mut Frontier,
    leaves: impl ExactSizeIterator<Item = (LeafKind, [u8; 32])>,
) -> Outcome<()> {
    let (mut numbers, mut kinds, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, hash) in leaves {
        numbers.push(int(frontier.size())?);
        kinds.push(i16::from(kind as u8));
        hashes.push(hash);
        frontier.append(hash);
    }
    db.run(
        "/* insert_leaves */ INSERT INTO log_leaf
         SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bytea[])",
        &[&numbers, &kinds, &hashes],
    )
    .await?;
    Ok(())
}

/// Appends leaves outside a batch of folds; the caller has locked the head.
pub(super) async fn append_leaves(
    db: &Db<'_>,
    mut head: Head,
    leaves: &[(LeafKind, [u8; 32])],
) -> Outcome<LogHead> {
    insert_leaves(db, &mut head.frontier, leaves.iter().copied()).await?;
    write_head(db, &head).await
}

pub(super) async fn log_head(db: &Db<'_>) -> Outcome<LogHead> {
    let sql = "/* log_head */ SELECT next_position, frontier, erasures FROM log_head";
    Ok(public_head(&read_head(db, sql).await?))
}

/// What the log says of a trace beside its fold.
struct Pending {
    account: [u8; 16],
    device: [u8; 16],
    received_at_ms: i64,
}

/// Locks those traces of a batch that wait to be folded, in one order, so that none waits in a
/// circle with another node that folds some of them too.
async fn lock_pending(db: &Db<'_>, folds: &[FoldedTrace]) -> Outcome<HashMap<TraceId, Pending>> {
    let ids: Vec<&[u8]> = folds.iter().map(|fold| &fold.trace.0[..]).collect();
    db.rows(
        "/* commit_folds */ SELECT trace_id, account_id, device_id, received_at_ms FROM trace
         WHERE trace_id = ANY($1) AND state = 0 ORDER BY trace_id FOR NO KEY UPDATE",
        &[&ids],
    )
    .await?
    .iter()
    .map(|row| {
        let pending = Pending {
            account: bytes(row, 1)?,
            device: bytes(row, 2)?,
            received_at_ms: get(row, 3)?,
        };
        Ok((TraceId(bytes(row, 0)?), pending))
    })
    .collect()
}

pub(super) async fn commit_folds(db: &Db<'_>, folds: &[FoldedTrace]) -> Outcome<FoldCommit> {
    let mut pending = lock_pending(db, folds).await?;
    // A trace that comes twice in a batch counts where it comes first.
    let new: Vec<(&FoldedTrace, Pending)> =
        folds.iter().filter_map(|fold| Some((fold, pending.remove(&fold.trace)?))).collect();
    if new.is_empty() {
        return Ok(FoldCommit { appended: 0, head: log_head(db).await? });
    }
    let mut head = lock_head(db).await?;
    insert_folds(db, head.next_position, &new).await?;
    let leaves = new.iter().map(|(fold, _)| (LeafKind::Receipt, fold.leaf));
    insert_leaves(db, &mut head.frontier, leaves).await?;
    head.next_position += new.len() as u64;
    Ok(FoldCommit { appended: new.len(), head: write_head(db, &head).await? })
}

async fn insert_folds(
    db: &Db<'_>,
    first_position: u64,
    new: &[(&FoldedTrace, Pending)],
) -> Outcome<()> {
    let column =
        |of: fn(&FoldedTrace) -> &[u8]| new.iter().map(|(f, _)| of(f)).collect::<Vec<&[u8]>>();
    let text = |of: fn(&FoldedTrace) -> &str| new.iter().map(|(f, _)| of(f)).collect::<Vec<&str>>();
    let positions = (first_position..).take(new.len()).map(int).collect::<Outcome<Vec<i64>>>()?;
    let ids = column(|fold| &fold.trace.0);
    db.run(
        "/* commit_folds */ UPDATE trace SET state = 1, position = folded.position
         FROM unnest($1::bytea[], $2::bigint[]) AS folded (trace_id, position)
         WHERE trace.trace_id = folded.trace_id",
        &[&ids, &positions],
    )
    .await?;
    db.run(
        "/* commit_folds */ INSERT INTO fold
         SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[],
                              $6::bigint[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])",
        &[
            &positions,
            &ids,
            &new.iter().map(|(_, p)| p.account).collect::<Vec<_>>(),
            &new.iter().map(|(_, p)| p.device).collect::<Vec<_>>(),
            &new.iter().map(|(_, p)| p.received_at_ms).collect::<Vec<_>>(),
            &ints(new, |(fold, _)| fold.folded_at_ms)?,
            &text(|fold| fold.verdict.rejected.as_deref().unwrap_or_default()),
            &text(|fold| &fold.verdict.evidence),
            &column(|fold| &fold.observations),
            &column(|fold| &fold.contributions),
        ],
    )
    .await?;
    Ok(())
}

/// Columns of a logged trace, in the order that [`logged`] reads them in.
pub(super) const LOGGED: &str = "fold.position, fold.folded_at_ms, fold.trace_id, fold.account_id, fold.device_id, \
     fold.received_at_ms, fold.rejected = '', fold.observations, fold.contributions";

/// The trace in the columns of [`LOGGED`].
pub(super) fn logged(row: &Row) -> Outcome<LoggedTrace> {
    Ok(LoggedTrace {
        trace: TraceId(bytes(row, 2)?),
        account: AccountId(bytes(row, 3)?),
        device: DeviceId(bytes(row, 4)?),
        received_at_ms: uint(row, 5)?,
        accepted: get(row, 6)?,
        observations: get(row, 7)?,
        contributions: get(row, 8)?,
    })
}

/// The row in the columns of [`LOGGED`], then what an erasure names, where it is one.
pub(super) fn row(row: &Row) -> Outcome<LogRow> {
    let what = if get::<&[u8]>(row, 2)?.is_empty() {
        let forget: Option<&[u8]> = get(row, 9)?;
        Logged::Erased { forget: erasure::unpack(forget.unwrap_or_default()) }
    } else {
        Logged::Trace(logged(row)?)
    };
    Ok(LogRow { position: uint(row, 0)?, folded_at_ms: uint(row, 1)?, what })
}

pub(super) async fn read_log(db: &Db<'_>, position: u64, n: usize) -> Outcome<Vec<LogRow>> {
    let sql = format!(
        "/* read_log */ SELECT {LOGGED}, erasure.forget
         FROM fold LEFT JOIN erasure USING (position)
         WHERE fold.position >= $1 ORDER BY fold.position LIMIT $2"
    );
    db.rows(&sql, &[&int(position)?, &limit(n)]).await?.iter().map(row).collect()
}

/// Fold times rise with positions but for the skew between nodes' clocks, so that a search by
/// halves finds the place without an index.
pub(super) async fn position_at(db: &Db<'_>, since_ms: u64) -> Outcome<u64> {
    let since_ms = int(since_ms)?;
    let (mut low, mut high) = (0, log_head(db).await?.next_position);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = db
            .row(
                "/* position_at */ SELECT folded_at_ms FROM fold WHERE position >= $1
                 ORDER BY position LIMIT 1",
                &[&int(middle)?],
            )
            .await?;
        match row.map(|row| get::<i64>(&row, 0)).transpose()? {
            Some(at) if at < since_ms => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

pub(super) async fn log_leaves(db: &Db<'_>, from: u64, to: u64) -> Outcome<Vec<[u8; 32]>> {
    db.rows(
        "/* log_leaves */ SELECT hash FROM log_leaf WHERE leaf >= $1 AND leaf < $2 ORDER BY leaf",
        &[&int(from)?, &int(to)?],
    )
    .await?
    .iter()
    .map(|row| bytes(row, 0))
    .collect()
}
