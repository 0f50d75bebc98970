//! The directions of traffic in one cell, read from its published keys.
//!
//! Neighbouring sectors with close headings are one direction: a road that lies on a sector's border
//! does not fall apart.

use crate::{
    Sector, Slot, TrafficKey, Typical,
    histogram::SpeedCounts,
    published::{LiveFlow, Published},
    sphere::turn_ddeg,
    world::WorldPoint,
};

/// Neighbouring sectors merge where their mean headings differ by no more, tenths of a degree.
const MERGE_DDEG: u16 = 300;

/// Traffic one way through a cell of resolution 11.
#[derive(Clone, Debug)]
pub(crate) struct Direction {
    pub(crate) cell: u64,
    /// Bit n is set where sector n is part of it.
    pub(crate) sectors: u8,
    pub(crate) heading_ddeg: u16,
    pub(crate) start: WorldPoint,
    pub(crate) end: WorldPoint,
    /// The cell ahead, 0 where none was found.
    pub(crate) next: u64,
    pub(crate) live: LiveFlow,
    pub(crate) speeds: SpeedCounts,
}

impl Direction {
    fn of_key(
        key: TrafficKey,
        published: &Published,
        now: Slot,
        typical: &Typical,
    ) -> Option<Self> {
        let live = published.flow(now);
        if live.drivers == 0 {
            return None;
        }
        let line = published.line(key.cell());
        let mut speeds = SpeedCounts::EMPTY;
        speeds.add(published.speeds());
        if let Some(of_weeks) = typical.speeds(key) {
            speeds.add(of_weeks);
        }
        Some(Self {
            cell: key.to_u64() | 7,
            sectors: 1 << key.sector().number(),
            heading_ddeg: published.heading_ddeg(),
            start: line.start,
            end: line.end,
            next: line.next,
            live,
            speeds,
        })
    }

    /// Adds a direction of the same cell; points and heading are weighted by driver.
    fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (i64::from(self.live.drivers), i64::from(other.live.drivers));
        let between = |from: WorldPoint, to: WorldPoint| {
            let (east, south) = to.from(from);
            from.moved(east * theirs / (mine + theirs), south * theirs / (mine + theirs))
        };
        self.start = between(self.start, other.start);
        self.end = between(self.end, other.end);
        let turn = i64::from(turn_ddeg(self.heading_ddeg, other.heading_ddeg));
        let part = turn * theirs / (mine + theirs);
        let clockwise = (other.heading_ddeg + 3600 - self.heading_ddeg) % 3600 < 1800;
        let heading = i64::from(self.heading_ddeg) + if clockwise { part } else { -part };
        self.heading_ddeg = heading.rem_euclid(3600) as u16;
        if self.next == 0 || (other.next != 0 && theirs > mine) {
            self.next = other.next;
        }
        self.sectors |= other.sectors;
        self.live.distance += other.live.distance;
        self.live.duration += other.live.duration;
        self.live.drivers += other.live.drivers;
        self.live.age = self.live.age.min(other.live.age);
        self.live.thin &= other.live.thin;
        self.speeds.merge(&other.speeds);
    }

    /// The sector of its heading.
    pub(crate) fn sector(&self) -> Sector {
        Sector::of_heading(self.heading_ddeg)
    }
}

/// Appends the live directions of one cell, in order of sector. `keys` are all of that cell, in order; the
/// speeds of `typical` count towards free flow.
pub(crate) fn read_cell<'a>(
    keys: impl Iterator<Item = (TrafficKey, &'a Published)>,
    now: Slot,
    typical: &Typical,
    out: &mut Vec<Direction>,
) {
    let first = out.len();
    out.extend(keys.filter_map(|(key, published)| Direction::of_key(key, published, now, typical)));
    merge_neighbours(out, first);
}

/// Joins the directions of one cell, those from `first` on, that are one road on a sector's border.
pub(crate) fn merge_neighbours(out: &mut Vec<Direction>, first: usize) {
    // Closest pair of neighbours first, ties by position; each sector merges at most once.
    while out.len() > first + 1 {
        let Some((a, b)) = closest_neighbours(&out[first..]) else { return };
        let other = out.remove(first + b);
        out[first + a].merge(&other);
    }
}

/// Indices of the two single, neighbouring sectors with the closest headings, the smaller index first.
fn closest_neighbours(cell: &[Direction]) -> Option<(usize, usize)> {
    let is_single = |d: &Direction| d.sectors.is_power_of_two();
    let mut best = None;
    for (a, first) in cell.iter().enumerate() {
        for (b, second) in cell.iter().enumerate().skip(a + 1) {
            let neighbours = first.sectors.rotate_left(1) == second.sectors
                || second.sectors.rotate_left(1) == first.sectors;
            let turn = turn_ddeg(first.heading_ddeg, second.heading_ddeg);
            if neighbours
                && is_single(first)
                && is_single(second)
                && turn <= MERGE_DDEG
                && best.is_none_or(|(least, _)| turn < least)
            {
                best = Some((turn, (a, b)));
            }
        }
    }
    best.map(|(_, pair)| pair)
}
