//! Closed epochs: records, scores, ledger, buckets.

use hexmile_trace::AccountId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    connection::{Fault, Outcome, bytes, int, uint},
    log,
};
use crate::store::{Bucket, Epoch, EpochCommit, EpochRecord, Holder, LedgerRow, Score};

const RECORD: &str = "number, first_position, end_position, closed_at_ms, rules_hash, pool, paid, \
                      unallocated, target_score, total_score, scores_root, \
                      coalesce((SELECT place + 1 FROM score WHERE epoch = number \
                                ORDER BY place DESC LIMIT 1), 0)";

fn record(r: &Row<'_>) -> Outcome<EpochRecord> {
    Ok(EpochRecord {
        number: uint(r.get(0)?)?,
        first_position: uint(r.get(1)?)?,
        end_position: uint(r.get(2)?)?,
        closed_at_ms: uint(r.get(3)?)?,
        rules_hash: bytes(&r.get::<_, Vec<u8>>(4)?)?,
        pool: uint(r.get(5)?)?,
        paid: uint(r.get(6)?)?,
        unallocated: uint(r.get(7)?)?,
        target_score: decimal(&r.get::<_, String>(8)?)?,
        total_score: decimal(&r.get::<_, String>(9)?)?,
        scores_root: bytes(&r.get::<_, Vec<u8>>(10)?)?,
        drivers: uint(r.get(11)?)?,
    })
}

fn decimal(text: &str) -> Outcome<u64> {
    text.parse().map_err(|_| Fault::Corrupt(format!("a score of {text:?}")))
}

pub(super) fn commit_epoch(db: &Connection, epoch: &Epoch) -> Outcome<EpochCommit> {
    let r = &epoch.record;
    let last = epochs(db, i64::MAX as u64, 1)?.pop();
    let (number, first) = last.map_or((0, 0), |l| (l.number + 1, l.end_position));
    let head = log::log_head(db)?;
    if head.erasures != epoch.erasures {
        return Ok(EpochCommit::Erased);
    }
    let range = first..=head.next_position;
    if (r.number, r.first_position) != (number, first) || !range.contains(&r.end_position) {
        return Ok(EpochCommit::NotNext);
    }
    db.prepare_cached(
        "/* commit_epoch */ INSERT INTO epoch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        int(r.number)?,
        int(r.first_position)?,
        int(r.end_position)?,
        int(r.closed_at_ms)?,
        r.rules_hash,
        int(r.pool)?,
        int(r.paid)?,
        int(r.unallocated)?,
        r.target_score.to_string(),
        r.total_score.to_string(),
        r.scores_root
    ])?;
    let mut score =
        db.prepare_cached("/* commit_epoch */ INSERT INTO score VALUES (?, ?, ?, ?, ?, ?)")?;
    for s in &epoch.scores {
        let (account, leaf) = match &s.holder {
            Holder::Account(account) => (Some(account.0), None),
            Holder::Erased(leaf) => (None, Some(*leaf)),
        };
        let points = s.score.to_string();
        score.execute(params![
            int(r.number)?,
            int(s.place)?,
            account,
            leaf,
            points,
            int(s.pay)?
        ])?;
    }
    let mut entry =
        db.prepare_cached("/* commit_epoch */ INSERT INTO ledger VALUES (?, ?, ?, ?, ?)")?;
    for l in &epoch.ledger {
        entry.execute(params![int(l.epoch)?, int(l.entry)?, l.debit, l.credit, int(l.amount)?])?;
    }
    let mut bucket = db.prepare_cached(
        "/* commit_epoch */ INSERT INTO bucket VALUES (?, ?)
         ON CONFLICT (cell) DO UPDATE SET state = excluded.state",
    )?;
    for b in &epoch.buckets {
        bucket.execute(params![int(b.cell)?, b.state])?;
    }
    Ok(EpochCommit::Closed(log::append_leaves(db, &epoch.leaves)?))
}

pub(super) fn buckets(db: &Connection, cells: &[u64]) -> Outcome<Vec<Bucket>> {
    let mut statement =
        db.prepare_cached("/* buckets */ SELECT state FROM bucket WHERE cell = ?")?;
    let mut cells = cells.to_vec();
    cells.sort_unstable();
    cells.dedup();
    let mut out = Vec::new();
    for cell in cells {
        if let Some(state) = statement.query_row([int(cell)?], |r| r.get(0)).optional()? {
            out.push(Bucket { cell, state });
        }
    }
    Ok(out)
}

pub(super) fn epoch(db: &Connection, number: u64) -> Outcome<Option<EpochRecord>> {
    let mut statement =
        db.prepare_cached(&format!("/* epoch */ SELECT {RECORD} FROM epoch WHERE number = ?"))?;
    let mut rows = statement.query([int(number)?])?;
    rows.next()?.map(record).transpose()
}

pub(super) fn epochs(db: &Connection, before: u64, limit: usize) -> Outcome<Vec<EpochRecord>> {
    let mut statement = db.prepare_cached(&format!(
        "/* epochs */ SELECT {RECORD} FROM epoch WHERE number < ? ORDER BY number DESC LIMIT ?"
    ))?;
    let mut rows = statement.query(params![int(before)?, limit as i64])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(record(row)?);
    }
    Ok(out)
}

const SCORE: &str = "epoch, place, account_id, leaf, score, pay";

/// The epoch, and the score in it, in the columns of [`SCORE`].
fn score(r: &Row<'_>) -> Outcome<(u64, Score)> {
    let holder = match (r.get::<_, Option<Vec<u8>>>(2)?, r.get::<_, Option<Vec<u8>>>(3)?) {
        (Some(account), _) => Holder::Account(AccountId(bytes(&account)?)),
        (None, Some(leaf)) => Holder::Erased(bytes(&leaf)?),
        (None, None) => return Err(Fault::Corrupt("a score without a holder".to_owned())),
    };
    let score = Score {
        place: uint(r.get(1)?)?,
        holder,
        score: decimal(&r.get::<_, String>(4)?)?,
        pay: uint(r.get(5)?)?,
    };
    Ok((uint(r.get(0)?)?, score))
}

fn read_scores(
    db: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Outcome<Vec<(u64, Score)>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(score(row)?);
    }
    Ok(out)
}

pub(super) fn scores(db: &Connection, epoch: u64, from: u64, limit: usize) -> Outcome<Vec<Score>> {
    let sql = format!(
        "/* scores */ SELECT {SCORE} FROM score
         WHERE epoch = ? AND place >= ? ORDER BY place LIMIT ?"
    );
    let found = read_scores(db, &sql, params![int(epoch)?, int(from)?, limit as i64])?;
    Ok(found.into_iter().map(|(_, score)| score).collect())
}

const ENTRY: &str = "epoch, entry, debit, credit, amount";

fn read_ledger(
    db: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Outcome<Vec<LedgerRow>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(LedgerRow {
            epoch: uint(r.get(0)?)?,
            entry: uint(r.get(1)?)?,
            debit: r.get(2)?,
            credit: r.get(3)?,
            amount: uint(r.get(4)?)?,
        });
    }
    Ok(out)
}

pub(super) fn ledger(
    db: &Connection,
    epoch: u64,
    from: u64,
    limit: usize,
) -> Outcome<Vec<LedgerRow>> {
    let sql = format!(
        "/* ledger */ SELECT {ENTRY} FROM ledger
         WHERE epoch = ? AND entry >= ? ORDER BY entry LIMIT ?"
    );
    read_ledger(db, &sql, params![int(epoch)?, int(from)?, limit as i64])
}

pub(super) fn own_ledger(
    db: &Connection,
    ledger_account: &str,
    after: Option<(u64, u64)>,
    limit: usize,
) -> Outcome<Vec<LedgerRow>> {
    let sql = format!(
        "/* own_ledger */ SELECT {ENTRY} FROM ledger
         WHERE (debit = ?1 OR credit = ?1) AND (epoch, entry) > (?2, ?3)
         ORDER BY epoch, entry LIMIT ?4"
    );
    let (epoch, entry) = match after {
        Some((epoch, entry)) => (int(epoch)?, int(entry)?),
        None => (-1, -1),
    };
    read_ledger(db, &sql, params![ledger_account, epoch, entry, limit as i64])
}

pub(super) fn account_scores(
    db: &Connection,
    account: AccountId,
    before: u64,
    limit: usize,
) -> Outcome<Vec<(u64, Score)>> {
    let sql = format!(
        "/* account_scores */ SELECT {SCORE} FROM score
         WHERE account_id = ? AND epoch < ? ORDER BY epoch DESC LIMIT ?"
    );
    read_scores(db, &sql, params![account.0, int(before)?, limit as i64])
}

pub(super) fn balance(db: &Connection, ledger_account: &str) -> Outcome<i128> {
    // Amounts are below 2^63 each; their sum over all time may pass it, so halves are summed apart.
    let sum = |side: &str| -> Outcome<i128> {
        let (high, low): (i64, i64) = db
            .prepare_cached(&format!(
                "/* balance */ SELECT coalesce(sum(amount >> 32), 0),
                                      coalesce(sum(amount & 4294967295), 0)
                 FROM ledger WHERE {side} = ?"
            ))?
            .query_row([ledger_account], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok((i128::from(high) << 32) + i128::from(low))
    };
    Ok(sum("credit")? - sum("debit")?)
}
