//! Typical traffic: what is to be expected of a road in each five minutes of the local week, and its free flow,
//! from the cohorts of some weeks.
//!
//! 1. [`Compaction`] turns rows of the log into sums of whole cohorts (`compaction.rs`, `sum.rs`).
//! 2. [`TypicalBuilder`] joins the sums of several compactions to a [`Typical`].
//! 3. [`Typical::section`] reads one slot of the week of one shard (`leaf.rs`), and
//!    [`Snapshot::of_sections`] makes of sections what everything public is read from.

mod compaction;
mod leaf;
mod sum;
mod week;

use std::{collections::BTreeMap, sync::Arc};

use h3o::CellIndex;

pub use compaction::{Compacted, Compaction};
pub use week::WeekSlot;

use self::{
    leaf::{Leaf, MOST_LEAVES, flow_at, settle},
    sum::{Sum, read_part},
};
use crate::{
    Closures, Snapshot, TileId, TrafficKey, UnpackError,
    bounds::Bounds,
    digest::Digest,
    direction::{Direction, merge_neighbours},
    group::ancestor,
    hexagon::ring,
    histogram::{SpeedCounts, SpeedHistogram},
    shape::KeyLine,
    shard::{SHARD_RESOLUTION, Shard},
};

/// Resolutions whose cells low zooms draw whole.
const DRAWN_WHOLE: [u8; 3] = [8, 7, 6];

/// One key over the week.
#[derive(Debug)]
struct TypicalKey {
    key: TrafficKey,
    heading_ddeg: u16,
    line: KeyLine,
    speeds: SpeedHistogram,
    leaves: Box<[Leaf]>,
}

/// The keys of one cell of resolution 6.
#[derive(Debug)]
struct Place {
    /// In order.
    keys: Vec<TypicalKey>,
    /// Around all that it shows in any slot.
    bounds: Bounds,
}

/// Typical traffic of the week: immutable, equal on every node that has the same compactions.
#[derive(Debug, Default)]
pub struct Typical {
    places: BTreeMap<u64, Place>,
    version: u64,
    keys: usize,
    leaves: usize,
    crowded_out: u64,
}

/// How much of the week is held. Nodes that share a log must agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypicalConfig {
    /// Most keys, some 200 bytes each; sums of further ones are passed over and counted.
    pub max_keys: usize,
    /// Most sums of all keys together, 16 bytes each: where there would be more, neighbours in time of day become
    /// one, of each key alike, down to 16 a key.
    pub max_sums: usize,
}

impl Default for TypicalConfig {
    fn default() -> Self {
        Self { max_keys: 8_000_000, max_sums: 200_000_000 }
    }
}

/// Fewest sums that a key is brought down to.
const FEWEST_LEAVES: usize = 16;

/// Joins compactions.
#[derive(Debug)]
pub struct TypicalBuilder {
    config: TypicalConfig,
    sums: BTreeMap<TrafficKey, Sum>,
    version: Digest,
    /// Of all keys.
    leaves: usize,
    /// Of one key.
    most_leaves: usize,
    crowded_out: u64,
}

impl Default for TypicalBuilder {
    fn default() -> Self {
        Self::new(TypicalConfig::default())
    }
}

impl TypicalBuilder {
    /// One that holds no more than `config` says.
    pub fn new(config: TypicalConfig) -> Self {
        Self {
            config,
            sums: BTreeMap::new(),
            version: Digest::new(0),
            leaves: 0,
            most_leaves: MOST_LEAVES,
            crowded_out: 0,
        }
    }

    /// Adds a part of a compaction.
    ///
    /// # Errors
    /// [`UnpackError`] where the bytes are none; nothing of them is in then.
    pub fn add(&mut self, part: &[u8]) -> Result<(), UnpackError> {
        for mut sum in read_part(part)? {
            if self.sums.len() >= self.config.max_keys && !self.sums.contains_key(&sum.key) {
                self.crowded_out += sum.leaves.len() as u64;
                continue;
            }
            for leaf in &sum.leaves {
                self.version.add(sum.key.to_u64());
                self.version.add(u64::from(leaf.distance_cm) << 32 | u64::from(leaf.duration_ms));
            }
            if let Some(known) = self.sums.get_mut(&sum.key) {
                known.shape.merge(&sum.shape);
                known.speeds.merge(&sum.speeds);
                self.leaves -= known.leaves.len();
                known.leaves.extend(sum.leaves);
                settle(&mut known.leaves, self.most_leaves);
                self.leaves += known.leaves.len();
            } else {
                settle(&mut sum.leaves, self.most_leaves);
                self.leaves += sum.leaves.len();
                self.sums.insert(sum.key, sum);
            }
            while self.leaves > self.config.max_sums && self.most_leaves > FEWEST_LEAVES {
                self.coarsen();
            }
        }
        Ok(())
    }

    /// Halves how many sums a key may have.
    fn coarsen(&mut self) {
        self.most_leaves /= 2;
        self.leaves = 0;
        for sum in self.sums.values_mut() {
            settle(&mut sum.leaves, self.most_leaves);
            sum.leaves.shrink_to_fit();
            self.leaves += sum.leaves.len();
        }
    }

    /// What all parts say together.
    pub fn build(self) -> Typical {
        let mut typical = Typical {
            version: self.version.finish(),
            keys: self.sums.len(),
            crowded_out: self.crowded_out,
            ..Typical::default()
        };
        for (key, sum) in self.sums {
            let cell = key.cell();
            let line = sum.shape.line(cell);
            typical.leaves += sum.leaves.len();
            let parent = ancestor(cell.into(), SHARD_RESOLUTION);
            let place = typical
                .places
                .entry(parent)
                .or_insert_with(|| Place { keys: Vec::new(), bounds: Bounds::at(line.start) });
            place.bounds.add(line.start);
            place.bounds.add(line.end);
            let is_new = |resolution: u8| {
                place.keys.last().is_none_or(|last: &TypicalKey| {
                    ancestor(last.key.to_u64() | 7, resolution) != ancestor(cell.into(), resolution)
                })
            };
            let new: Vec<u8> = DRAWN_WHOLE.into_iter().filter(|r| is_new(*r)).collect();
            let around = new.into_iter().filter_map(|resolution| {
                CellIndex::try_from(ancestor(cell.into(), resolution)).ok()
            });
            around.flat_map(ring).for_each(|point| place.bounds.add(point));
            place.keys.push(TypicalKey {
                key,
                heading_ddeg: sum.shape.heading_ddeg(),
                line,
                speeds: sum.speeds,
                leaves: sum.leaves.into_boxed_slice(),
            });
        }
        typical
    }
}

/// One slot of the week of the roads in one cell of resolution 6; cheap to share.
#[derive(Clone, Debug)]
pub struct Section(Arc<Shard>);

impl Section {
    /// Lines in it: its size.
    pub fn line_count(&self) -> usize {
        self.0.lines.len()
    }
}

impl Typical {
    /// Digest of the whole content, the same on every node.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Keys known: cells of resolution 11 by direction.
    pub fn key_count(&self) -> usize {
        self.keys
    }

    /// Sums kept, at most 512 a key.
    pub fn sum_count(&self) -> usize {
        self.leaves
    }

    /// Sums passed over because [`TypicalConfig::max_keys`] was reached.
    pub fn crowded_out(&self) -> u64 {
        self.crowded_out
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// West, south, east and north of all that it shows, degrees, as [`Snapshot::bounds_deg`] has them.
    pub fn bounds_deg(&self) -> Option<[f64; 4]> {
        let mut places = self.places.values();
        let mut bounds = places.next()?.bounds;
        places.for_each(|place| bounds.cover(&place.bounds));
        Some(bounds.degrees())
    }

    /// Cells of resolution 6 of which anything is known, in order.
    pub fn cells(&self) -> impl Iterator<Item = CellIndex> {
        self.places.keys().filter_map(|cell| CellIndex::try_from(*cell).ok())
    }

    /// Cells of resolution 6 whose sections a tile is made of, in order.
    pub fn near(&self, tile: TileId) -> Vec<CellIndex> {
        let (centre, reach) = (tile.centre(), tile.reach());
        let near = self.places.iter().filter(|(_, place)| place.bounds.reaches(centre, reach));
        near.filter_map(|(cell, _)| CellIndex::try_from(*cell).ok()).collect()
    }

    /// Digest of what a tile of these sections is made from, for its `ETag`, as [`Snapshot::tile_tag`] is of a
    /// live one.
    pub fn tile_tag(
        &self,
        tile: TileId,
        sections: &[(CellIndex, WeekSlot)],
        closures: &Closures,
    ) -> u64 {
        let mut digest = Digest::new(tile.to_u64());
        // Apart from any live tile's.
        digest.add(!self.version);
        for (cell, at) in sections {
            digest.add(u64::from(*cell));
            digest.add(at.number().into());
        }
        closures.add_to(&mut digest, tile);
        digest.finish()
    }

    /// Cells of resolution 6 whose sections a cell of resolution 1 to 11 is made of, in order.
    pub fn within(&self, cell: CellIndex) -> Vec<CellIndex> {
        let resolution = u8::from(cell.resolution());
        let is_in = |place: u64| {
            if resolution <= SHARD_RESOLUTION {
                ancestor(place, resolution) == u64::from(cell)
            } else {
                place == ancestor(cell.into(), SHARD_RESOLUTION)
            }
        };
        let places = self.places.keys().copied().filter(|place| is_in(*place));
        places.filter_map(|place| CellIndex::try_from(place).ok()).collect()
    }

    /// What is typical in a cell of resolution 6 in a slot of its local week; `None` where nothing is known.
    pub fn section(&self, cell: CellIndex, at: WeekSlot) -> Option<Section> {
        let cell = u64::from(cell);
        let mut directions = Vec::new();
        read(&self.places.get(&cell)?.keys, at, &mut directions);
        let elsewhere = |cell: u64, out: &mut Vec<Direction>| {
            if let Some(place) = self.places.get(&ancestor(cell, SHARD_RESOLUTION)) {
                let first = place.keys.partition_point(|key| key.key.to_u64() < cell & !7);
                let end = place.keys.partition_point(|key| key.key.to_u64() <= cell);
                read(&place.keys[first..end], at, out);
            }
        };
        Shard::build(cell, &directions, elsewhere).map(|shard| Section(Arc::new(shard)))
    }

    /// How fast drivers of some weeks went on a key: what its free flow is read from.
    pub(crate) fn speeds(&self, key: TrafficKey) -> Option<&SpeedHistogram> {
        let keys = &self.places.get(&ancestor(key.to_u64() | 7, SHARD_RESOLUTION))?.keys;
        let index = keys.binary_search_by_key(&key, |known| known.key).ok()?;
        Some(&keys[index].speeds)
    }
}

impl Snapshot {
    /// A snapshot of sections of [`Typical`], in order of their cells, and of what is closed then.
    pub fn of_sections(sections: Vec<Section>, closures: Closures) -> Self {
        Self::timeless(sections.into_iter().map(|section| section.0).collect(), closures)
    }
}

/// Appends the directions of keys, which are in order, in a slot.
fn read(keys: &[TypicalKey], at: WeekSlot, out: &mut Vec<Direction>) {
    for of_cell in keys.chunk_by(|a, b| a.key.to_u64() | 7 == b.key.to_u64() | 7) {
        let first = out.len();
        out.extend(of_cell.iter().filter_map(|key| {
            let live = flow_at(&key.leaves, at);
            if live.drivers == 0 {
                // No compaction writes a key without a sum, but a store may hold anything.
                return None;
            }
            let mut speeds = SpeedCounts::EMPTY;
            speeds.add(&key.speeds);
            Some(Direction {
                cell: key.key.to_u64() | 7,
                sectors: 1 << key.key.sector().number(),
                heading_ddeg: key.heading_ddeg,
                start: key.line.start,
                end: key.line.end,
                next: key.line.next,
                live,
                speeds,
            })
        }));
        merge_neighbours(out, first);
    }
}
