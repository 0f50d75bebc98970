//! What belongs to one account: to hand over, and to erase.

use hexmile_trace::{AccountId, DeviceId, NetworkId};
use rusqlite::{Connection, params};

use super::{
    connection::{Outcome, bytes, int, uint},
    enrol, epochs, log,
    traces::{RECEIPT, receipt_columns, receipt_of},
};
use crate::store::{
    Bucket, Device, Erased, Erasure, OwnFold, OwnTrace, Verdict,
    erasure::{driver, erased, leaf, pack, unit, without},
};

pub(super) fn devices(db: &Connection, account: AccountId) -> Outcome<Vec<Device>> {
    let ids = db
        .prepare_cached(
            "/* devices */ SELECT device_id FROM device WHERE account_id = ? ORDER BY device_id",
        )?
        .query_map([account.0], |r| r.get::<_, Vec<u8>>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        out.extend(enrol::device(db, DeviceId(bytes(&id)?))?);
    }
    Ok(out)
}

pub(super) fn traces(
    db: &Connection,
    network: NetworkId,
    device: DeviceId,
    after: Option<u64>,
    limit: usize,
) -> Outcome<Vec<OwnTrace>> {
    let after = after.map_or(Ok(-1), int)?;
    db.prepare_cached(&format!(
        "/* own_traces */ SELECT {RECEIPT}, position, payload
         FROM trace LEFT JOIN payload USING (number)
         WHERE device_id = ? AND sequence > ? ORDER BY sequence LIMIT ?"
    ))?
    .query_map(params![device.0, after, limit as i64], |r| {
        Ok((receipt_columns(r)?, r.get::<_, Option<i64>>(7)?, r.get(8)?))
    })?
    .map(|row| {
        let (receipt, position, payload) = row?;
        Ok(OwnTrace {
            receipt: receipt_of(network, &receipt)?,
            position: position.map(uint).transpose()?,
            payload,
        })
    })
    .collect()
}

pub(super) fn folds(
    db: &Connection,
    account: AccountId,
    position: u64,
    limit: usize,
) -> Outcome<Vec<OwnFold>> {
    let mut statement = db.prepare_cached(&format!(
        "/* own_folds */ SELECT {}, rejected, evidence FROM fold
         WHERE account_id = ? AND position >= ? ORDER BY position LIMIT ?",
        log::LOGGED
    ))?;
    let mut rows = statement.query(params![account.0, int(position)?, limit as i64])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let rejected: String = r.get(9)?;
        out.push(OwnFold {
            position: uint(r.get(0)?)?,
            folded_at_ms: uint(r.get(1)?)?,
            trace: log::logged(r)?,
            verdict: Verdict {
                rejected: Some(rejected).filter(|code| !code.is_empty()),
                evidence: r.get(10)?,
            },
        });
    }
    Ok(out)
}

/// Every bucket is looked at: which ones know an account stands nowhere else.
pub(super) fn buckets(db: &Connection, account: AccountId) -> Outcome<Vec<Bucket>> {
    db.prepare_cached(
        "/* own_buckets */ SELECT cell, state FROM bucket WHERE instr(state, ?) > 0 ORDER BY cell",
    )?
    .query_map([unit(account)], |r| Ok((r.get(0)?, r.get(1)?)))?
    .map(|row| {
        let (cell, state) = row?;
        Ok(Bucket { cell: uint(cell)?, state })
    })
    .collect()
}

pub(super) fn erase(db: &Connection, erasure: &Erasure) -> Outcome<Option<Erased>> {
    let account = erasure.account;
    if enrol::account(db, account)?.is_none() {
        return Ok(None);
    }
    let mut head = log::read_head(db)?;
    let mut done = Erased { position: head.next_position, ..Erased::default() };
    db.prepare_cached(
        "/* erase */ DELETE FROM payload WHERE number IN
             (SELECT number FROM trace JOIN device USING (device_id) WHERE device.account_id = ?)",
    )?
    .execute([account.0])?;
    let run =
        |sql: &str| -> Outcome<u64> { Ok(db.prepare_cached(sql)?.execute([account.0])? as u64) };
    done.traces = run("/* erase */ DELETE FROM trace WHERE device_id IN
                           (SELECT device_id FROM device WHERE account_id = ?)")?;
    run("/* erase */ DELETE FROM attestation WHERE device_id IN
             (SELECT device_id FROM device WHERE account_id = ?)")?;
    done.devices = run("/* erase */ DELETE FROM device WHERE account_id = ?")?;
    run("/* erase */ DELETE FROM waiting WHERE position IN
             (SELECT position FROM fold WHERE account_id = ?)")?;
    done.folds = run("/* erase */ UPDATE fold SET trace_id = x'', account_id = x'',
                          device_id = x'', received_at_ms = 0, rejected = 'erased', evidence = '',
                          observations = x'', contributions = x''
                      WHERE account_id = ?")?;
    done.scores = erase_scores(db, account)?;
    for bucket in buckets(db, account)? {
        let state = without(bucket.cell, bucket.state, account);
        db.prepare_cached("/* erase */ UPDATE bucket SET state = ? WHERE cell = ?")?
            .execute(params![state, int(bucket.cell)?])?;
        done.buckets += 1;
    }
    run("/* erase */ DELETE FROM account WHERE account_id = ?")?;
    let (position, at_ms) = (int(head.next_position)?, int(erasure.at_ms)?);
    db.prepare_cached(
        "/* erase */ INSERT INTO fold VALUES (?, x'', x'', x'', 0, ?, 'erased', '', x'', x'')",
    )?
    .execute([position, at_ms])?;
    db.prepare_cached("/* erase */ INSERT INTO erasure VALUES (?, ?, ?)")?.execute(params![
        position,
        at_ms,
        pack(&erasure.forget)
    ])?;
    head.next_position += 1;
    head.erasures += 1;
    log::write_head(db, &head)?;
    Ok(Some(done))
}

/// Takes the name from scores and ledger; returns how many scores there were.
fn erase_scores(db: &Connection, account: AccountId) -> Outcome<u64> {
    let scores = epochs::account_scores(db, account, i64::MAX as u64, usize::MAX >> 1)?;
    let name = driver(account);
    for (epoch, score) in &scores {
        let leaf = leaf(*epoch, account, score.score, score.pay);
        let (number, place) = (int(*epoch)?, int(score.place)?);
        db.prepare_cached(
            "/* erase */ UPDATE score SET account_id = NULL, leaf = ? WHERE epoch = ? AND place = ?",
        )?
        .execute(params![leaf, number, place])?;
        let other = erased(*epoch, score.place);
        for side in ["debit", "credit"] {
            db.prepare_cached(&format!(
                "/* erase */ UPDATE ledger SET {side} = ? WHERE {side} = ? AND epoch = ?"
            ))?
            .execute(params![other, name, number])?;
        }
    }
    Ok(scores.len() as u64)
}

pub(super) fn forget_erasures(db: &Connection, before_ms: u64) -> Outcome<u64> {
    let done = db
        .prepare_cached("/* forget_erasures */ DELETE FROM erasure WHERE erased_at_ms < ?")?
        .execute([int(before_ms)?])?;
    Ok(done as u64)
}
