//! Traces: their ids, receipts and payloads, until they are folded and age out.

use std::collections::HashMap;

use hexmile_trace::{AccountId, DeviceId, KeyId, NetworkId, Receipt, ReceiptBody, TraceId};
use tokio_postgres::Row;

use super::{
    columns::{bytes, get, int, ints, limit, uint},
    connection::{Db, LONG_STATEMENTS, Outcome},
};
use crate::store::{Commit, Expired, NewTrace, PendingTrace, TraceState, Verdict};

pub(super) const RECEIPT: &str = "trace.trace_id, trace.device_id, trace.sequence, trace.received_at_ms, \
                       trace.receipt_salt, trace.receipt_key, trace.receipt_signature";

/// The receipt in the first seven columns, those of [`RECEIPT`].
pub(super) fn receipt_of(network: NetworkId, row: &Row) -> Outcome<Receipt> {
    Ok(Receipt {
        body: ReceiptBody {
            network,
            trace: TraceId(bytes(row, 0)?),
            device: DeviceId(bytes(row, 1)?),
            sequence: uint(row, 2)?,
            received_at_ms: uint(row, 3)?,
            salt: bytes(row, 4)?,
            key: KeyId(bytes(row, 5)?),
        },
        signature: bytes(row, 6)?,
    })
}

/// What is known of a batch's traces, and then of each one that it adds.
struct Known {
    receipts: HashMap<TraceId, Receipt>,
    sequences: HashMap<(DeviceId, u64), TraceId>,
    devices: HashMap<DeviceId, Owned>,
}

/// A device as its row says.
struct Owned {
    account: AccountId,
    watermark: Option<u64>,
    revoked: bool,
}

/// Batches that share a device go one after the other, so that what the second finds is the truth;
/// all lock in one order, so that none waits in a circle.
pub(super) async fn commit_traces(
    db: &Db<'_>,
    network: NetworkId,
    traces: &[NewTrace],
) -> Outcome<Vec<Commit>> {
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = known(db, network, traces).await?;
    let mut new = Vec::new();
    let mut outcomes = Vec::with_capacity(traces.len());
    for trace in traces {
        let before = known.receipts.len();
        outcomes.push(outcome(&mut known, db.in_doubt, trace));
        if known.receipts.len() > before {
            new.push(trace);
        }
    }
    if !new.is_empty() {
        insert(db, &new, &known).await?;
    }
    Ok(outcomes)
}

async fn known(db: &Db<'_>, network: NetworkId, traces: &[NewTrace]) -> Outcome<Known> {
    let bodies: Vec<&ReceiptBody> = traces.iter().map(|t| &t.receipt.body).collect();
    let devices: Vec<[u8; 16]> = bodies.iter().map(|body| body.device.0).collect();
    let ids: Vec<_> = bodies.iter().map(|body| body.trace.0).collect();
    let sequences = ints(&bodies, |body| body.sequence)?;
    let owners = db
        .rows(
            "/* commit_traces */ SELECT device_id, sequence_watermark, account_id,
                 revoked_at_ms IS NOT NULL FROM device
             WHERE device_id = ANY($1) ORDER BY device_id FOR NO KEY UPDATE",
            &[&devices],
        )
        .await?
        .iter()
        .map(|row| {
            let watermark: Option<i64> = get(row, 1)?;
            let watermark = watermark.map(|_| uint(row, 1)).transpose()?;
            let account = AccountId(bytes(row, 2)?);
            let owned = Owned { account, watermark, revoked: get(row, 3)? };
            Ok((DeviceId(bytes(row, 0)?), owned))
        })
        .collect::<Outcome<_>>()?;
    let receipts =
        format!("/* commit_traces */ SELECT {RECEIPT} FROM trace WHERE trace_id = ANY($1)");
    let ids: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&ids];
    let numbers: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&devices, &sequences];
    let (receipts, taken) = tokio::try_join!(
        db.rows(&receipts, &ids),
        db.rows(
            "/* commit_traces */ SELECT device_id, sequence, trace_id
             FROM unnest($1::bytea[], $2::bigint[]) AS wanted (device_id, sequence)
             JOIN trace USING (device_id, sequence)",
            &numbers,
        )
    )?;
    let receipts = receipts.iter().map(|row| {
        let receipt = receipt_of(network, row)?;
        Ok((receipt.body.trace, receipt))
    });
    let sequences = taken
        .iter()
        .map(|row| Ok(((DeviceId(bytes(row, 0)?), uint(row, 1)?), TraceId(bytes(row, 2)?))));
    Ok(Known {
        receipts: receipts.collect::<Outcome<_>>()?,
        sequences: sequences.collect::<Outcome<_>>()?,
        devices: owners,
    })
}

/// What becomes of a trace; a new one is known from then on.
fn outcome(known: &mut Known, in_doubt: bool, trace: &NewTrace) -> Commit {
    let body = &trace.receipt.body;
    if let Some(first) = known.receipts.get(&body.trace) {
        // Committed by the attempt whose connection went.
        let own = in_doubt && *first == trace.receipt;
        return if own { Commit::New } else { Commit::Repeat(*first) };
    }
    if let Some(by) = known.sequences.get(&(body.device, body.sequence)) {
        return Commit::SequenceTaken(*by);
    }
    match known.devices.get(&body.device) {
        None => return Commit::NoDevice,
        Some(Owned { revoked: true, .. }) => return Commit::DeviceRevoked,
        Some(Owned { watermark: Some(watermark), .. }) if body.sequence <= *watermark => {
            return Commit::SequenceClosed(*watermark);
        }
        Some(_) => {}
    }
    known.receipts.insert(body.trace, trace.receipt);
    known.sequences.insert((body.device, body.sequence), body.trace);
    Commit::New
}

/// Each is the account's that its device belongs to, which is locked.
async fn insert(db: &Db<'_>, new: &[&NewTrace], known: &Known) -> Outcome<()> {
    let account = |t: &NewTrace| known.devices.get(&t.receipt.body.device).map(|d| d.account.0);
    let accounts: Vec<_> = new.iter().filter_map(|t| account(t)).collect();
    let bodies: Vec<&ReceiptBody> = new.iter().map(|t| &t.receipt.body).collect();
    let column = |of: fn(&NewTrace) -> &[u8]| new.iter().map(|t| of(t)).collect::<Vec<&[u8]>>();
    let ids = column(|t| &t.receipt.body.trace.0);
    let received = ints(&bodies, |body| body.received_at_ms)?;
    db.run(
        "/* commit_traces */
         INSERT INTO trace (trace_id, device_id, account_id, sequence, received_at_ms,
                            receipt_salt, receipt_key, receipt_signature)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[],
                              $6::bytea[], $7::bytea[], $8::bytea[])",
        &[
            &ids,
            &column(|t| &t.receipt.body.device.0),
            &accounts,
            &ints(&bodies, |body| body.sequence)?,
            &received,
            &column(|t| &t.receipt.body.salt),
            &column(|t| &t.receipt.body.key.0),
            &column(|t| &t.receipt.signature),
        ],
    )
    .await?;
    db.run(
        "/* commit_traces */ INSERT INTO payload
         SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])",
        &[&ids, &received, &column(|t| &t.payload)],
    )
    .await?;
    Ok(())
}

pub(super) async fn receipt(
    db: &Db<'_>,
    network: NetworkId,
    trace: TraceId,
) -> Outcome<Option<Receipt>> {
    let sql = format!("/* receipt */ SELECT {RECEIPT} FROM trace WHERE trace_id = $1");
    db.row(&sql, &[&trace.0]).await?.map(|row| receipt_of(network, &row)).transpose()
}

pub(super) async fn trace(
    db: &Db<'_>,
    network: NetworkId,
    trace: TraceId,
) -> Outcome<Option<TraceState>> {
    let sql = format!(
        "/* trace */ SELECT {RECEIPT}, fold.position, fold.rejected, fold.evidence
         FROM trace LEFT JOIN fold ON fold.position = trace.position WHERE trace.trace_id = $1"
    );
    let Some(row) = db.row(&sql, &[&trace.0]).await? else { return Ok(None) };
    let position: Option<i64> = get(&row, 7)?;
    let folded = position
        .map(|_| {
            let rejected: String = get(&row, 8)?;
            let rejected = Some(rejected).filter(|code| !code.is_empty());
            Outcome::Ok((uint(&row, 7)?, Verdict { rejected, evidence: get(&row, 9)? }))
        })
        .transpose()?;
    Ok(Some(TraceState { receipt: receipt_of(network, &row)?, folded }))
}

pub(super) async fn lease(
    db: &Db<'_>,
    network: NetworkId,
    n: usize,
    now_ms: u64,
    until_ms: u64,
) -> Outcome<Vec<PendingTrace>> {
    let sql = format!(
        "/* lease */ WITH picked AS (
             SELECT trace.trace_id, payload.payload
             FROM trace JOIN payload USING (trace_id, received_at_ms)
             WHERE state = 0 AND leased_until_ms <= $1
             ORDER BY trace.received_at_ms, trace.trace_id LIMIT $2
             FOR NO KEY UPDATE OF trace SKIP LOCKED)
         UPDATE trace SET leased_until_ms = $3 FROM picked WHERE trace.trace_id = picked.trace_id
         RETURNING {RECEIPT}, trace.account_id, picked.payload"
    );
    let values: [i64; 3] = [int(now_ms)?, limit(n), int(until_ms)?];
    let mut leased = db
        .rows(&sql, &[&values[0], &values[1], &values[2]])
        .await?
        .iter()
        .map(|row| {
            Ok(PendingTrace {
                account: AccountId(bytes(row, 7)?),
                receipt: receipt_of(network, row)?,
                payload: get(row, 8)?,
            })
        })
        .collect::<Outcome<Vec<_>>>()?;
    // An update returns rows in no order.
    leased.sort_unstable_by_key(|p| (p.receipt.body.received_at_ms, p.receipt.body.trace));
    Ok(leased)
}

pub(super) async fn pending(db: &Db<'_>) -> Outcome<u64> {
    let row = db.row("/* pending */ SELECT count(*) FROM trace WHERE state = 0", &[]).await?;
    row.map_or(Ok(0), |row| uint(&row, 0))
}

pub(super) async fn expire(
    db: &Db<'_>,
    payloads_before_ms: u64,
    ids_before_ms: u64,
) -> Outcome<Expired> {
    db.run(LONG_STATEMENTS, &[]).await?;
    let payloads = db
        .run(
            "/* expire */ DELETE FROM payload USING trace
             WHERE payload.received_at_ms < $1 AND trace.trace_id = payload.trace_id
             AND trace.received_at_ms < $1 AND trace.state = 1
             AND trace.position < (SELECT coalesce(max(end_position), 0) FROM epoch)",
            &[&int(payloads_before_ms)?],
        )
        .await?;
    let ids_before_ms = int(ids_before_ms)?;
    // In the order in which commits lock them.
    db.rows(
        "/* expire */ SELECT device_id FROM device WHERE device_id IN
             (SELECT device_id FROM trace WHERE received_at_ms < $1 AND state = 1)
         ORDER BY device_id FOR NO KEY UPDATE",
        &[&ids_before_ms],
    )
    .await?;
    // One statement, so that no id goes that the watermark has not passed.
    let ids = db
        .run(
            "/* expire */ WITH old AS MATERIALIZED (
                 SELECT trace_id, device_id, sequence FROM trace
                 WHERE received_at_ms < $1 AND state = 1),
             raised AS (
                 UPDATE device SET sequence_watermark =
                     greatest(coalesce(sequence_watermark, 0), highest.sequence)
                 FROM (SELECT device_id, max(sequence) AS sequence FROM old GROUP BY device_id)
                     AS highest
                 WHERE device.device_id = highest.device_id)
             DELETE FROM trace USING old WHERE trace.trace_id = old.trace_id
             AND NOT EXISTS (SELECT FROM payload WHERE payload.trace_id = old.trace_id)",
            &[&ids_before_ms],
        )
        .await?;
    Ok(Expired { payloads, ids })
}
