//! Closed epochs: records, scores, ledger, buckets.

use hexmile_trace::AccountId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    connection::{Fault, Outcome, bytes, int, uint},
    log,
};
use crate::store::{Bucket, Epoch, EpochCommit, EpochRecord, LedgerRow, Score};

const RECORD: &str = "number, first_position, end_position, closed_at_ms, rules_hash, pool, paid, \
                      unallocated, target_score, total_score, scores_root";

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
        db.prepare_cached("/* commit_epoch */ INSERT INTO score VALUES (?, ?, ?, ?)")?;
    for s in &epoch.scores {
        score.execute(params![int(r.number)?, s.account.0, s.score.to_string(), int(s.pay)?])?;
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

pub(super) fn scores(
    db: &Connection,
    epoch: u64,
    after: Option<AccountId>,
    limit: usize,
) -> Outcome<Vec<Score>> {
    let after = after.map_or_else(Vec::new, |a| a.0.to_vec());
    let rows = db
        .prepare_cached(
            "/* scores */ SELECT account_id, score, pay FROM score
             WHERE epoch = ? AND account_id > ? ORDER BY account_id LIMIT ?",
        )?
        .query_map(params![int(epoch)?, after, limit as i64], |r| {
            Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?, r.get(2)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    rows.iter().map(|(account, score, pay)| self::score(account, score, *pay)).collect()
}

fn score(account: &[u8], score: &str, pay: i64) -> Outcome<Score> {
    Ok(Score { account: AccountId(bytes(account)?), score: decimal(score)?, pay: uint(pay)? })
}

pub(super) fn ledger(db: &Connection, epoch: u64) -> Outcome<Vec<LedgerRow>> {
    let rows = db
        .prepare_cached(
            "/* ledger */ SELECT entry, debit, credit, amount FROM ledger
             WHERE epoch = ? ORDER BY entry",
        )?
        .query_map([int(epoch)?], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    rows.into_iter()
        .map(|(entry, debit, credit, amount)| {
            Ok(LedgerRow { epoch, entry: uint(entry)?, debit, credit, amount: uint(amount)? })
        })
        .collect()
}

pub(super) fn account_scores(
    db: &Connection,
    account: AccountId,
    limit: usize,
) -> Outcome<Vec<(u64, Score)>> {
    let rows = db
        .prepare_cached(
            "/* account_scores */ SELECT epoch, score, pay FROM score
             WHERE account_id = ? ORDER BY epoch DESC LIMIT ?",
        )?
        .query_map(params![account.0, limit as i64], |r| {
            Ok((r.get(0)?, r.get::<_, String>(1)?, r.get(2)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    rows.iter()
        .map(|(epoch, score, pay)| Ok((uint(*epoch)?, self::score(&account.0, score, *pay)?)))
        .collect()
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
