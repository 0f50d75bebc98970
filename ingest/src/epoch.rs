//! Closing an epoch: a range of the log into scores, pay, ledger entries and roots.

use std::sync::Arc;

use hexmile_rewards::{
    Bucket as RewardBucket, Cell, Credited, EpochError, EpochInput, Pool, RegionId,
    Rules as RewardRules, UnpackError, close, ledger::Entry, merkle, unpack,
};
use tokio::sync::Mutex;

use crate::{
    environment::Environment,
    metrics::Metrics,
    store::{
        Bucket, Epoch, EpochCommit, EpochRecord, Holder, LeafKind, LedgerRow, LogRow, Logged,
        LoggedTrace, Score, Store, StoreError,
    },
};

/// Rows read at once.
const BATCH: usize = 4096;

/// Why an epoch was not closed; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log or the buckets hold what the rewards cannot take.
    #[error(transparent)]
    Rewards(#[from] EpochError),
    /// A row of the log cannot be read.
    #[error("row {position} of the log: {error}")]
    Row {
        /// Its position.
        position: u64,
        /// What is wrong.
        error: UnpackError,
    },
    /// A cell's bucket cannot be read.
    #[error("the bucket of cell {cell:x} cannot be read")]
    Bucket {
        /// Which cell.
        cell: u64,
    },
    /// Another node closed one at the same time.
    #[error("another epoch was closed at the same time; look at it and try again")]
    NotNext,
    /// Accounts were erased while it was computed, time and again.
    #[error("accounts were erased meanwhile; try again")]
    Erased,
    /// The computation itself broke down.
    #[error("the epoch could not be computed: {0}")]
    Failed(String),
}

/// How often an epoch is computed anew because an account was erased meanwhile.
const ATTEMPTS: u32 = 5;

/// Closes the epochs of one network.
pub struct Epochs {
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    metrics: Arc<Metrics>,
    rules: RewardRules,
    pool: u64,
    target_score: u64,
    /// One at a time on this node; between nodes, the store lets one win.
    closing: Mutex<()>,
}

impl Epochs {
    /// With the rules in force, and what an epoch has to pay (1e-6 token) from which sum of scores.
    pub fn new(
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        metrics: Arc<Metrics>,
        rules: RewardRules,
        pool: u64,
        target_score: u64,
    ) -> Self {
        Self { store, environment, metrics, rules, pool, target_score, closing: Mutex::new(()) }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.environment.now_ms()
    }

    /// Closes the running epoch over everything folded so far.
    ///
    /// # Errors
    /// [`CloseError`].
    pub async fn close_now(&self) -> Result<EpochRecord, CloseError> {
        let _one = self.closing.lock().await;
        let end = self.store.log_head().await?.next_position;
        self.close_at(end, self.environment.now_ms()).await
    }

    /// Closes every epoch whose end, a multiple of the period, has passed; returns how many.
    pub(crate) async fn close_due(
        &self,
        period_ms: u64,
        started_ms: u64,
    ) -> Result<usize, CloseError> {
        let _one = self.closing.lock().await;
        let mut closed = 0;
        loop {
            let last = self.store.last_epoch().await?;
            let (since_ms, first) =
                last.map_or((started_ms, 0), |last| (last.closed_at_ms, last.end_position));
            let end_ms = (since_ms / period_ms + 1) * period_ms;
            if end_ms > self.environment.now_ms() {
                return Ok(closed);
            }
            // A node whose clock runs ahead may have folded rows of the last epoch after its end.
            let end = self.store.position_at(end_ms).await?.max(first);
            self.close_at(end, end_ms).await?;
            closed += 1;
        }
    }

    async fn close_at(&self, end: u64, closed_at_ms: u64) -> Result<EpochRecord, CloseError> {
        for _ in 0..ATTEMPTS {
            let epoch = self.compute(end, closed_at_ms).await?;
            let EpochRecord { number, first_position: first, paid, .. } = epoch.record;
            match self.store.commit_epoch(&epoch).await? {
                EpochCommit::Closed(_) => {
                    self.metrics.epochs.set((number + 1).cast_signed());
                    tracing::info!(number, first, end, paid, "closed an epoch");
                    return Ok(epoch.record);
                }
                EpochCommit::NotNext => return Err(CloseError::NotNext),
                EpochCommit::Erased => {}
            }
        }
        Err(CloseError::Erased)
    }

    /// The epoch that follows the last one, up to `end`; nothing is written.
    async fn compute(&self, end: u64, closed_at_ms: u64) -> Result<Epoch, CloseError> {
        let erasures = self.store.log_head().await?.erasures;
        let last = self.store.last_epoch().await?;
        let (number, first) = last.as_ref().map_or((0, 0), |l| (l.number + 1, l.end_position));
        let contributions = self.contributions(first, end).await?;
        let mut cells: Vec<u64> =
            contributions.iter().map(|c| u64::from(c.contribution.cell)).collect();
        cells.sort_unstable();
        cells.dedup();
        let buckets = self.store.buckets(&cells).await?;
        let buckets = buckets.iter().map(reward_bucket).collect::<Result<_, _>>()?;
        let pool = Pool {
            region: RegionId::default(),
            amount: self.pool,
            target_score: self.target_score,
        };
        let rules = self.rules;
        // Integers over a whole day's contributions: not for a thread that answers requests.
        let result = tokio::task::spawn_blocking(move || {
            close(EpochInput { number, pools: vec![pool], contributions, buckets, rules: &rules })
        })
        .await
        .map_err(|error| CloseError::Failed(error.to_string()))??;
        let [paid] = result.pools[..] else {
            let pools = result.pools.len();
            return Err(CloseError::Failed(format!("{pools} pools came of one")));
        };
        let record = EpochRecord {
            number,
            first_position: first,
            end_position: end,
            closed_at_ms,
            rules_hash: result.rules_hash,
            pool: self.pool,
            paid: paid.paid,
            unallocated: paid.unallocated,
            target_score: self.target_score,
            total_score: paid.score_sum,
            scores_root: result.scores_root,
            drivers: result.scores.len() as u64,
        };
        let mut leaves = Vec::new();
        if last.is_none_or(|last| last.rules_hash != record.rules_hash) {
            leaves.push((LeafKind::Rules, merkle::leaf_hash(&record.rules_hash)));
        }
        leaves.push((LeafKind::Epoch, merkle::leaf_hash(&leaf(&record))));
        Ok(Epoch {
            record,
            scores: (0..).zip(&result.scores).map(score).collect(),
            ledger: result.entries.iter().map(entry).collect(),
            buckets: result.buckets.iter().map(bucket).collect(),
            leaves,
            erasures,
        })
    }

    /// What the accepted traces of a range contributed.
    async fn contributions(&self, first: u64, end: u64) -> Result<Vec<Credited>, CloseError> {
        let mut contributions = Vec::new();
        let mut next = first;
        while next < end {
            let limit = BATCH.min(usize::try_from(end - next).unwrap_or(BATCH));
            let rows = self.store.read_log(next, limit).await?;
            let Some(last) = rows.last() else { break };
            next = last.position + 1;
            for LogRow { position, what, .. } in rows {
                if let Logged::Trace(trace) = what
                    && trace.accepted
                {
                    contributions.extend(credited(position, &trace)?);
                }
            }
        }
        Ok(contributions)
    }
}

fn credited(position: u64, trace: &LoggedTrace) -> Result<Vec<Credited>, CloseError> {
    let contributions = unpack(trace.trace, &trace.contributions)
        .map_err(|error| CloseError::Row { position, error })?;
    let credit = |contribution| Credited {
        account: trace.account,
        unit: trace.account.into(),
        region: RegionId::default(),
        contribution,
    };
    Ok(contributions.into_iter().map(credit).collect())
}

fn score((place, s): (u64, &hexmile_rewards::Score)) -> Score {
    Score { place, holder: Holder::Account(s.account), score: s.score, pay: s.pay }
}

fn entry(e: &Entry) -> LedgerRow {
    LedgerRow {
        epoch: e.epoch,
        entry: u64::from(e.index),
        debit: e.debit.to_string(),
        credit: e.credit.to_string(),
        amount: e.amount,
    }
}

fn bucket(b: &RewardBucket) -> Bucket {
    Bucket { cell: b.cell.into(), state: b.pack() }
}

fn reward_bucket(bucket: &Bucket) -> Result<RewardBucket, CloseError> {
    let unreadable = || CloseError::Bucket { cell: bucket.cell };
    let cell = Cell::try_from(bucket.cell).map_err(|_| unreadable())?;
    RewardBucket::unpack(cell, &bucket.state).map_err(|_| unreadable())
}

/// What the log's leaf of an epoch commits to: every number of its record, big endian, in order of
/// declaration; but `drivers`, which follows from the scores that the root is over.
pub fn leaf(record: &EpochRecord) -> Vec<u8> {
    let mut out = b"hexmile/epoch/v1\0".to_vec();
    for n in [record.number, record.first_position, record.end_position, record.closed_at_ms] {
        out.extend_from_slice(&n.to_be_bytes());
    }
    out.extend_from_slice(&record.rules_hash);
    for n in [record.pool, record.paid, record.unallocated, record.target_score, record.total_score]
    {
        out.extend_from_slice(&n.to_be_bytes());
    }
    out.extend_from_slice(&record.scores_root);
    out
}
