//! The published traffic of one cell of resolution 6, immutable: what a snapshot is made of.

use crate::{
    Level, Sector,
    bounds::Bounds,
    chain::{Chain, join, path},
    digest::Digest,
    direction::Direction,
    group::{Group, ancestor, coarsen, mean_heading},
    hexagon::{HexCell, Hexagons, hex_cells},
    histogram::SpeedCounts,
    level::Flow,
    simplify::simplify,
    stray::Surroundings,
    world::WorldPoint,
};

/// Resolution of shards.
pub(crate) const SHARD_RESOLUTION: u8 = 6;

/// Resolutions of the groups that a shard holds, in the order it holds them.
const GROUP_RESOLUTIONS: [u8; 5] = [10, 9, 8, 7, 6];

/// Half a pixel of a 512-pixel tile at the highest zoom that shows each of those, world units.
const TOLERANCES: [i64; 5] = [512, 2_048, 4_096, 16_384, 32_768];

/// Drivers below which a key's free flow is read from its surroundings.
const THIN_DRIVERS: u32 = 12;

/// Lines that are passed over together where a tile is not near them.
const BLOCK: usize = 64;

/// Resolution of those surroundings.
const POOL_RESOLUTION: u8 = 9;

/// A direction as tiles show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) cell: u64,
    pub(crate) sectors: u8,
    pub(crate) heading_ddeg: u16,
    pub(crate) start: WorldPoint,
    pub(crate) end: WorldPoint,
    pub(crate) level: Level,
    /// Whether it is counted only, not drawn.
    pub(crate) is_stray: bool,
}

/// Everything published in one cell of resolution 6.
#[derive(Debug)]
pub(crate) struct Shard {
    /// Its H3 index.
    pub(crate) cell: u64,
    /// Directions in order of cell and sector.
    pub(crate) lines: Vec<Line>,
    /// Around each [`BLOCK`] of the lines, which lie near one another.
    blocks: Vec<Bounds>,
    groups: [Vec<Group>; 5],
    pub(crate) hexagons: Hexagons,
    /// Around everything drawn, cells of low zooms included.
    pub(crate) bounds: Bounds,
    /// Around the lines alone.
    pub(crate) extent: Bounds,
    /// Digest of all that is shown.
    pub(crate) tag: u64,
}

impl Shard {
    /// Builds a shard from its directions, in order of cell and sector; `None` where there are none.
    /// `elsewhere` appends the directions of a cell of another shard.
    pub(crate) fn build(
        cell: u64,
        directions: &[Direction],
        elsewhere: impl Fn(u64, &mut Vec<Direction>),
    ) -> Option<Self> {
        let mut bounds = Bounds::at(directions.first()?.start);
        let surroundings = Surroundings::new(cell, directions, elsewhere);
        let strays: Vec<bool> = directions.iter().map(|d| surroundings.is_stray(d)).collect();
        let (chain, ends) = join(&surroundings, directions, &strays);
        let flows = flows(directions);
        let lines: Vec<Line> = directions
            .iter()
            .zip(&flows)
            .zip(strays.iter().zip(ends))
            .map(|((direction, flow), (&is_stray, end))| Line {
                cell: direction.cell,
                sectors: direction.sectors,
                heading_ddeg: direction.heading_ddeg,
                start: direction.start,
                end,
                level: flow.level(),
                is_stray,
            })
            .collect();
        let groups = core::array::from_fn(|i| {
            groups(&lines, &flows, &chain, GROUP_RESOLUTIONS[i], TOLERANCES[i])
        });
        let hexagons = Hexagons::of_groups([&groups[2], &groups[3], &groups[4]]);
        let blocks: Vec<Bounds> = lines.chunks(BLOCK).filter_map(around).collect();
        for block in &blocks {
            bounds.cover(block);
        }
        let extent = bounds;
        for point in hexagons.rings().flatten() {
            bounds.add(*point);
        }
        let tag = tag(cell, &lines, &groups);
        Some(Self { cell, lines, blocks, groups, hexagons, bounds, extent, tag })
    }

    /// The lines within `reach` units of `centre`, and some more, in order.
    pub(crate) fn lines_near(&self, centre: WorldPoint, reach: i64) -> impl Iterator<Item = &Line> {
        let blocks = self.lines.chunks(BLOCK).zip(&self.blocks);
        blocks.filter(move |(_, bounds)| bounds.reaches(centre, reach)).flat_map(|(lines, _)| lines)
    }

    /// The groups of a resolution from 6 to 10, in order of cell and sector; none of any other.
    pub(crate) fn groups(&self, resolution: u8) -> &[Group] {
        let level = GROUP_RESOLUTIONS.iter().position(|r| *r == resolution);
        level.map_or(&[], |level| &self.groups[level])
    }
}

/// What lines cover together; `None` of no line.
fn around(lines: &[Line]) -> Option<Bounds> {
    let mut bounds = Bounds::at(lines.first()?.start);
    for line in lines {
        bounds.add(line.start);
        bounds.add(line.end);
    }
    Some(bounds)
}

/// Flow of each direction. Where its own free flow rests on few drivers, that of all directions of the
/// same sector in the same cell of resolution 9 stands in, if it rests on more.
fn flows(directions: &[Direction]) -> Vec<Flow> {
    let mut flows = Vec::with_capacity(directions.len());
    let around = |d: &Direction| ancestor(d.cell, POOL_RESOLUTION);
    for near in directions.chunk_by(|a, b| around(a) == around(b)) {
        let mut pools: [Option<SpeedCounts>; Sector::COUNT] = [const { None }; Sector::COUNT];
        for direction in near {
            let mut speeds = &direction.speeds;
            if speeds.total() < THIN_DRIVERS {
                let sector = direction.sector();
                speeds = pools[usize::from(sector.number())].get_or_insert_with(|| {
                    let mut pool = SpeedCounts::EMPTY;
                    let same = near.iter().filter(|d| d.sector() == sector);
                    same.for_each(|d| pool.merge(&d.speeds));
                    pool
                });
            }
            let live = &direction.live;
            let free_flow_dkmh = speeds.free_flow_dkmh();
            flows.push(Flow {
                thin: live.thin,
                ..Flow::new(live.distance, live.duration, free_flow_dkmh, live.drivers, live.age)
            });
        }
    }
    flows
}

/// Sums lines into groups of a coarser resolution, in order of cell and sector.
fn groups(
    lines: &[Line],
    flows: &[Flow],
    chain: &Chain,
    resolution: u8,
    tolerance: i64,
) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut begin = 0;
    let parent = |line: &Line| ancestor(line.cell, resolution);
    for run in lines.chunk_by(|a, b| parent(a) == parent(b)) {
        let range = begin..begin + run.len();
        begin = range.end;
        let mut by_sector: [Vec<usize>; Sector::COUNT] = Default::default();
        for i in range.clone() {
            let sector = Sector::of_heading(lines[i].heading_ddeg);
            by_sector[usize::from(sector.number())].push(i);
        }
        for (number, members) in (0u8..).zip(&by_sector) {
            let weight = |i: usize| (!lines[i].is_stray, flows[i].distance, usize::MAX - i);
            let heaviest = members.iter().copied().max_by_key(|i| weight(*i));
            let (Some(heaviest), Some(sector)) = (heaviest, Sector::new(number)) else { continue };
            let drawn = !lines[heaviest].is_stray;
            let mut flow = Flow::default();
            for i in members {
                flow.add(&flows[*i]);
            }
            let headings = members.iter().map(|i| (lines[*i].heading_ddeg, &flows[*i]));
            groups.push(Group {
                cell: parent(&run[0]),
                sector,
                heading_ddeg: mean_heading(headings),
                flow,
                path: if drawn {
                    simplify(&path(lines, chain, &range, heaviest), tolerance)
                } else {
                    Vec::new()
                },
                lead: if drawn { flows[heaviest].distance } else { 0 },
            });
        }
    }
    groups
}

fn tag(cell: u64, lines: &[Line], groups: &[Vec<Group>; 5]) -> u64 {
    let mut digest = Digest::new(cell);
    let add_point =
        |digest: &mut Digest, p: WorldPoint| digest.add(u64::from(p.x) << 32 | u64::from(p.y));
    for line in lines {
        digest.add(line.cell ^ u64::from(line.sectors));
        digest.add(u64::from(line.heading_ddeg) << 1 | u64::from(line.is_stray));
        add_point(&mut digest, line.start);
        add_point(&mut digest, line.end);
        digest.add(line.level.to_bits());
    }
    for group in groups.iter().flatten() {
        digest.add(group.cell);
        digest.add(u64::from(group.heading_ddeg) << 8 | u64::from(group.sector.number()));
        for point in &group.path {
            add_point(&mut digest, *point);
        }
        let Flow { distance, duration, free, drivers, age, thin } = group.flow;
        for word in [distance, duration, free, drivers.into(), age.into(), thin.into()] {
            digest.add(word);
        }
    }
    digest.finish()
}

/// The groups of resolution 5 down to 1, over all shards.
#[derive(Debug, Default)]
pub(crate) struct CoarseGroups([Vec<Group>; 5], [Vec<HexCell>; 5]);

impl CoarseGroups {
    pub(crate) fn of_shards<'a>(shards: impl Iterator<Item = &'a Shard>) -> Self {
        let mut coarse = Self::default();
        let finest: Vec<&Group> = shards.flat_map(|shard| shard.groups(SHARD_RESOLUTION)).collect();
        for i in 0..5 {
            let resolution = 5 - i as u8;
            let next = if i == 0 {
                coarsen(&finest, resolution)
            } else {
                coarsen(&coarse.0[i - 1].iter().collect::<Vec<_>>(), resolution)
            };
            coarse.1[i] = hex_cells(&next);
            coarse.0[i] = next;
        }
        coarse
    }

    /// The groups of a resolution from 1 to 5; none of any other.
    pub(crate) fn groups(&self, resolution: u8) -> &[Group] {
        5usize.checked_sub(usize::from(resolution)).and_then(|i| self.0.get(i)).map_or(&[], |g| g)
    }

    /// The hexagons of a resolution from 1 to 5; none of any other.
    pub(crate) fn hexagons(&self, resolution: u8) -> &[HexCell] {
        5usize.checked_sub(usize::from(resolution)).and_then(|i| self.1.get(i)).map_or(&[], |h| h)
    }
}
