//! Compacting rows of the log into typical traffic.
//!
//! The rule of publishing is that of live traffic, with time of day in place of the order of arrival: the
//! passes of a key, those that wait from before included, are put in order of their time of day, working days
//! apart from the weekend, and each time that the threshold's number of distinct drivers is together, a
//! cohort closes. It is summed whole, and never opened again. Who is left waits for the next compaction, so
//! that any two publications differ by whole cohorts.

use std::collections::{BTreeMap, VecDeque};

use h3o::CellIndex;

use super::{
    leaf::Leaf,
    sum::{Parts, Sum},
    week::WeekSlot,
};
use crate::{
    Observation, Slot, Threshold, UnpackError,
    cohort::{DriverMean, Share, close, is_pass},
    group::ancestor,
    shard::SHARD_RESOLUTION,
    varint::{Reader, write},
};

/// Time of day within which those who make up a cohort passed, slots: an hour.
const WINDOW_SLOTS: u16 = 12;

/// No bound on the time of day.
const ANY: u16 = u16::MAX;

/// Slots of capture time after which whoever waits is taken into a cohort of any time of day: a week.
const PATIENCE: u32 = WeekSlot::COUNT as u32;

/// One observation that waits.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    week: WeekSlot,
    position: u64,
    index: u16,
    driver: u64,
    observation: Observation,
}

/// Rows on their way into typical traffic.
#[derive(Debug)]
pub struct Compaction {
    threshold: Threshold,
    passes: Vec<Waiter>,
}

/// What a compaction comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Sums of whole cohorts, for [`super::TypicalBuilder::add`]: parts of about a megabyte. They name nobody.
    pub parts: Vec<Vec<u8>>,
    /// By position of the log, the indices of the row's observations that still wait, packed; rows of which
    /// none does are not in it.
    pub waiting: BTreeMap<u64, Vec<u8>>,
    /// Cohorts closed.
    pub cohorts: u64,
}

impl Compaction {
    /// A compaction that closes cohorts of `threshold` drivers, of [`Threshold::TYPICAL_MIN`] at least.
    pub fn new(threshold: Threshold) -> Self {
        Self { threshold: threshold.max(Threshold::TYPICAL_MIN), passes: Vec::new() }
    }

    /// Takes a row of the log: its position, a name of its driver that is the same in all rows of this
    /// compaction, and its observations; of one that waits from before, those of [`Compacted::waiting`].
    /// `week` gives the local slot of a capture slot at a cell of resolution 6.
    ///
    /// # Errors
    /// [`UnpackError`] where `waiting` is not what a compaction wrote for this row.
    pub fn add(
        &mut self,
        position: u64,
        driver: u64,
        observations: &[Observation],
        waiting: Option<&[u8]>,
        week: impl Fn(CellIndex, Slot) -> WeekSlot,
    ) -> Result<(), UnpackError> {
        let mut add = |index: u16| {
            let observation = *observations.get(usize::from(index)).ok_or(UnpackError::Range)?;
            let shard = ancestor(observation.key.to_u64() | 7, SHARD_RESOLUTION);
            let shard = CellIndex::try_from(shard).map_err(|_| UnpackError::Cell)?;
            if is_pass(&observation) {
                let week = week(shard, observation.slot);
                self.passes.push(Waiter { week, position, index, driver, observation });
            }
            Ok(())
        };
        match waiting {
            Some(indices) => unpack_indices(indices)?.into_iter().try_for_each(add),
            None => {
                (0..observations.len().min(usize::from(u16::MAX)) as u16).try_for_each(&mut add)
            }
        }
    }

    /// Observations taken so far.
    pub fn len(&self) -> usize {
        self.passes.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty()
    }

    /// Closes what can be closed. The same rows, in whatever order, give the same bytes.
    pub fn finish(mut self) -> Compacted {
        self.passes.sort_unstable_by_key(|pass| {
            let week = pass.week;
            (pass.observation.key, week.is_weekend(), week.of_midnight(), pass.position, pass.index)
        });
        let newest = self.passes.iter().map(|pass| pass.observation.slot).max().unwrap_or_default();
        let mut parts = Parts::default();
        let mut waiting: BTreeMap<u64, Vec<u16>> = BTreeMap::new();
        let mut cohorts = 0;
        for of_key in self.passes.chunk_by(|a, b| a.observation.key == b.observation.key) {
            let mut sum = Sum::new(of_key[0].observation.key);
            let left = close_all(of_key, self.threshold, newest, &mut sum);
            cohorts += sum.leaves.len() as u64;
            if !sum.leaves.is_empty() {
                parts.push(&sum);
            }
            for waiter in left {
                waiting.entry(waiter.position).or_default().push(waiter.index);
            }
        }
        let pack = |(position, mut indices): (u64, Vec<u16>)| {
            indices.sort_unstable();
            (position, pack_indices(&indices))
        };
        Compacted {
            parts: parts.finish(),
            waiting: waiting.into_iter().map(pack).collect(),
            cohorts,
        }
    }
}

/// Sums the cohorts of one key's passes, and gives back the passes that are left. Those who passed within an
/// hour of each other come first, so that the time of day is kept; when somebody has waited for
/// [`PATIENCE`], anybody will do.
fn close_all(passes: &[Waiter], threshold: Threshold, newest: Slot, sum: &mut Sum) -> Vec<Waiter> {
    let left = close_near(passes, WINDOW_SLOTS, threshold, sum);
    let is_patient = |pass: &Waiter| pass.observation.slot.until(newest) < PATIENCE;
    if left.iter().all(is_patient) { left } else { close_near(&left, ANY, threshold, sum) }
}

/// Closes cohorts of passes that lie at most `window` slots of the day apart, on days of one kind, which
/// with [`ANY`] may be any days.
fn close_near(passes: &[Waiter], window: u16, threshold: Threshold, sum: &mut Sum) -> Vec<Waiter> {
    let mut left = Vec::new();
    let mut open: VecDeque<Waiter> = VecDeque::new();
    for pass in passes {
        let is_far = |first: &Waiter| {
            let (from, to) = (first.week, pass.week);
            window != ANY
                && (from.is_weekend() != to.is_weekend()
                    || from.of_midnight() + window < to.of_midnight())
        };
        while open.front().is_some_and(is_far) {
            left.extend(open.pop_front());
        }
        open.push_back(*pass);
        let mut shares: Vec<Share> = Vec::new();
        for Waiter { driver, observation, .. } in &open {
            match shares.iter_mut().find(|share| share.driver() == *driver) {
                Some(share) => share.add_if_room(observation),
                None => shares.push(Share::new(*driver, observation)),
            }
        }
        if shares.len() >= usize::from(threshold.drivers()) {
            sum.add(&close(shares).drivers, open.make_contiguous());
            open.clear();
        }
    }
    left.extend(open);
    left
}

impl Sum {
    /// Adds a cohort, which `passes` in order of their time of day make up.
    fn add(&mut self, drivers: &[DriverMean], passes: &[Waiter]) {
        self.shape.add(drivers);
        for driver in drivers {
            self.speeds.add(driver.distance_cm, driver.duration_ms);
        }
        self.leaves.push(leaf(passes, drivers));
    }
}

/// When the passes of a cohort were, which are in order of their time of day, and its drivers' sums.
fn leaf(passes: &[Waiter], drivers: &[DriverMean]) -> Leaf {
    let times = || passes.iter().map(|pass| pass.week.of_midnight());
    let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    let sum =
        |part: fn(&DriverMean) -> u32| drivers.iter().map(part).fold(0u32, u32::saturating_add);
    Leaf {
        days: passes.iter().fold(0, |days, pass| days | 1 << pass.week.day()),
        at: u16::midpoint(first, last),
        spread: (last - first).div_ceil(2).min(u16::from(u8::MAX)) as u8,
        drivers: drivers.len() as u16,
        distance_cm: sum(|driver| driver.distance_cm),
        duration_ms: sum(|driver| driver.duration_ms),
    }
}

/// Indices in rising order, as differences.
fn pack_indices(indices: &[u16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(indices.len());
    let mut next = 0;
    for index in indices {
        write(&mut out, u64::from(index - next));
        next = index.saturating_add(1);
    }
    out
}

fn unpack_indices(bytes: &[u8]) -> Result<Vec<u16>, UnpackError> {
    let mut reader = Reader(bytes);
    let mut indices = Vec::with_capacity(bytes.len());
    let mut next = 0u64;
    while !reader.0.is_empty() {
        let index = next + reader.ranged(u16::MAX.into())?;
        indices.push(u16::try_from(index).map_err(|_| UnpackError::Range)?);
        next = index + 1;
    }
    Ok(indices)
}
