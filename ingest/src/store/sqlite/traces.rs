//! Traces: their ids, receipts and payloads, until they are folded and age out.

use hexmile_trace::{AccountId, DeviceId, KeyId, NetworkId, Receipt, ReceiptBody, TraceId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::{Fault, Outcome, bytes, int, uint};
use crate::store::{Commit, Expired, NewTrace, PendingTrace, TraceState, Verdict};

pub(super) const RECEIPT: &str = "trace_id, device_id, sequence, received_at_ms, \
                       receipt_salt, receipt_key, receipt_signature";

/// The columns of [`RECEIPT`], as they come.
pub(super) type ReceiptColumns = (Vec<u8>, Vec<u8>, i64, i64, Vec<u8>, Vec<u8>, Vec<u8>);

pub(super) fn receipt_columns(r: &Row<'_>) -> rusqlite::Result<ReceiptColumns> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?))
}

pub(super) fn receipt_of(network: NetworkId, columns: &ReceiptColumns) -> Outcome<Receipt> {
    let (trace, device, sequence, received_at_ms, salt, key, signature) = columns;
    Ok(Receipt {
        body: ReceiptBody {
            network,
            trace: TraceId(bytes(trace)?),
            device: DeviceId(bytes(device)?),
            sequence: uint(*sequence)?,
            received_at_ms: uint(*received_at_ms)?,
            salt: bytes(salt)?,
            key: KeyId(bytes(key)?),
        },
        signature: bytes(signature)?,
    })
}

pub(super) fn commit_traces(
    db: &Connection,
    network: NetworkId,
    traces: &[NewTrace],
) -> Outcome<Vec<Commit>> {
    traces.iter().map(|trace| commit_trace(db, network, trace)).collect()
}

fn commit_trace(db: &Connection, network: NetworkId, trace: &NewTrace) -> Outcome<Commit> {
    let body = &trace.receipt.body;
    let sequence = int(body.sequence)?;
    // Nearly always the trace is new, its number is free, and the keys of the table say so.
    let known: Option<(Vec<u8>, Option<i64>, bool)> = db
        .prepare_cached(
            "/* commit_traces */
             SELECT account_id, sequence_watermark, revoked_at_ms IS NOT NULL FROM device
             WHERE device_id = ?",
        )?
        .query_row([body.device.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    if let Some((account, watermark, false)) = &known
        && watermark.is_none_or(|w| sequence > w)
        && insert(db, account, sequence, trace)?
    {
        return Ok(Commit::New);
    }
    if let Some(first) = receipt(db, network, body.trace)? {
        return Ok(Commit::Repeat(first));
    }
    let taken: Option<Vec<u8>> = db
        .prepare_cached(
            "/* commit_traces */ SELECT trace_id FROM trace WHERE device_id = ? AND sequence = ?",
        )?
        .query_row(params![body.device.0, sequence], |r| r.get(0))
        .optional()?;
    if let Some(by) = taken {
        return Ok(Commit::SequenceTaken(TraceId(bytes(&by)?)));
    }
    match known {
        None => Ok(Commit::NoDevice),
        Some((_, _, true)) => Ok(Commit::DeviceRevoked),
        Some((_, Some(watermark), _)) if sequence <= watermark => {
            Ok(Commit::SequenceClosed(uint(watermark)?))
        }
        Some(_) => Err(Fault::Corrupt("a new trace conflicts with none".to_owned())),
    }
}

/// Inserts a trace of the account that its device belongs to; false where its id or its sequence
/// number is taken.
fn insert(db: &Connection, account: &[u8], sequence: i64, trace: &NewTrace) -> Outcome<bool> {
    let body = &trace.receipt.body;
    let received_at_ms = int(body.received_at_ms)?;
    let inserted = db
        .prepare_cached(
            "/* commit_traces */
             INSERT INTO trace (trace_id, device_id, account_id, sequence, received_at_ms,
                                receipt_salt, receipt_key, receipt_signature)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            body.trace.0,
            body.device.0,
            account,
            sequence,
            received_at_ms,
            body.salt,
            body.key.0,
            trace.receipt.signature
        ])?;
    if inserted == 0 {
        return Ok(false);
    }
    db.prepare_cached("/* commit_traces */ INSERT INTO payload VALUES (?, ?)")?
        .execute(params![db.last_insert_rowid(), trace.payload])?;
    Ok(true)
}

pub(super) fn receipt(
    db: &Connection,
    network: NetworkId,
    trace: TraceId,
) -> Outcome<Option<Receipt>> {
    db.prepare_cached(&format!("/* receipt */ SELECT {RECEIPT} FROM trace WHERE trace_id = ?"))?
        .query_row([trace.0], receipt_columns)
        .optional()?
        .map(|columns| receipt_of(network, &columns))
        .transpose()
}

pub(super) fn trace(
    db: &Connection,
    network: NetworkId,
    trace: TraceId,
) -> Outcome<Option<TraceState>> {
    let Some(receipt) = receipt(db, network, trace)? else { return Ok(None) };
    let folded = db
        .prepare_cached(
            "/* trace */ SELECT fold.position, rejected, evidence
             FROM trace JOIN fold ON fold.position = trace.position
             WHERE trace.trace_id = ?",
        )?
        .query_row([trace.0], |r| Ok((r.get(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?)))
        .optional()?
        .map(|(position, rejected, evidence)| {
            let rejected = Some(rejected).filter(|code| !code.is_empty());
            Outcome::Ok((uint(position)?, Verdict { rejected, evidence }))
        })
        .transpose()?;
    Ok(Some(TraceState { receipt, folded }))
}

pub(super) fn lease(
    db: &Connection,
    network: NetworkId,
    n: usize,
    now_ms: u64,
    until_ms: u64,
) -> Outcome<Vec<PendingTrace>> {
    let (now_ms, until_ms) = (int(now_ms)?, int(until_ms)?);
    let rows = db
        .prepare_cached(&format!(
            "/* lease */ SELECT {RECEIPT}, account_id, payload
             FROM trace JOIN payload USING (number)
             WHERE state = 0 AND leased_until_ms <= ?
             ORDER BY received_at_ms, trace_id LIMIT ?"
        ))?
        .query_map(params![now_ms, n as i64], |r| {
            Ok((receipt_columns(r)?, r.get::<_, Vec<u8>>(7)?, r.get::<_, Vec<u8>>(8)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut mark =
        db.prepare_cached("/* lease */ UPDATE trace SET leased_until_ms = ? WHERE trace_id = ?")?;
    rows.into_iter()
        .map(|(columns, account, payload)| {
            mark.execute(params![until_ms, columns.0])?;
            Ok(PendingTrace {
                account: AccountId(bytes(&account)?),
                receipt: receipt_of(network, &columns)?,
                payload,
            })
        })
        .collect()
}

pub(super) fn pending(db: &Connection) -> Outcome<u64> {
    uint(
        db.prepare_cached("/* pending */ SELECT count(*) FROM trace WHERE state = 0")?
            .query_row([], |r| r.get(0))?,
    )
}

pub(super) fn expire(
    db: &Connection,
    payloads_before_ms: u64,
    ids_before_ms: u64,
) -> Outcome<Expired> {
    let end: i64 = db
        .prepare_cached("/* expire */ SELECT coalesce(max(end_position), 0) FROM epoch")?
        .query_row([], |r| r.get(0))?;
    let payloads = db
        .prepare_cached(
            "/* expire */ DELETE FROM payload
             WHERE number <= (SELECT max(number) FROM trace WHERE received_at_ms < ?1)
             AND EXISTS (SELECT 1 FROM trace WHERE trace.number = payload.number
                         AND received_at_ms < ?1 AND state = 1 AND position < ?2)",
        )?
        .execute(params![int(payloads_before_ms)?, end])?;
    let ids_before_ms = int(ids_before_ms)?;
    db.prepare_cached(
        "/* expire */ UPDATE device SET sequence_watermark = max(coalesce(sequence_watermark, 0),
             (SELECT max(sequence) FROM trace
              WHERE trace.device_id = device.device_id AND received_at_ms < ?1 AND state = 1))
         WHERE device_id IN
             (SELECT device_id FROM trace WHERE received_at_ms < ?1 AND state = 1)",
    )?
    .execute([ids_before_ms])?;
    let ids = db
        .prepare_cached(
            "/* expire */ DELETE FROM trace WHERE received_at_ms < ? AND state = 1
             AND NOT EXISTS (SELECT 1 FROM payload WHERE payload.number = trace.number)",
        )?
        .execute([ids_before_ms])?;
    Ok(Expired { payloads: payloads as u64, ids: ids as u64 })
}
