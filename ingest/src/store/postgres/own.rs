//! What belongs to one account: to hand over, and to erase.

use hexmile_trace::{AccountId, DeviceId, NetworkId};

use super::{
    columns::{bytes, get, int, limit, uint},
    connection::{Db, LONG_STATEMENTS, Outcome},
    enrol, epochs, log,
    traces::{RECEIPT, receipt_of},
};
use crate::store::{
    Bucket, Device, Erased, Erasure, OwnFold, OwnTrace, Verdict,
    erasure::{driver, erased, leaf, pack, unit, without},
};

pub(super) async fn devices(db: &Db<'_>, account: AccountId) -> Outcome<Vec<Device>> {
    let sql = "/* devices */ SELECT device_id FROM device WHERE account_id = $1 ORDER BY device_id";
    let mut out = Vec::new();
    for row in db.rows(sql, &[&account.0]).await? {
        out.extend(enrol::device(db, DeviceId(bytes(&row, 0)?)).await?);
    }
    Ok(out)
}

pub(super) async fn traces(
    db: &Db<'_>,
    network: NetworkId,
    device: DeviceId,
    after: Option<u64>,
    n: usize,
) -> Outcome<Vec<OwnTrace>> {
    let after = after.map_or(Ok(-1), int)?;
    let sql = format!(
        "/* own_traces */ SELECT {RECEIPT}, trace.position, payload.payload
         FROM trace LEFT JOIN payload USING (trace_id)
         WHERE device_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"
    );
    db.rows(&sql, &[&device.0, &after, &limit(n)])
        .await?
        .iter()
        .map(|row| {
            let position: Option<i64> = get(row, 7)?;
            Ok(OwnTrace {
                receipt: receipt_of(network, row)?,
                position: position.map(|_| uint(row, 7)).transpose()?,
                payload: get(row, 8)?,
            })
        })
        .collect()
}

pub(super) async fn folds(
    db: &Db<'_>,
    account: AccountId,
    position: u64,
    n: usize,
) -> Outcome<Vec<OwnFold>> {
    let sql = format!(
        "/* own_folds */ SELECT {}, rejected, evidence FROM fold
         WHERE account_id = $1 AND position >= $2 ORDER BY position LIMIT $3",
        log::LOGGED
    );
    db.rows(&sql, &[&account.0, &int(position)?, &limit(n)])
        .await?
        .iter()
        .map(|row| {
            let rejected: String = get(row, 9)?;
            Ok(OwnFold {
                position: uint(row, 0)?,
                folded_at_ms: uint(row, 1)?,
                trace: log::logged(row)?,
                verdict: Verdict {
                    rejected: Some(rejected).filter(|code| !code.is_empty()),
                    evidence: get(row, 10)?,
                },
            })
        })
        .collect()
}

/// Every bucket is looked at: which ones know an account stands nowhere else.
pub(super) async fn buckets(db: &Db<'_>, account: AccountId) -> Outcome<Vec<Bucket>> {
    db.rows(
        "/* own_buckets */ SELECT cell, state FROM bucket
         WHERE position($1::bytea IN state) > 0 ORDER BY cell",
        &[&unit(account)],
    )
    .await?
    .iter()
    .map(|row| Ok(Bucket { cell: uint(row, 0)?, state: get(row, 1)? }))
    .collect()
}

/// Locks in the order of all: the account, its devices, their traces, the head of the log. Whoever
/// would add to them waits, and finds them gone.
pub(super) async fn erase(db: &Db<'_>, erasure: &Erasure) -> Outcome<Option<Erased>> {
    let account = erasure.account;
    db.run(LONG_STATEMENTS, &[]).await?;
    let found = db
        .row("/* erase */ SELECT FROM account WHERE account_id = $1 FOR UPDATE", &[&account.0])
        .await?;
    if found.is_none() {
        // Erased by the attempt whose connection went: somewhere below the end of the log.
        let end = log::log_head(db).await?.next_position;
        let done = Erased { position: end.saturating_sub(1), ..Erased::default() };
        return Ok(db.in_doubt.then_some(done));
    }
    for sql in [
        "/* erase */ SELECT FROM device WHERE account_id = $1 ORDER BY device_id FOR UPDATE",
        "/* erase */ SELECT FROM trace WHERE device_id IN
             (SELECT device_id FROM device WHERE account_id = $1) ORDER BY trace_id FOR UPDATE",
    ] {
        db.rows(sql, &[&account.0]).await?;
    }
    let mut head = log::lock_head(db).await?;
    let mut done = Erased { position: head.next_position, ..Erased::default() };
    db.run(
        "/* erase */ DELETE FROM payload WHERE trace_id IN
             (SELECT trace_id FROM trace JOIN device USING (device_id)
              WHERE device.account_id = $1)",
        &[&account.0],
    )
    .await?;
    done.traces = db
        .run(
            "/* erase */ DELETE FROM trace WHERE device_id IN
                 (SELECT device_id FROM device WHERE account_id = $1)",
            &[&account.0],
        )
        .await?;
    db.run(
        "/* erase */ DELETE FROM attestation USING device
         WHERE attestation.device_id = device.device_id AND device.account_id = $1",
        &[&account.0],
    )
    .await?;
    done.devices =
        db.run("/* erase */ DELETE FROM device WHERE account_id = $1", &[&account.0]).await?;
    db.run(
        "/* erase */ DELETE FROM waiting WHERE position IN
             (SELECT position FROM fold WHERE account_id = $1)",
        &[&account.0],
    )
    .await?;
    done.folds = db
        .run(
            "/* erase */ UPDATE fold SET trace_id = '', account_id = '', device_id = '',
                 received_at_ms = 0, rejected = 'erased', evidence = '', observations = '',
                 contributions = ''
             WHERE account_id = $1",
            &[&account.0],
        )
        .await?;
    done.scores = erase_scores(db, account).await?;
    done.buckets = erase_from_buckets(db, account).await?;
    db.run("/* erase */ DELETE FROM account WHERE account_id = $1", &[&account.0]).await?;
    let (position, at_ms) = (int(head.next_position)?, int(erasure.at_ms)?);
    db.run(
        "/* erase */ INSERT INTO fold VALUES ($1, '', '', '', 0, $2, 'erased', '', '', '')",
        &[&position, &at_ms],
    )
    .await?;
    db.run(
        "/* erase */ INSERT INTO erasure VALUES ($1, $2, $3)",
        &[&position, &at_ms, &pack(&erasure.forget)],
    )
    .await?;
    head.next_position += 1;
    head.erasures += 1;
    log::write_head(db, &head).await?;
    Ok(Some(done))
}

/// Takes the name from scores and ledger; returns how many scores there were.
async fn erase_scores(db: &Db<'_>, account: AccountId) -> Outcome<u64> {
    let scores = epochs::account_scores(db, account, i64::MAX as u64, usize::MAX).await?;
    let name = driver(account);
    for (epoch, score) in &scores {
        let leaf = leaf(*epoch, account, score.score, score.pay);
        let (number, place) = (int(*epoch)?, int(score.place)?);
        db.run(
            "/* erase */ UPDATE score SET account_id = NULL, leaf = $1
             WHERE epoch = $2 AND place = $3",
            &[&leaf, &number, &place],
        )
        .await?;
        db.run(
            "/* erase */ UPDATE ledger SET debit = CASE debit WHEN $1 THEN $2 ELSE debit END,
                                           credit = CASE credit WHEN $1 THEN $2 ELSE credit END
             WHERE epoch = $3 AND (debit = $1 OR credit = $1)",
            &[&name, &erased(*epoch, score.place), &number],
        )
        .await?;
    }
    Ok(scores.len() as u64)
}

async fn erase_from_buckets(db: &Db<'_>, account: AccountId) -> Outcome<u64> {
    let buckets = buckets(db, account).await?;
    for bucket in &buckets {
        let state = without(bucket.cell, bucket.state.clone(), account);
        db.run(
            "/* erase */ UPDATE bucket SET state = $1 WHERE cell = $2",
            &[&state, &int(bucket.cell)?],
        )
        .await?;
    }
    Ok(buckets.len() as u64)
}

pub(super) async fn forget_erasures(db: &Db<'_>, before_ms: u64) -> Outcome<u64> {
    let sql = "/* forget_erasures */ DELETE FROM erasure WHERE erased_at_ms < $1";
    db.run(sql, &[&int(before_ms)?]).await
}
