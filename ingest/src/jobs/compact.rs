//! The job that compacts the log into typical traffic, once a day by default.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hexmile_tiles::{Compacted, Compaction as Pure, Threshold, UnpackError, unpack};
use tokio::sync::Notify;

use super::{Stop, rest};
use crate::{
    environment::Environment,
    keys::ServerKeys,
    local_time::LocalTime,
    metrics::Metrics,
    store::{
        Compaction, CompactionCommit, CompactionRecord, LogRow, Logged, Result, Store, Waiting,
    },
};

/// How long typical traffic remembers, milliseconds: four weeks.
pub(crate) const TYPICAL_LIFE_MS: u64 = 28 * 24 * 3_600_000;
/// How often to look at the clock.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait after compacting failed.
const PAUSE: Duration = Duration::from_secs(30);
/// Rows read at once.
const BATCH: usize = 1024;
pub(crate) struct CompactJob {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) keys: ServerKeys,
    pub(crate) local: Arc<LocalTime>,
    pub(crate) threshold: Threshold,
    /// From one compaction to the next.
    pub(crate) period_ms: u64,
    /// Observations after which a compaction ends, and another follows.
    pub(crate) most_observations: usize,
    /// Told of every compaction.
    pub(crate) compacted: Arc<Notify>,
}

/// Where a compaction left off.
enum Round {
    /// The log is compacted up to its end.
    Done,
    /// Rows are left, or an erasure came between: the next part is due at once.
    Again,
    /// Another node was first.
    Overtaken,
}

impl CompactJob {
    pub(crate) async fn run(self, mut stop: Stop) {
        loop {
            let wait = match self.round(&stop).await {
                Ok(()) => EVERY,
                Err(error) => {
                    tracing::error!(%error, "compacting the log failed; trying again");
                    PAUSE
                }
            };
            if !rest(&mut stop, wait, std::future::pending()).await {
                return;
            }
        }
    }

    /// Compacts the log up to its end, if that is due.
    async fn round(&self, stop: &Stop) -> Result<()> {
        let now_ms = self.environment.now_ms();
        let last = self.store.last_compaction().await?;
        // Due when what is not compacted yet is as old as the time between two: at once, where a stop left parts.
        let next = last.as_ref().map_or(0, |last| last.end_position);
        let since_ms = self.store.read_log(next, 1).await?.first().map(|row| row.folded_at_ms);
        if since_ms.is_none_or(|since_ms| now_ms < since_ms.saturating_add(self.period_ms)) {
            return Ok(());
        }
        let mut last = last;
        while let Round::Again = self.compact(last, now_ms).await? {
            if *stop.borrow() {
                return Ok(());
            }
            last = self.store.last_compaction().await?;
        }
        Ok(())
    }

    async fn compact(&self, last: Option<CompactionRecord>, now_ms: u64) -> Result<Round> {
        // Read before the rows: an erasure after it shows.
        let head = self.store.log_head().await?;
        let (number, first_position) =
            last.map_or((0, 0), |last| (last.number + 1, last.end_position));
        if head.next_position == first_position {
            // Without new rows nobody who waits gets company.
            return Ok(Round::Done);
        }
        let mut pure = Pure::new(self.threshold);
        let waited = self.add_waiting(&mut pure).await?;
        // What waits does not count: else it might leave no room for those it waits for.
        let most = pure.len() + self.most_observations.max(1);
        let mut end_position = first_position;
        while end_position < head.next_position && pure.len() < most {
            let room =
                usize::try_from(head.next_position - end_position).map_or(BATCH, |n| n.min(BATCH));
            let rows = self.store.read_log(end_position, room).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if pure.len() >= most {
                    break;
                }
                end_position = row.position + 1;
                self.add(&mut pure, &row, None);
            }
        }
        let Ok(compacted) = tokio::task::spawn_blocking(move || pure.finish()).await else {
            // The panic is in the log.
            return Ok(Round::Done);
        };
        let Compacted { parts, waiting, cohorts } = compacted;
        // Of rows that wait no more nothing is left to say; those that wait as before need not be written.
        let gone = waited.keys().filter(|position| !waiting.contains_key(position));
        let gone = gone.map(|position| (*position, Vec::new()));
        let changed = waiting.iter().filter(|(position, new)| waited.get(position) != Some(new));
        let changed = changed.map(|(position, new)| (*position, new.clone()));
        let waiting = gone
            .chain(changed)
            .map(|(position, observations)| Waiting { position, observations })
            .collect();
        let compaction = Compaction {
            number,
            first_position,
            end_position,
            at_ms: now_ms,
            parts,
            waiting,
            erasures: head.erasures,
        };
        let committed = self.store.commit_compaction(&compaction).await?;
        match committed {
            CompactionCommit::Committed => {}
            CompactionCommit::Erased => return Ok(Round::Again),
            CompactionCommit::NotNext => return Ok(Round::Overtaken),
        }
        let before_ms = now_ms.saturating_sub(TYPICAL_LIFE_MS);
        self.store.forget_compactions(before_ms, before_ms).await?;
        self.metrics.compactions.inc();
        self.compacted.notify_one();
        tracing::info!(number, first_position, end_position, cohorts, "compacted the log");
        Ok(if end_position < head.next_position { Round::Again } else { Round::Done })
    }

    /// Adds what waits from before; returns it by position.
    async fn add_waiting(&self, pure: &mut Pure) -> Result<BTreeMap<u64, Vec<u8>>> {
        let mut waited = BTreeMap::new();
        let mut position = 0;
        loop {
            let rows = self.store.waiting_rows(position, BATCH).await?;
            let Some((last, _)) = rows.last() else { return Ok(waited) };
            position = last.position + 1;
            for (row, observations) in rows {
                self.add(pure, &row, Some(&observations));
                waited.insert(row.position, observations);
            }
        }
    }

    fn add(&self, pure: &mut Pure, row: &LogRow, waiting: Option<&[u8]>) {
        let Logged::Trace(trace) = &row.what else { return };
        if !trace.accepted {
            return;
        }
        // A name for this compaction alone, which is stored nowhere.
        let driver = self.keys.pseudonym(trace.account, 0);
        let added: std::result::Result<(), UnpackError> =
            unpack(&trace.observations).and_then(|observations| {
                pure.add(row.position, driver, &observations, waiting, |cell, slot| {
                    self.local.week_slot(cell, slot.begins_at_ms())
                })
            });
        if let Err(error) = added {
            tracing::error!(%error, position = row.position, "observations cannot be read");
        }
    }
}
