//! Traffic state: a pure function of the rows of the log, held in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
};

use h3o::CellIndex;

use crate::{
    Closures, Observation, Slot, Snapshot, Threshold, Tick, TrafficKey, Typical,
    cohort::{Cohort, LIVE_SLOTS, OpenCohort, is_countable},
    direction::{Direction, read_cell},
    group::ancestor,
    published::Published,
    shard::{SHARD_RESOLUTION, Shard},
    threads::on_threads,
};

/// Slots after which a key without a new cohort is forgotten: 24 hours.
const DORMANT_SLOTS: u32 = 288;

/// Resolution at which changes are noted: two cells of resolution 11 never reach past the next one.
const CHANGE_RESOLUTION: u8 = 9;

/// Fewest shards that a thread is worth.
const SHARDS_A_THREAD: usize = 4;

/// Slots between two sweeps for what is out of date.
const SWEEP_SLOTS: u32 = LIVE_SLOTS;

/// One row of the log: a folded trace, of which a rejected or erased one has no observations, or an
/// erasure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Dense position in the log: 0, 1, 2 ...
    pub position: u64,
    /// Pseudonym of the account, under a key that rotates.
    pub driver: u64,
    /// Which rotation of the key that is. With another one than the last row's whoever waits for company is let
    /// go of: under two names one driver would be company enough for another.
    pub rotation: u64,
    /// When it was folded, Unix milliseconds: the log's own clock.
    pub folded_at_ms: u64,
    /// What it saw.
    pub observations: Vec<Observation>,
    /// Drivers that were erased here: nothing of theirs that is not published yet counts any more.
    pub forget: Vec<u64>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was next, and is applied, with all that waited for it.
    Applied,
    /// Its position had been applied before, or waits already.
    Repeat,
    /// Rows before it are missing; it waits for them.
    Waiting,
}

/// A row too far ahead of the log applied so far, while the waiting room is full. Nothing was kept of
/// it: read the log again from `expected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {position} cannot wait: too many rows do; the next one needed is {expected}")]
pub struct WaitingFull {
    /// Position of the row refused.
    pub position: u64,
    /// Position that is needed next.
    pub expected: u64,
}

/// Bounds and threshold of a traffic state. Nodes that share a log must agree on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficConfig {
    /// Distinct drivers that it takes to publish.
    pub threshold: Threshold,
    /// Most keys held; observations of further ones are passed over and counted.
    pub max_keys: usize,
    /// Most rows that wait for missing ones.
    pub max_waiting_rows: usize,
    /// Threads that publishing may take, the caller's included; what is published does not depend on it.
    pub threads: NonZeroUsize,
}

impl Default for TrafficConfig {
    fn default() -> Self {
        Self {
            threshold: Threshold::MIN,
            max_keys: 8_000_000,
            max_waiting_rows: 4096,
            threads: NonZeroUsize::MIN,
        }
    }
}

/// Counts for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficStats {
    /// Keys held, open or published.
    pub keys: usize,
    /// Keys with at least one published cohort.
    pub published_keys: usize,
    /// Bytes held for keys, snapshots apart (the trees' own slack not counted).
    pub key_bytes: usize,
    /// Rows that wait for missing ones.
    pub waiting_rows: usize,
    /// Cohorts closed so far.
    pub cohorts: u64,
    /// Observations that came too late, from the future, or were no pass through a cell.
    pub uncounted_observations: u64,
    /// Observations passed over because `max_keys` was reached.
    pub crowded_out_observations: u64,
}

#[derive(Debug, Default)]
struct KeyState {
    open: OpenCohort,
    published: Option<Box<Published>>,
}

#[derive(Debug, Default)]
struct ShardState {
    keys: BTreeMap<TrafficKey, KeyState>,
    built: Option<Arc<Shard>>,
}

impl ShardState {
    /// Closes a cohort of those who wait on either side of the border of two sectors that the driver,
    /// who was just added to `key`, leans towards.
    fn close_across(
        &mut self,
        key: TrafficKey,
        driver: u64,
        now: Slot,
        threshold: Threshold,
    ) -> Option<Cohort> {
        let sector = key.sector();
        let clockwise = self.keys.get(&key)?.open.leans_clockwise(driver)?;
        let beside = if clockwise { sector.clockwise() } else { sector.anticlockwise() };
        let beside = TrafficKey::new(key.cell(), beside)?;
        let mut other = core::mem::take(&mut self.keys.get_mut(&beside)?.open);
        let mine = &mut self.keys.get_mut(&key)?.open;
        let cohort = if clockwise {
            mine.close_with(&mut other, now, threshold)
        } else {
            other.close_with(mine, now, threshold)
        };
        self.keys.get_mut(&beside)?.open = other;
        cohort
    }
}

/// Traffic of all keys, advanced row by row.
///
/// Rows may arrive in any order, in any portions and more than once: they take effect in order of
/// position, so equal sets of rows give equal states. Time is the log's: the latest `folded_at_ms`
/// applied; publishing adds the shared tick and never changes what later rows do.
#[derive(Debug)]
pub struct TrafficState {
    config: TrafficConfig,
    position: u64,
    clock: Slot,
    swept: Slot,
    waiting: BTreeMap<u64, Row>,
    /// Of the last row.
    rotation: u64,
    shards: BTreeMap<u64, ShardState>,
    /// Shards with new cohorts.
    dirty: BTreeSet<u64>,
    /// Cells of resolution 9 with new cohorts: how lines two cells away are drawn, and where they end,
    /// depends on them.
    changed: BTreeSet<u64>,
    keys: usize,
    stats: TrafficStats,
    typical: Arc<Typical>,
    closures: Closures,
    snapshot: Arc<Snapshot>,
}

impl TrafficState {
    /// The state before the first row.
    pub fn new(config: TrafficConfig) -> Self {
        Self {
            config,
            position: 0,
            clock: Slot::default(),
            swept: Slot::default(),
            waiting: BTreeMap::new(),
            rotation: 0,
            shards: BTreeMap::new(),
            dirty: BTreeSet::new(),
            changed: BTreeSet::new(),
            keys: 0,
            stats: TrafficStats::default(),
            typical: Arc::default(),
            closures: Closures::default(),
            snapshot: Arc::new(Snapshot::empty()),
        }
    }

    /// Position of the row that is needed next: all before it are applied.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Takes a row of the log.
    ///
    /// # Errors
    /// [`WaitingFull`] where rows before it are missing and no more can wait.
    pub fn apply(&mut self, row: Row) -> Result<Applied, WaitingFull> {
        if row.position < self.position || self.waiting.contains_key(&row.position) {
            return Ok(Applied::Repeat);
        }
        if row.position > self.position {
            if self.waiting.len() >= self.config.max_waiting_rows {
                return Err(WaitingFull { position: row.position, expected: self.position });
            }
            self.waiting.insert(row.position, row);
            return Ok(Applied::Waiting);
        }
        self.fold(&row);
        while let Some(next) = self.waiting.remove(&self.position) {
            self.fold(&next);
        }
        Ok(Applied::Applied)
    }

    /// Takes the speeds of some weeks, which count towards free flow from the next publication on.
    pub fn set_typical(&mut self, typical: Arc<Typical>) {
        if typical.version() != self.typical.version() {
            let live = self.shards.iter().filter(|(_, shard)| shard.built.is_some());
            self.dirty.extend(live.map(|(cell, _)| *cell));
        }
        self.typical = typical;
    }

    /// Takes the closures that the next publications choose from.
    pub fn set_closures(&mut self, closures: Closures) {
        self.closures = closures;
    }

    /// Whether a cohort closed since the last publication: a tile is due.
    pub fn is_due(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Publishes what is due, as of a tick; an earlier tick than the last one counts as the last one.
    ///
    /// Only shards with new cohorts are rebuilt, or all with live traffic when a new slot begins.
    /// Where nothing changed, not even tick or position, the same snapshot is given again.
    pub fn publish(&mut self, tick: Tick) -> Arc<Snapshot> {
        let tick = tick.max(self.snapshot.tick());
        let now = tick.slot().max(self.clock);
        if now != self.snapshot.slot() {
            let live = self.shards.iter().filter(|(_, shard)| shard.built.is_some());
            self.dirty.extend(live.map(|(cell, _)| *cell));
        }
        let changed = core::mem::take(&mut self.changed);
        for cell in changed.into_iter().filter_map(|cell| CellIndex::try_from(cell).ok()) {
            for around in cell.grid_disk::<Vec<_>>(1) {
                let parent = ancestor(around.into(), SHARD_RESOLUTION);
                if self.shards.get(&parent).is_some_and(|shard| shard.built.is_some()) {
                    self.dirty.insert(parent);
                }
            }
        }
        let dirty = core::mem::take(&mut self.dirty);
        for (cell, built) in self.build_all(&dirty, now) {
            if let Some(shard) = self.shards.get_mut(&cell) {
                shard.built = built.map(Arc::new);
            }
        }
        let closures = self.closures.at(tick.begins_at_ms());
        if !dirty.is_empty()
            || closures.tag() != self.snapshot.closures().tag()
            || tick != self.snapshot.tick()
            || self.position != self.snapshot.position()
        {
            let shards = if dirty.is_empty() {
                self.snapshot.shards()
            } else {
                self.shards.values().filter_map(|shard| shard.built.clone()).collect()
            };
            self.snapshot = Arc::new(Snapshot::new(tick, now, self.position, shards, closures));
        }
        Arc::clone(&self.snapshot)
    }

    /// Observations passed over so far because [`TrafficConfig::max_keys`] was reached.
    pub fn crowded_out(&self) -> u64 {
        self.stats.crowded_out_observations
    }

    /// Counts; walks all keys.
    pub fn stats(&self) -> TrafficStats {
        let mut stats = self.stats;
        stats.keys = self.keys;
        stats.waiting_rows = self.waiting.len();
        for key in self.shards.values().flat_map(|shard| shard.keys.values()) {
            stats.published_keys += usize::from(key.published.is_some());
            stats.key_bytes += size_of::<(TrafficKey, KeyState)>()
                + key.open.heap_bytes()
                + key.published.as_ref().map_or(0, |_| size_of::<Published>());
        }
        stats
    }

    fn fold(&mut self, row: &Row) {
        self.position = row.position + 1;
        self.clock = self.clock.max(Slot::of_unix_ms(row.folded_at_ms));
        if self.swept.until(self.clock) >= SWEEP_SLOTS {
            self.sweep();
        }
        if row.rotation != self.rotation {
            self.rotation = row.rotation;
            self.retain_open(|_| false);
        }
        if !row.forget.is_empty() {
            self.retain_open(|driver| !row.forget.contains(&driver));
        }
        for observation in &row.observations {
            if is_countable(observation, self.clock) {
                self.count(row.driver, observation);
            } else {
                self.stats.uncounted_observations += 1;
            }
        }
    }

    fn count(&mut self, driver: u64, observation: &Observation) {
        let key = observation.key;
        let parent = ancestor(key.to_u64() | 7, SHARD_RESOLUTION);
        let is_known = |shard: &ShardState| shard.keys.contains_key(&key);
        if self.keys >= self.config.max_keys && !self.shards.get(&parent).is_some_and(is_known) {
            self.stats.crowded_out_observations += 1;
            return;
        }
        let shard = self.shards.entry(parent).or_default();
        let held = shard.keys.len();
        let state = shard.keys.entry(key).or_default();
        let (now, threshold) = (self.clock, self.config.threshold);
        let closed = state.open.add(driver, observation, now, threshold);
        let closed = closed.or_else(|| shard.close_across(key, driver, now, threshold));
        if let Some(cohort) = closed {
            // Under the sector that its drivers have on average: it says nothing of who waits.
            let key = TrafficKey::new(key.cell(), cohort.sector()).unwrap_or(key);
            match &mut shard.keys.entry(key).or_default().published {
                Some(published) => published.merge(&cohort),
                none => *none = Some(Box::new(Published::new(&cohort))),
            }
            self.stats.cohorts += 1;
            self.dirty.insert(parent);
            self.changed.insert(ancestor(key.to_u64() | 7, CHANGE_RESOLUTION));
        }
        self.keys = self.keys + shard.keys.len() - held;
    }

    /// Lets go of all drivers who wait but some. What is published stays until it is out of date: sums of several drivers,
    /// from which nobody can be taken out again.
    fn retain_open(&mut self, stays: impl Fn(u64) -> bool) {
        self.keys = 0;
        for shard in self.shards.values_mut() {
            shard.keys.retain(|_, key| {
                key.open.retain(&stays);
                !key.open.is_empty() || key.published.is_some()
            });
            self.keys += shard.keys.len();
        }
        self.shards.retain(|_, shard| !shard.keys.is_empty() || shard.built.is_some());
    }

    /// Forgets what cannot count any more; what is published does not change by it.
    fn sweep(&mut self) {
        self.swept = self.clock;
        let clock = self.clock;
        self.keys = 0;
        for shard in self.shards.values_mut() {
            shard.keys.retain(|_, key| {
                key.open.drop_old(clock);
                let is_dormant = |p: &Published| p.newest().until(clock) >= DORMANT_SLOTS;
                if key.published.as_deref().is_some_and(is_dormant) {
                    key.published = None;
                }
                !key.open.is_empty() || key.published.is_some()
            });
            self.keys += shard.keys.len();
        }
        self.shards.retain(|_, shard| !shard.keys.is_empty() || shard.built.is_some());
    }

    /// Builds shards; in no order that says anything.
    fn build_all(&self, cells: &BTreeSet<u64>, now: Slot) -> Vec<(u64, Option<Shard>)> {
        let cells: Vec<u64> = cells.iter().copied().collect();
        let threads = self.config.threads.get().min(cells.len() / SHARDS_A_THREAD);
        on_threads(threads, &cells, |cell| (*cell, self.build(*cell, now)))
    }

    fn build(&self, cell: u64, now: Slot) -> Option<Shard> {
        let mut directions = Vec::new();
        let mut keys = published(&self.shards.get(&cell)?.keys).peekable();
        while let Some((first, _)) = keys.peek() {
            let of_cell = first.to_u64() | 7;
            let same = core::iter::from_fn(|| keys.next_if(|(k, _)| k.to_u64() | 7 == of_cell));
            read_cell(same, now, &self.typical, &mut directions);
        }
        Shard::build(cell, &directions, |cell, out| self.read(cell, now, out))
    }

    /// Appends the live directions of any cell of resolution 11.
    fn read(&self, cell: u64, now: Slot, out: &mut Vec<Direction>) {
        let shard = self.shards.get(&ancestor(cell, SHARD_RESOLUTION));
        let keys = Option::zip(TrafficKey::from_u64(cell & !7), TrafficKey::from_u64(cell));
        if let (Some(shard), Some((first, last))) = (shard, keys) {
            let keys = shard.keys.range(first..=last);
            let published =
                keys.filter_map(|(key, state)| state.published.as_deref().map(|p| (*key, p)));
            read_cell(published, now, &self.typical, out);
        }
    }
}

fn published(
    keys: &BTreeMap<TrafficKey, KeyState>,
) -> impl Iterator<Item = (TrafficKey, &Published)> {
    keys.iter().filter_map(|(key, state)| state.published.as_deref().map(|p| (*key, p)))
}

#[cfg(test)]
mod tests;
