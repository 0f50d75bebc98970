//! Directions that are counted and not drawn, because the road they belong to is drawn beside them.
//!
//! A road that runs along the border of two rows of cells has drivers in both, and would be drawn twice:
//! the weaker line goes. And a position may be wrong by tens of metres for minutes, between tall buildings
//! above all; where enough have driven, some of those errors meet in the same cell. A direction near one
//! with many times its drivers, going the same way, is such an error far more often than a road of its own.

use h3o::CellIndex;

use crate::{
    direction::Direction,
    group::ancestor,
    shard::SHARD_RESOLUTION,
    sphere::turn_ddeg,
    world::{WORLD, WorldPoint},
};

/// When a stronger line hides a weaker one.
struct Rule {
    /// How many times its drivers the stronger one has at least.
    outnumbers: u32,
    /// How far from it the weaker one's middle lies at most, metres.
    reach_m: f64,
    /// Greatest turn between them, tenths of a degree.
    turn_ddeg: u16,
    /// Whether the weaker one's middle must lie beside it, and not before or behind.
    beside: bool,
}

/// A second line of the same carriageway; one that leaves it by the error of positions; and one that is
/// nothing but such errors.
const RULES: [Rule; 3] = [
    Rule { outnumbers: 1, reach_m: 15.0, turn_ddeg: 400, beside: true },
    Rule { outnumbers: 3, reach_m: 25.0, turn_ddeg: 600, beside: false },
    Rule { outnumbers: 8, reach_m: 60.0, turn_ddeg: 600, beside: false },
];

/// The greatest turn of any of them.
const MOST_DDEG: u16 = 600;

/// The directions of a shard, in order of cell, and a way to those of other shards.
pub(crate) struct Surroundings<'a, F> {
    shard: u64,
    directions: &'a [Direction],
    /// Their cells, for searches: a direction is large.
    cells: Vec<u64>,
    elsewhere: F,
    units_per_metre: f64,
}

impl<'a, F: Fn(u64, &mut Vec<Direction>)> Surroundings<'a, F> {
    pub(crate) fn new(shard: u64, directions: &'a [Direction], elsewhere: F) -> Self {
        let units_per_metre = directions.first().map_or(1.0, |d| units_per_metre(d.start));
        let cells = directions.iter().map(|d| d.cell).collect();
        Self { shard, directions, cells, elsewhere, units_per_metre }
    }

    /// The directions of a cell: those of this shard are borrowed, with the index of the first; others are
    /// put into `foreign`.
    pub(crate) fn of_cell<'b>(
        &self,
        cell: u64,
        foreign: &'b mut Vec<Direction>,
    ) -> (&'b [Direction], Option<usize>)
    where
        'a: 'b,
    {
        if ancestor(cell, SHARD_RESOLUTION) == self.shard {
            let first = self.cells.partition_point(|c| *c < cell);
            let count = self.cells[first..].iter().take_while(|c| **c == cell).count();
            (&self.directions[first..first + count], Some(first))
        } else {
            foreign.clear();
            (self.elsewhere)(cell, foreign);
            (foreign, None)
        }
    }

    /// Whether a direction is none to draw.
    pub(crate) fn is_stray(&self, d: &Direction) -> bool {
        let Ok(cell) = CellIndex::try_from(d.cell) else { return false };
        let mut foreign = Vec::new();
        let mut is_near = |cell: CellIndex| {
            let (beside, _) = self.of_cell(cell.into(), &mut foreign);
            beside.iter().any(|road| self.hides(road, d))
        };
        cell.grid_disk::<Vec<_>>(1).into_iter().any(&mut is_near)
    }

    fn hides(&self, road: &Direction, d: &Direction) -> bool {
        let rank = |d: &Direction| (d.live.drivers, d.cell, d.sectors);
        let turn = turn_ddeg(d.heading_ddeg, road.heading_ddeg);
        if rank(road) <= rank(d) || turn > MOST_DDEG {
            return false;
        }
        let (off, at) = distance(middle(d), road);
        let off_m = off / self.units_per_metre;
        RULES.iter().any(|rule| {
            d.live.drivers * rule.outnumbers <= road.live.drivers
                && off_m <= rule.reach_m
                && turn <= rule.turn_ddeg
                && (!rule.beside || (0.0..=1.0).contains(&at))
        })
    }
}

fn middle(d: &Direction) -> WorldPoint {
    let (east, south) = d.end.from(d.start);
    d.start.moved(east / 2, south / 2)
}

/// Distance of a point from a direction's line, world units, and where along it the nearest point would
/// be were it endless, 0 at its start and 1 at its end.
fn distance(point: WorldPoint, road: &Direction) -> (f64, f64) {
    let flat = |p: WorldPoint| {
        let (east, south) = p.from(road.start);
        (east as f64, south as f64)
    };
    let ((px, py), (ex, ey)) = (flat(point), flat(road.end));
    let squared = ex * ex + ey * ey;
    let at = if squared > 0.0 { (px * ex + py * ey) / squared } else { 0.0 };
    let t = at.clamp(0.0, 1.0);
    (libm::hypot(px - t * ex, py - t * ey), at)
}

/// World units in a metre at a point: Mercator's scale is the hyperbolic cosine of the ordinate.
fn units_per_metre(at: WorldPoint) -> f64 {
    let ordinate = (0.5 - f64::from(at.y) / WORLD as f64) * core::f64::consts::TAU;
    let round_m = core::f64::consts::TAU * hexmile_trace::EARTH_RADIUS_M;
    WORLD as f64 / round_m * libm::cosh(ordinate)
}
