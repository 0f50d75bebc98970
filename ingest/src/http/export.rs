//! Everything of one account as one JSON document, written page by page.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use h3o::CellIndex;
use hexmile_rewards::{Bucket as RewardBucket, Cell, UnitId, unpack as unpack_contributions};
use hexmile_tiles::unpack as unpack_observations;
use hexmile_trace::AccountId;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa::ToSchema;

use super::{
    Server, codec,
    devices::AttestationJson,
    epochs::{LedgerEntryJson, ScoreJson},
    traces::ReceiptJson,
};
use crate::store::{Account, Bucket, Device, OwnFold, OwnTrace, Score, Store, StoreError};

/// What the document is.
const FORMAT: &str = "hexmile-export/1";
/// Rows read at once.
const PAGE: usize = 200;
/// Pieces that wait for a slow reader.
const QUEUE: usize = 2;

/// Everything that the server holds of an account.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct Export {
    /// `hexmile-export/1`.
    format: String,
    /// Unix milliseconds.
    exported_at_ms: u64,
    /// The account.
    account: KeyJson,
    /// 1e-6 token in the ledger, decimal.
    balance: String,
    /// In order of id.
    devices: Vec<DeviceJson>,
    /// Of each device in turn, in order of sequence number, while their ids are kept.
    traces: Vec<TraceJson>,
    /// Rows of the log of folded traces, in order.
    log: Vec<FoldJson>,
    /// Newest epoch first.
    scores: Vec<OwnScoreJson>,
    /// In order.
    ledger: Vec<OwnEntryJson>,
    /// Cells that remember what the account earned there on the day that they last paid.
    cells: Vec<CellJson>,
}

/// A key, of an account or a device.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct KeyJson {
    /// Hash of the key, hexadecimal.
    id: String,
    /// `ed25519` or `es256`.
    alg: String,
    /// Base64.
    public_key: String,
    /// When it was opened or added, Unix milliseconds.
    since_ms: u64,
}

/// A device.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct DeviceJson {
    /// Its key.
    #[serde(flatten)]
    key: KeyJson,
    /// When it was signed out, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at_ms: Option<u64>,
    /// What its platform said of its key, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    attestation: Option<AttestationJson>,
}

/// A trace.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct TraceJson {
    /// The first receipt.
    receipt: ReceiptJson,
    /// Position in the log, once folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// The signed bytes, Base64, while they are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

/// A folded trace: what the server made of it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct FoldJson {
    /// Position in the log.
    position: u64,
    /// Hexadecimal.
    trace_id: String,
    /// Hexadecimal.
    device_id: String,
    /// Unix milliseconds.
    received_at_ms: u64,
    /// Unix milliseconds.
    folded_at_ms: u64,
    /// Whether it counts.
    accepted: bool,
    /// What the rules said.
    #[schema(value_type = Object)]
    evidence: serde_json::Value,
    /// Passes through cells of resolution 11, for traffic.
    observations: Vec<ObservationJson>,
    /// Distances in cells of resolution 10, for pay.
    contributions: Vec<ContributionJson>,
}

/// A pass through a cell.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct ObservationJson {
    /// H3 index, hexadecimal.
    cell: String,
    /// Five minutes since 1970.
    slot: u32,
    /// Centimetres.
    distance_cm: u32,
    /// Milliseconds.
    duration_ms: u32,
    /// Tenths of a degree clockwise from north.
    heading_ddeg: u16,
    /// East and north of the cell's centre where it was entered, decimetres.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_dm: Option<[i16; 2]>,
    /// The same where it was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_dm: Option<[i16; 2]>,
}

/// A distance in a cell and an hour.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct ContributionJson {
    /// H3 index, hexadecimal.
    cell: String,
    /// Hours since 1970.
    slot: u32,
    /// Quality of the trace, 0 to 1,000,000.
    quality_ppm: u32,
    /// Centimetres.
    distance_cm: u32,
    /// Seconds from the drive to its receipt.
    delay_s: u32,
}

/// A score and its epoch.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct OwnScoreJson {
    /// Which.
    epoch: u64,
    /// The score.
    #[serde(flatten)]
    score: ScoreJson,
}

/// A ledger entry and its epoch.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct OwnEntryJson {
    /// Which.
    epoch: u64,
    /// The entry.
    #[serde(flatten)]
    entry: LedgerEntryJson,
}

/// What a cell remembers of the account.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct CellJson {
    /// H3 index, hexadecimal.
    cell: String,
    /// The hour since 1970 that the cell last paid for.
    last_slot: u32,
    /// Freshness that the account earned on that day, score units.
    earned: String,
}

/// The document on its way. A store that fails breaks it off, so that half of it is no whole one.
pub(super) struct ExportBody(mpsc::Receiver<Result<Bytes, StoreError>>);

impl MessageBody for ExportBody {
    type Error = StoreError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, StoreError>>> {
        self.0.poll_recv(context)
    }
}

/// Reads an account's rows while the reader takes them; holds the permit as long.
pub(super) fn stream(
    server: &Server,
    account: Account,
    permit: OwnedSemaphorePermit,
) -> ExportBody {
    let (pieces, body) = mpsc::channel(QUEUE);
    let store = Arc::clone(&server.store);
    let exported_at_ms = server.environment.now_ms();
    tokio::spawn(async move {
        let _permit = permit;
        let writer = Writer { store: &*store, account, pieces: &pieces };
        if let Err(Stopped::Store(error)) = writer.write(exported_at_ms).await {
            tracing::error!(%error, "the store failed under an export");
            let _ = pieces.send(Err(error)).await;
        }
    });
    ExportBody(body)
}

/// Why a document was not finished.
enum Stopped {
    Store(StoreError),
    /// The reader went away.
    Reader,
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

struct Writer<'a> {
    store: &'a dyn Store,
    account: Account,
    pieces: &'a mpsc::Sender<Result<Bytes, StoreError>>,
}

impl Writer<'_> {
    async fn send(&self, piece: Vec<u8>) -> Result<(), Stopped> {
        if piece.is_empty() {
            // An empty chunk is how a chunked body ends.
            return Ok(());
        }
        self.pieces.send(Ok(piece.into())).await.map_err(|_| Stopped::Reader)
    }

    async fn write(&self, exported_at_ms: u64) -> Result<(), Stopped> {
        let id = self.account.id;
        let devices = self.store.devices(id).await?;
        let ledger_account = hexmile_rewards::ledger::LedgerAccount::Driver(id).to_string();
        let balance = self.store.balance(&ledger_account).await?;
        let head = serde_json::json!({
            "format": FORMAT,
            "exported_at_ms": exported_at_ms,
            "account": KeyJson::from(&self.account),
            "balance": balance.to_string(),
        });
        let mut head = head.to_string().into_bytes();
        head.pop();
        self.send(head).await?;

        let mut list = List::new("devices");
        for device in &devices {
            let attestation = self.store.attestation(device.id).await?;
            let attestation = attestation.as_ref().map(AttestationJson::from);
            let key = KeyJson::from(device);
            let revoked_at_ms = device.revoked_at_ms;
            let device = DeviceJson { key, revoked_at_ms, attestation };
            self.send(list.page(std::iter::once(device))).await?;
        }
        self.send(list.end()).await?;

        let mut traces = List::new("traces");
        for device in &devices {
            let mut after = None;
            loop {
                let page = self.store.own_traces(device.id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.receipt.body.sequence);
                self.send(traces.page(page.iter().map(TraceJson::from))).await?;
            }
        }
        self.send(traces.end()).await?;

        let (mut log, mut position) = (List::new("log"), 0);
        loop {
            let page = self.store.own_folds(id, position, PAGE).await?;
            let Some(last) = page.last() else { break };
            position = last.position + 1;
            self.send(log.page(page.iter().map(FoldJson::from))).await?;
        }
        self.send(log.end()).await?;

        let (mut scores, mut before) = (List::new("scores"), i64::MAX as u64);
        loop {
            let page = self.store.account_scores(id, before, PAGE).await?;
            let Some(last) = page.last() else { break };
            before = last.0;
            self.send(scores.page(page.iter().map(OwnScoreJson::from))).await?;
        }
        self.send(scores.end()).await?;

        let (mut ledger, mut after) = (List::new("ledger"), None);
        loop {
            let page = self.store.own_ledger(&ledger_account, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.epoch, last.entry));
            let entries = page
                .iter()
                .map(|row| OwnEntryJson { epoch: row.epoch, entry: LedgerEntryJson::from(row) });
            self.send(ledger.page(entries)).await?;
        }
        self.send(ledger.end()).await?;

        let mut cells = List::new("cells");
        let known = self.store.own_buckets(id).await?;
        self.send(cells.page(known.iter().filter_map(|bucket| cell(bucket, id)))).await?;
        self.send(cells.end()).await?;
        self.send(b"}\n".to_vec()).await
    }
}

/// A member of the document that is a list, written piece by piece.
struct List {
    name: &'static str,
    begun: bool,
}

impl List {
    const fn new(name: &'static str) -> Self {
        Self { name, begun: false }
    }

    /// Before an item or the end of the list: its name the first time, a comma from then on.
    fn separator(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.begun, true) {
            return b",".to_vec();
        }
        format!(",\"{}\":[", self.name).into_bytes()
    }

    fn page(&mut self, items: impl Iterator<Item = impl Serialize>) -> Vec<u8> {
        let mut out = Vec::new();
        for item in items {
            out.extend(self.separator());
            // Numbers, text and lists of them: nothing that JSON cannot hold.
            out.extend(serde_json::to_vec(&item).unwrap_or_else(|_| b"null".to_vec()));
        }
        out
    }

    fn end(mut self) -> Vec<u8> {
        let mut out = if self.begun { Vec::new() } else { self.separator() };
        out.push(b']');
        out
    }
}

impl From<&Account> for KeyJson {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            alg: account.key.alg().name().to_owned(),
            public_key: codec::base64(account.key.as_bytes()),
            since_ms: account.opened_at_ms,
        }
    }
}

impl From<&Device> for KeyJson {
    fn from(device: &Device) -> Self {
        Self {
            id: device.id.to_string(),
            alg: device.key.alg().name().to_owned(),
            public_key: codec::base64(device.key.as_bytes()),
            since_ms: device.added_at_ms,
        }
    }
}

impl From<&OwnTrace> for TraceJson {
    fn from(trace: &OwnTrace) -> Self {
        Self {
            receipt: (&trace.receipt).into(),
            position: trace.position,
            payload: trace.payload.as_deref().map(codec::base64),
        }
    }
}

impl From<&OwnFold> for FoldJson {
    fn from(fold: &OwnFold) -> Self {
        let trace = &fold.trace;
        let observations = unpack_observations(&trace.observations).unwrap_or_default();
        let contributions =
            unpack_contributions(trace.trace, &trace.contributions).unwrap_or_default();
        let point = |offset: hexmile_tiles::Offset| [offset.east_dm, offset.north_dm];
        Self {
            position: fold.position,
            trace_id: trace.trace.to_string(),
            device_id: trace.device.to_string(),
            received_at_ms: trace.received_at_ms,
            folded_at_ms: fold.folded_at_ms,
            accepted: trace.accepted,
            evidence: serde_json::from_str(&fold.verdict.evidence).unwrap_or_default(),
            observations: observations
                .iter()
                .map(|o| ObservationJson {
                    cell: o.key.cell().to_string(),
                    slot: o.slot.number(),
                    distance_cm: o.distance_cm,
                    duration_ms: o.duration_ms,
                    heading_ddeg: o.heading_ddeg,
                    entry_dm: o.entry.map(point),
                    exit_dm: o.exit.map(point),
                })
                .collect(),
            contributions: contributions
                .iter()
                .map(|c| ContributionJson {
                    cell: h3(c.cell.into()),
                    slot: c.slot,
                    quality_ppm: c.quality_ppm,
                    distance_cm: c.distance_cm,
                    delay_s: c.delay_s,
                })
                .collect(),
        }
    }
}

impl From<&(u64, Score)> for OwnScoreJson {
    fn from((epoch, score): &(u64, Score)) -> Self {
        Self { epoch: *epoch, score: score.into() }
    }
}

fn h3(cell: u64) -> String {
    CellIndex::try_from(cell).map_or_else(|_| format!("{cell:x}"), |cell| cell.to_string())
}

/// What a bucket remembers of an account; nothing where the bytes only look like it.
fn cell(bucket: &Bucket, account: AccountId) -> Option<CellJson> {
    let unit = UnitId::from(account);
    let state = RewardBucket::unpack(Cell::try_from(bucket.cell).ok()?, &bucket.state).ok()?;
    let (_, earned) = state.earned.iter().find(|(known, _)| *known == unit)?;
    Some(CellJson { cell: h3(bucket.cell), last_slot: state.last_slot, earned: earned.to_string() })
}
