//! Published snapshots: everything public is read from one.

use std::sync::{Arc, OnceLock};

use h3o::{CellIndex, Resolution};

use crate::{
    Closures, Level, Sector, Slot, Summary, Tick, TileId,
    digest::Digest,
    shard::{CoarseGroups, SHARD_RESOLUTION, Shard},
};

/// What is published as of one tick: immutable, cheap to share, equal on every node that applied the
/// same rows.
#[derive(Debug)]
pub struct Snapshot {
    tick: Tick,
    slot: Slot,
    position: u64,
    /// In order of their cells.
    shards: Vec<Arc<Shard>>,
    closures: Closures,
    version: u64,
    coarse: OnceLock<CoarseGroups>,
    pub(crate) summary: OnceLock<Summary>,
}

/// Traffic of one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellTraffic {
    /// The cell.
    pub cell: CellIndex,
    /// Its directions, in order of sector.
    pub directions: Vec<DirectionTraffic>,
}

/// Traffic of one cell in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectionTraffic {
    /// Sectors it is made of: one, or two neighbours that merged.
    pub sectors: Vec<Sector>,
    /// Mean heading, whole degrees clockwise from north, 0 to 359.
    pub heading_deg: u16,
    /// Published values.
    pub level: Level,
}

impl Snapshot {
    pub(crate) fn empty() -> Self {
        Self::new(Tick::default(), Slot::default(), 0, Vec::new(), Closures::default())
    }

    pub(crate) fn new(
        tick: Tick,
        slot: Slot,
        position: u64,
        shards: Vec<Arc<Shard>>,
        closures: Closures,
    ) -> Self {
        let mut digest = Digest::new(0);
        for shard in &shards {
            digest.add(shard.tag);
        }
        digest.add(closures.tag());
        Self {
            tick,
            slot,
            position,
            shards,
            closures,
            version: digest.finish(),
            coarse: OnceLock::new(),
            summary: OnceLock::new(),
        }
    }

    /// What belongs to no tick.
    pub(crate) fn timeless(shards: Vec<Arc<Shard>>, closures: Closures) -> Self {
        Self::new(Tick::default(), Slot::default(), 0, shards, closures)
    }

    /// The tick it was published for.
    pub fn tick(&self) -> Tick {
        self.tick
    }

    /// The slot that ages are counted from.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Log position: all rows before it are in.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Digest of the whole content: changes exactly when what is published does, the same on every node.
    /// It says nothing of order; for that see [`Snapshot::position`].
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether nothing is published.
    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    /// Roads that are closed.
    pub fn closures(&self) -> &Closures {
        &self.closures
    }

    /// Number of cell directions published at resolution 11.
    pub fn line_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lines.len()).sum()
    }

    /// Where anything is published: west, south, east and north in degrees, east above 180 where the
    /// antimeridian lies within; `None` where nothing is.
    pub fn bounds_deg(&self) -> Option<[f64; 4]> {
        let (first, rest) = self.shards.split_first()?;
        let mut bounds = first.extent;
        for shard in rest {
            bounds.cover(&shard.extent);
        }
        Some(bounds.degrees())
    }

    /// Digest of what a tile is made from, for its `ETag`: equal tags mean equal bytes, on every node and
    /// across ticks, and finding it encodes nothing. Different tags may, rarely, still mean equal bytes.
    pub fn tile_tag(&self, tile: TileId) -> u64 {
        let mut digest = Digest::new(tile.to_u64());
        if tile.resolution() < SHARD_RESOLUTION {
            digest.add(self.version);
        } else {
            self.shards_of(tile).for_each(|shard| digest.add(shard.tag));
            self.closures.add_to(&mut digest, tile);
        }
        digest.finish()
    }

    /// Every tile of zooms 0 to `max_zoom` that shows something, and a few beside them that do not.
    pub fn tiles(&self, max_zoom: u8) -> Vec<TileId> {
        let mut found = Vec::new();
        let world = TileId::new(0, 0, 0).ok();
        let mut open: Vec<(TileId, Vec<&Shard>)> =
            world.map(|world| (world, self.shards_of(world).collect())).into_iter().collect();
        while let Some((tile, shards)) = open.pop() {
            if shards.is_empty() && self.closures.near(tile).next().is_none() {
                continue;
            }
            found.push(tile);
            let children = if tile.z() < max_zoom { tile.children() } else { Vec::new() };
            open.extend(children.into_iter().map(|child| {
                let (centre, reach) = (child.centre(), child.reach());
                let within = shards.iter().filter(|shard| shard.bounds.reaches(centre, reach));
                (child, within.copied().collect())
            }));
        }
        found
    }

    /// Traffic of a cell of resolution 1 to 11; `None` where nothing is published, and at others.
    pub fn cell(&self, cell: CellIndex) -> Option<CellTraffic> {
        let resolution = u8::from(cell.resolution());
        let index = u64::from(cell);
        let directions: Vec<_> = if resolution < SHARD_RESOLUTION {
            directions_of(self.coarse().groups(resolution), index)
        } else if resolution == u8::from(Resolution::Eleven) {
            let lines = &self.shard(cell)?.lines;
            let first = lines.partition_point(|line| line.cell < index);
            lines[first..]
                .iter()
                .take_while(|line| line.cell == index)
                .map(|line| DirectionTraffic {
                    sectors: (0..8)
                        .filter(|n| line.sectors >> n & 1 == 1)
                        .filter_map(Sector::new)
                        .collect(),
                    heading_deg: whole_degrees(line.heading_ddeg),
                    level: line.level,
                })
                .collect()
        } else {
            directions_of(self.shard(cell)?.groups(resolution), index)
        };
        (!directions.is_empty()).then_some(CellTraffic { cell, directions })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter().map(Arc::as_ref)
    }

    pub(crate) fn shards(&self) -> Vec<Arc<Shard>> {
        self.shards.clone()
    }

    /// Shards that show something in a tile or its buffer.
    pub(crate) fn shards_of(&self, tile: TileId) -> impl Iterator<Item = &Shard> {
        let (centre, reach) = (tile.centre(), tile.reach());
        self.shards.iter().map(Arc::as_ref).filter(move |shard| shard.bounds.reaches(centre, reach))
    }

    /// Groups of resolutions 1 to 5, summed when first asked for.
    pub(crate) fn coarse(&self) -> &CoarseGroups {
        self.coarse.get_or_init(|| CoarseGroups::of_shards(self.shards.iter().map(Arc::as_ref)))
    }

    fn shard(&self, cell: CellIndex) -> Option<&Shard> {
        let parent = u64::from(cell.parent(Resolution::Six)?);
        let index = self.shards.binary_search_by_key(&parent, |shard| shard.cell).ok()?;
        Some(&self.shards[index])
    }
}

fn directions_of(groups: &[crate::group::Group], cell: u64) -> Vec<DirectionTraffic> {
    let first = groups.partition_point(|group| group.cell < cell);
    groups[first..]
        .iter()
        .take_while(|group| group.cell == cell)
        .map(|group| DirectionTraffic {
            sectors: vec![group.sector],
            heading_deg: whole_degrees(group.heading_ddeg),
            level: group.flow.level(),
        })
        .collect()
}

fn whole_degrees(ddeg: u16) -> u16 {
    (ddeg + 5) / 10 % 360
}
