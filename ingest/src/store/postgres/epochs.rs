//! Closed epochs: records, scores, ledger, buckets.

use hexmile_trace::AccountId;
use tokio_postgres::Row;

use super::{
    columns::{bytes, get, int, ints, limit, uint},
    connection::{Db, Fault, LONG_STATEMENTS, Outcome},
    log,
};
use crate::store::{Bucket, Epoch, EpochCommit, EpochRecord, Holder, LedgerRow, Score};

const RECORD: &str = "number, first_position, end_position, closed_at_ms, rules_hash, pool, paid, \
                      unallocated, target_score, total_score, scores_root, \
                      coalesce((SELECT place + 1 FROM score WHERE epoch = number \
                                ORDER BY place DESC LIMIT 1), 0)";

fn record(row: &Row) -> Outcome<EpochRecord> {
    Ok(EpochRecord {
        number: uint(row, 0)?,
        first_position: uint(row, 1)?,
        end_position: uint(row, 2)?,
        closed_at_ms: uint(row, 3)?,
        rules_hash: bytes(row, 4)?,
        pool: uint(row, 5)?,
        paid: uint(row, 6)?,
        unallocated: uint(row, 7)?,
        target_score: decimal(row, 8)?,
        total_score: decimal(row, 9)?,
        scores_root: bytes(row, 10)?,
        drivers: uint(row, 11)?,
    })
}

fn decimal<T: std::str::FromStr>(row: &Row, column: usize) -> Outcome<T> {
    let text: &str = get(row, column)?;
    text.parse().map_err(|_| Fault::Corrupt(format!("a number of {text:?}")))
}

/// Takes the lock of whoever appends to the log first, so that what it finds stays so.
pub(super) async fn commit_epoch(db: &Db<'_>, epoch: &Epoch) -> Outcome<EpochCommit> {
    let r = &epoch.record;
    db.run(LONG_STATEMENTS, &[]).await?;
    let head = log::lock_head(db).await?;
    let last = epochs(db, i64::MAX as u64, 1).await?.pop();
    if db.in_doubt && last.as_ref() == Some(r) {
        // Committed by the attempt whose connection went.
        return Ok(EpochCommit::Closed(log::public_head(&head)));
    }
    let (number, first) = last.map_or((0, 0), |l| (l.number + 1, l.end_position));
    if head.erasures != epoch.erasures {
        return Ok(EpochCommit::Erased);
    }
    let range = first..=head.next_position;
    if (r.number, r.first_position) != (number, first) || !range.contains(&r.end_position) {
        return Ok(EpochCommit::NotNext);
    }
    insert_record(db, r).await?;
    insert_scores(db, r.number, &epoch.scores).await?;
    insert_ledger(db, &epoch.ledger).await?;
    upsert_buckets(db, &epoch.buckets).await?;
    Ok(EpochCommit::Closed(log::append_leaves(db, head, &epoch.leaves).await?))
}

async fn insert_record(db: &Db<'_>, r: &EpochRecord) -> Outcome<()> {
    db.run(
        "/* commit_epoch */ INSERT INTO epoch
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            &int(r.number)?,
            &int(r.first_position)?,
            &int(r.end_position)?,
            &int(r.closed_at_ms)?,
            &r.rules_hash,
            &int(r.pool)?,
            &int(r.paid)?,
            &int(r.unallocated)?,
            &r.target_score.to_string(),
            &r.total_score.to_string(),
            &r.scores_root,
        ],
    )
    .await?;
    Ok(())
}

async fn insert_scores(db: &Db<'_>, epoch: u64, scores: &[Score]) -> Outcome<()> {
    let (mut accounts, mut leaves) = (Vec::new(), Vec::new());
    for score in scores {
        let (account, leaf) = match &score.holder {
            Holder::Account(account) => (Some(&account.0[..]), None),
            Holder::Erased(leaf) => (None, Some(&leaf[..])),
        };
        accounts.push(account);
        leaves.push(leaf);
    }
    db.run(
        "/* commit_epoch */ INSERT INTO score
         SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::bigint[])",
        &[
            &int(epoch)?,
            &ints(scores, |s| s.place)?,
            &accounts,
            &leaves,
            &scores.iter().map(|s| s.score.to_string()).collect::<Vec<_>>(),
            &ints(scores, |s| s.pay)?,
        ],
    )
    .await?;
    Ok(())
}

async fn insert_ledger(db: &Db<'_>, ledger: &[LedgerRow]) -> Outcome<()> {
    db.run(
        "/* commit_epoch */ INSERT INTO ledger
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])",
        &[
            &ints(ledger, |l| l.epoch)?,
            &ints(ledger, |l| l.entry)?,
            &ledger.iter().map(|l| &l.debit).collect::<Vec<_>>(),
            &ledger.iter().map(|l| &l.credit).collect::<Vec<_>>(),
            &ints(ledger, |l| l.amount)?,
        ],
    )
    .await?;
    Ok(())
}

async fn upsert_buckets(db: &Db<'_>, buckets: &[Bucket]) -> Outcome<()> {
    db.run(
        "/* commit_epoch */ INSERT INTO bucket SELECT * FROM unnest($1::bigint[], $2::bytea[])
         ON CONFLICT (cell) DO UPDATE SET state = excluded.state",
        &[&ints(buckets, |b| b.cell)?, &buckets.iter().map(|b| &b.state[..]).collect::<Vec<_>>()],
    )
    .await?;
    Ok(())
}

pub(super) async fn buckets(db: &Db<'_>, cells: &[u64]) -> Outcome<Vec<Bucket>> {
    db.rows(
        "/* buckets */ SELECT cell, state FROM bucket WHERE cell = ANY($1) ORDER BY cell",
        &[&ints(cells, |cell| *cell)?],
    )
    .await?
    .iter()
    .map(|row| Ok(Bucket { cell: uint(row, 0)?, state: get(row, 1)? }))
    .collect()
}

pub(super) async fn epoch(db: &Db<'_>, number: u64) -> Outcome<Option<EpochRecord>> {
    let sql = format!("/* epoch */ SELECT {RECORD} FROM epoch WHERE number = $1");
    db.row(&sql, &[&int(number)?]).await?.map(|row| record(&row)).transpose()
}

pub(super) async fn epochs(db: &Db<'_>, before: u64, n: usize) -> Outcome<Vec<EpochRecord>> {
    let sql = format!(
        "/* epochs */ SELECT {RECORD} FROM epoch WHERE number < $1 ORDER BY number DESC LIMIT $2"
    );
    db.rows(&sql, &[&int(before)?, &limit(n)]).await?.iter().map(record).collect()
}

const SCORE: &str = "epoch, place, account_id, leaf, score, pay";

/// The epoch, and the score in it, in the columns of [`SCORE`].
fn score(row: &Row) -> Outcome<(u64, Score)> {
    let holder = if get::<Option<&[u8]>>(row, 2)?.is_some() {
        Holder::Account(AccountId(bytes(row, 2)?))
    } else {
        Holder::Erased(bytes(row, 3)?)
    };
    let (score, pay) = (decimal(row, 4)?, uint(row, 5)?);
    Ok((uint(row, 0)?, Score { place: uint(row, 1)?, holder, score, pay }))
}

pub(super) async fn scores(db: &Db<'_>, epoch: u64, from: u64, n: usize) -> Outcome<Vec<Score>> {
    let sql = format!(
        "/* scores */ SELECT {SCORE} FROM score
         WHERE epoch = $1 AND place >= $2 ORDER BY place LIMIT $3"
    );
    let rows = db.rows(&sql, &[&int(epoch)?, &int(from)?, &limit(n)]).await?;
    rows.iter().map(|row| Ok(score(row)?.1)).collect()
}

pub(super) async fn account_scores(
    db: &Db<'_>,
    account: AccountId,
    before: u64,
    n: usize,
) -> Outcome<Vec<(u64, Score)>> {
    let sql = format!(
        "/* account_scores */ SELECT {SCORE} FROM score
         WHERE account_id = $1 AND epoch < $2 ORDER BY epoch DESC LIMIT $3"
    );
    db.rows(&sql, &[&account.0, &int(before)?, &limit(n)]).await?.iter().map(score).collect()
}

const ENTRY: &str = "epoch, entry, debit, credit, amount";

fn entry(row: &Row) -> Outcome<LedgerRow> {
    Ok(LedgerRow {
        epoch: uint(row, 0)?,
        entry: uint(row, 1)?,
        debit: get(row, 2)?,
        credit: get(row, 3)?,
        amount: uint(row, 4)?,
    })
}

pub(super) async fn ledger(
    db: &Db<'_>,
    epoch: u64,
    from: u64,
    n: usize,
) -> Outcome<Vec<LedgerRow>> {
    let sql = format!(
        "/* ledger */ SELECT {ENTRY} FROM ledger
         WHERE epoch = $1 AND entry >= $2 ORDER BY entry LIMIT $3"
    );
    let rows = db.rows(&sql, &[&int(epoch)?, &int(from)?, &limit(n)]).await?;
    rows.iter().map(entry).collect()
}

pub(super) async fn own_ledger(
    db: &Db<'_>,
    ledger_account: &str,
    after: Option<(u64, u64)>,
    n: usize,
) -> Outcome<Vec<LedgerRow>> {
    let sql = format!(
        "/* own_ledger */ SELECT {ENTRY} FROM ledger
         WHERE (debit = $1 OR credit = $1) AND (epoch, entry) > ($2, $3)
         ORDER BY epoch, entry LIMIT $4"
    );
    let (epoch, number) = match after {
        Some((epoch, number)) => (int(epoch)?, int(number)?),
        None => (-1, -1),
    };
    let rows = db.rows(&sql, &[&ledger_account, &epoch, &number, &limit(n)]).await?;
    rows.iter().map(entry).collect()
}

pub(super) async fn balance(db: &Db<'_>, ledger_account: &str) -> Outcome<i128> {
    // Amounts are below 2^63 each; their sum over all time may pass it, and is then no bigint.
    let row = db
        .row(
            "/* balance */ SELECT (coalesce(sum(amount) FILTER (WHERE credit = $1), 0)
                                   - coalesce(sum(amount) FILTER (WHERE debit = $1), 0))::text
             FROM ledger WHERE credit = $1 OR debit = $1",
            &[&ledger_account],
        )
        .await?;
    row.map_or(Ok(0), |row| decimal(&row, 0))
}
