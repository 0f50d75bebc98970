//! How directions lead into one another: unbroken roads, and roads followed from cell to cell.

use h3o::CellIndex;

use crate::{
    direction::Direction, shard::Line, sphere::turn_ddeg, stray::Surroundings, world::WorldPoint,
};

/// A direction leads into one of the cell ahead if their headings differ by no more, 0.1 degree.
const JOIN_DDEG: u16 = 600;

/// Where nothing goes straight on, it leads round a corner of at most this, 0.1 degree.
const TURN_DDEG: u16 = 1_000;

/// Generalised lines follow directions that turn no farther from the heaviest one, 0.1 degree.
const FOLLOW_DDEG: u16 = 750;

/// Most directions in one generalised line, each way from the heaviest.
const MAX_CHAIN: usize = 512;

/// No index.
const NONE: u32 = u32::MAX;

/// Which direction each one leads into, and which leads into it, within the shard.
pub(crate) struct Chain {
    next: Vec<u32>,
    previous: Vec<u32>,
}

/// Ends each direction where the one ahead of it begins, so that roads are unbroken. `strays` says which
/// directions are not drawn: nothing leads into them.
pub(crate) fn join<F: Fn(u64, &mut Vec<Direction>)>(
    surroundings: &Surroundings<'_, F>,
    directions: &[Direction],
    strays: &[bool],
) -> (Chain, Vec<WorldPoint>) {
    let mut chain =
        Chain { next: vec![NONE; directions.len()], previous: vec![NONE; directions.len()] };
    let mut ends: Vec<WorldPoint> = directions.iter().map(|d| d.end).collect();
    for (i, direction) in directions.iter().enumerate().filter(|(i, _)| !strays[*i]) {
        let Some(ahead) = ahead_of(surroundings, direction, strays) else { continue };
        if ahead.start != direction.start {
            ends[i] = ahead.start;
        }
        if let Some(next) = ahead.index {
            chain.next[i] = next as u32;
            let rival = chain.previous[next];
            let weight = |k: usize| directions[k].live.distance;
            if rival == NONE || weight(i) > weight(rival as usize) {
                chain.previous[next] = i as u32;
            }
        }
    }
    (chain, ends)
}

/// What a direction leads into.
struct Ahead {
    start: WorldPoint,
    /// Its index, where it is of the same shard.
    index: Option<usize>,
}

/// In the cell ahead, or else, where the road goes on beside it or turns in the same cell, in those around.
fn ahead_of<F: Fn(u64, &mut Vec<Direction>)>(
    surroundings: &Surroundings<'_, F>,
    from: &Direction,
    strays: &[bool],
) -> Option<Ahead> {
    let mut foreign = Vec::new();
    let mut best_of = |cell: u64, most_ddeg: u16, reach: f64| {
        let (ahead, first) = surroundings.of_cell(cell, &mut foreign);
        ahead
            .iter()
            .enumerate()
            .filter(|(_, to)| (to.cell, to.sectors) != (from.cell, from.sectors))
            .filter(|(_, to)| turn_ddeg(from.heading_ddeg, to.heading_ddeg) <= most_ddeg)
            .map(|(i, to)| (from.end.distance_squared(to.start), i, to))
            .filter(|(distance, ..)| *distance as f64 <= reach * reach)
            .filter(|(_, i, to)| match first {
                Some(first) => !strays[first + i],
                None => !surroundings.is_stray(to),
            })
            .min_by_key(|(distance, i, _)| (*distance, *i))
            .map(|(distance, i, to)| {
                let index = first.map(|first| first + i);
                (distance, Ahead { start: to.start, index })
            })
    };
    let length = libm::sqrt(from.start.distance_squared(from.end) as f64);
    if from.next != 0
        && let Some((_, ahead)) = best_of(from.next, JOIN_DDEG, 0.75 * length + 500.0)
    {
        return Some(ahead);
    }
    let cell = CellIndex::try_from(from.cell).ok()?;
    let around = cell.grid_disk::<Vec<_>>(1).into_iter().map(u64::from);
    let found = around.filter_map(|cell| best_of(cell, TURN_DDEG, 0.5 * length + 500.0));
    found.min_by_key(|(distance, ahead)| (*distance, ahead.start)).map(|(_, ahead)| ahead)
}

/// The road through `heaviest`, as far as it stays within a range of lines.
pub(crate) fn path(
    lines: &[Line],
    chain: &Chain,
    range: &core::ops::Range<usize>,
    heaviest: usize,
) -> Vec<WorldPoint> {
    let follow = |links: &[u32]| {
        let mut found = Vec::new();
        let mut at = heaviest;
        while found.len() < MAX_CHAIN {
            at = links[at] as usize;
            let is_on = range.contains(&at)
                && at != heaviest
                && turn_ddeg(lines[at].heading_ddeg, lines[heaviest].heading_ddeg) <= FOLLOW_DDEG;
            if !is_on || found.contains(&at) {
                break;
            }
            found.push(at);
        }
        found
    };
    let mut road = follow(&chain.previous);
    road.reverse();
    road.push(heaviest);
    road.extend(follow(&chain.next));
    // Each ends where the next one begins, so the last one's end completes their beginnings.
    let end = road.last().map(|i| lines[*i].end);
    let mut path: Vec<WorldPoint> = road.iter().map(|i| lines[*i].start).chain(end).collect();
    path.dedup();
    path
}
