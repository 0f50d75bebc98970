//! How directions lead into one another: unbroken roads, and roads followed from cell to cell.

use crate::{
    direction::Direction,
    group::ancestor,
    shard::{Line, SHARD_RESOLUTION},
    sphere::turn_ddeg,
    world::WorldPoint,
};

/// A direction leads into one of the cell ahead if their headings differ by no more, 0.1 degree.
const JOIN_DDEG: u16 = 600;

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

/// Ends each direction where the one ahead of it begins, so that roads are unbroken.
pub(crate) fn join(
    shard: u64,
    directions: &mut [Direction],
    elsewhere: impl Fn(u64, &mut Vec<Direction>),
) -> Chain {
    let mut chain =
        Chain { next: vec![NONE; directions.len()], previous: vec![NONE; directions.len()] };
    let mut foreign = Vec::new();
    for i in 0..directions.len() {
        let next = directions[i].next;
        if next == 0 {
            continue;
        }
        let ahead = if ancestor(next, SHARD_RESOLUTION) == shard {
            let first = directions.partition_point(|d| d.cell < next);
            let count = directions[first..].iter().take_while(|d| d.cell == next).count();
            let ahead = best_ahead(&directions[i], &directions[first..first + count]);
            if let Some((index, _)) = ahead {
                let index = first + index;
                chain.next[i] = index as u32;
                let rival = chain.previous[index];
                let weight = |k: usize| directions[k].live.distance;
                if rival == NONE || weight(i) > weight(rival as usize) {
                    chain.previous[index] = i as u32;
                }
            }
            ahead
        } else {
            foreign.clear();
            elsewhere(next, &mut foreign);
            best_ahead(&directions[i], &foreign)
        };
        if let Some((_, start)) = ahead
            && start != directions[i].start
        {
            directions[i].end = start;
        }
    }
    chain
}

/// The direction of the cell ahead that begins nearest to the end of `from`, and where it begins.
fn best_ahead(from: &Direction, ahead: &[Direction]) -> Option<(usize, WorldPoint)> {
    let length = libm::sqrt(from.start.distance_squared(from.end) as f64);
    let reach = 0.75 * length + 500.0;
    ahead
        .iter()
        .enumerate()
        .filter(|(_, to)| turn_ddeg(from.heading_ddeg, to.heading_ddeg) <= JOIN_DDEG)
        .map(|(i, to)| (from.end.distance_squared(to.start), i, to.start))
        .filter(|(distance, ..)| *distance as f64 <= reach * reach)
        .min()
        .map(|(_, i, start)| (i, start))
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
