//! What is published of one key: closed cohorts, summed.

use std::cell::OnceCell;

use h3o::CellIndex;

use crate::{
    Offset, Slot,
    cohort::{Cohort, LIVE_SLOTS},
    histogram::SpeedHistogram,
    sphere::Tangent,
    world::WorldPoint,
};

/// Weight of a cohort by its age in slots: it halves every ten minutes.
const AGE_WEIGHTS: [u64; LIVE_SLOTS as usize] = [64, 45, 32, 23, 16, 11];

/// Sums of points are halved at this count, so that a road that moved is followed.
const MAX_POINTS: u16 = 512;

/// Headings are halved when a component reaches this, centimetres.
const MAX_HEADING_CM: i32 = 1 << 24;

/// Half the length of a line whose entry or exit was never measured, metres.
const HALF_LINE_M: f64 = 12.0;

/// Distances at which the cell ahead is looked for beyond the exit, metres.
const AHEAD_M: [f64; 3] = [3.0, 9.0, 18.0];

/// Published flow of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SlotFlow {
    distance_cm: u32,
    duration_ms: u32,
    drivers: u16,
}

/// Flow of all live slots, weighted by age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LiveFlow {
    /// Weighted centimetres.
    pub(crate) distance: u64,
    /// Weighted milliseconds.
    pub(crate) duration: u64,
    /// Drivers of all its cohorts.
    pub(crate) drivers: u32,
    /// Slots since its newest cohort.
    pub(crate) age: u32,
}

/// Sum of the mean border crossings of drivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PointSum {
    east_dm: i32,
    north_dm: i32,
    count: u16,
}

impl PointSum {
    /// Adds the points of a cohort if every driver has one: a point of fewer is never published.
    fn add_all(&mut self, points: impl Iterator<Item = Option<Offset>>) {
        let mut sum = *self;
        for point in points {
            let Some(point) = point else { return };
            sum.east_dm += i32::from(point.east_dm);
            sum.north_dm += i32::from(point.north_dm);
            sum.count += 1;
        }
        if sum.count >= MAX_POINTS {
            sum.east_dm /= 2;
            sum.north_dm /= 2;
            sum.count /= 2;
        }
        *self = sum;
    }

    /// Mean in metres.
    fn mean_m(&self) -> Option<(f64, f64)> {
        let metres = |sum: i32| f64::from(sum) / f64::from(self.count) / 10.0;
        (self.count > 0).then(|| (metres(self.east_dm), metres(self.north_dm)))
    }
}

/// The line of a key, and where it leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyLine {
    pub(crate) start: WorldPoint,
    pub(crate) end: WorldPoint,
    /// The cell ahead, 0 where none was found.
    pub(crate) next: u64,
}

/// Closed cohorts of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// Newest slot with a cohort.
    newest: Slot,
    /// The live slots up to `newest`, each at its number modulo their count.
    live: [SlotFlow; LIVE_SLOTS as usize],
    speeds: SpeedHistogram,
    east_cm: i32,
    north_cm: i32,
    entry: PointSum,
    exit: PointSum,
    /// Traced when it is first asked for: of all that a cohort changes it alone takes trigonometry, and
    /// several cohorts may close between two publications.
    line: OnceCell<KeyLine>,
}

impl Published {
    pub(crate) fn new(cohort: &Cohort) -> Self {
        let mut published = Self {
            newest: cohort.slot,
            live: Default::default(),
            speeds: SpeedHistogram::EMPTY,
            east_cm: 0,
            north_cm: 0,
            entry: PointSum::default(),
            exit: PointSum::default(),
            line: OnceCell::new(),
        };
        published.merge(cohort);
        published
    }

    /// Takes in a closed cohort of the same key.
    pub(crate) fn merge(&mut self, cohort: &Cohort) {
        self.advance(cohort.slot);
        if cohort.slot.until(self.newest) < LIVE_SLOTS {
            let flow = &mut self.live[(cohort.slot.number() % LIVE_SLOTS) as usize];
            for driver in &cohort.drivers {
                flow.distance_cm = flow.distance_cm.saturating_add(driver.distance_cm);
                flow.duration_ms = flow.duration_ms.saturating_add(driver.duration_ms);
                flow.drivers = flow.drivers.saturating_add(1);
            }
        }
        for driver in &cohort.drivers {
            self.speeds.add(driver.distance_cm, driver.duration_ms);
            self.east_cm += driver.east_cm;
            self.north_cm += driver.north_cm;
            if self.east_cm.abs().max(self.north_cm.abs()) >= MAX_HEADING_CM {
                self.east_cm /= 2;
                self.north_cm /= 2;
            }
        }
        self.entry.add_all(cohort.drivers.iter().map(|driver| driver.entry));
        self.exit.add_all(cohort.drivers.iter().map(|driver| driver.exit));
        self.line = OnceCell::new();
    }

    /// Empties the slots between the newest one and a newer one.
    fn advance(&mut self, slot: Slot) {
        for passed in 1..=self.newest.until(slot).min(LIVE_SLOTS) {
            let number = slot.number() - (passed - 1);
            self.live[(number % LIVE_SLOTS) as usize] = SlotFlow::default();
        }
        self.newest = self.newest.max(slot);
    }

    /// Flow of the slots that are live in `now`; no drivers where none is.
    pub(crate) fn flow(&self, now: Slot) -> LiveFlow {
        let mut flow = LiveFlow::default();
        for back in 0..LIVE_SLOTS.min(self.newest.number() + 1) {
            let slot = Slot::new(self.newest.number() - back);
            let age = slot.until(now);
            let Some(weight) = AGE_WEIGHTS.get(age as usize) else { break };
            let of_slot = &self.live[(slot.number() % LIVE_SLOTS) as usize];
            if of_slot.drivers > 0 {
                if flow.drivers == 0 {
                    flow.age = age;
                }
                flow.distance += weight * u64::from(of_slot.distance_cm);
                flow.duration += weight * u64::from(of_slot.duration_ms);
                flow.drivers += u32::from(of_slot.drivers);
            }
        }
        flow
    }

    pub(crate) fn newest(&self) -> Slot {
        self.newest
    }

    pub(crate) fn speeds(&self) -> &SpeedHistogram {
        &self.speeds
    }

    /// Sum of headings as vectors, centimetres east and north.
    pub(crate) fn heading_cm(&self) -> (i32, i32) {
        (self.east_cm, self.north_cm)
    }

    /// The line of the key, whose cell is `cell`.
    pub(crate) fn line(&self, cell: CellIndex) -> KeyLine {
        *self.line.get_or_init(|| self.trace_line(cell))
    }

    /// From the mean entry to the mean exit; an end that was never measured lies straight on.
    fn trace_line(&self, cell: CellIndex) -> KeyLine {
        let tangent = Tangent::at_cell(cell);
        let (east, north) = (f64::from(self.east_cm), f64::from(self.north_cm));
        let length = libm::hypot(east, north).max(1.0);
        let (east, north) = (east / length, north / length);
        let ahead = |(x, y): (f64, f64), metres: f64| (x + east * metres, y + north * metres);
        let (entry, exit) = match (self.entry.mean_m(), self.exit.mean_m()) {
            (Some(entry), Some(exit)) => (entry, exit),
            (Some(entry), None) => (entry, ahead(entry, 2.0 * HALF_LINE_M)),
            (None, Some(exit)) => (ahead(exit, -2.0 * HALF_LINE_M), exit),
            (None, None) => (ahead((0.0, 0.0), -HALF_LINE_M), ahead((0.0, 0.0), HALF_LINE_M)),
        };
        let cell_ahead = |metres: f64| {
            let (x, y) = ahead(exit, metres);
            let there = tangent.point(x, y).to_latlng()?.to_cell(cell.resolution());
            // Cells of one resolution: the comparison cannot fail.
            cell.is_neighbor_with(there).is_ok_and(|is| is).then(|| u64::from(there))
        };
        KeyLine {
            start: WorldPoint::of_point(tangent.point(entry.0, entry.1)),
            end: WorldPoint::of_point(tangent.point(exit.0, exit.1)),
            next: AHEAD_M.into_iter().find_map(cell_ahead).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::DriverMean;

    fn cohort(slot: u32, entries: [Option<i16>; 3]) -> Cohort {
        let driver = |east_dm: Option<i16>| DriverMean {
            distance_cm: 4_000,
            duration_ms: 4_000,
            east_cm: 4_000,
            north_cm: 0,
            entry: east_dm.map(|east_dm| Offset { east_dm, north_dm: 0 }),
            exit: None,
        };
        Cohort { slot: Slot::new(slot), drivers: entries.into_iter().map(driver).collect() }
    }

    #[test]
    fn a_point_is_published_only_of_whole_cohorts() {
        let mut published = Published::new(&cohort(9, [Some(-200), Some(-210), None]));
        assert_eq!(published.entry, PointSum::default());
        published.merge(&cohort(9, [Some(-200), Some(-210), Some(-220)]));
        assert_eq!(published.entry, PointSum { east_dm: -630, north_dm: 0, count: 3 });
    }

    #[test]
    fn flow_is_weighted_by_age_and_old_slots_fall_out() {
        let mut published = Published::new(&cohort(100, [None; 3]));
        for (slot, now, want) in [
            (102, 102, (12_000 * (64 + 32), 6, 0)),
            // Too old beside what is there: no longer live.
            (96, 102, (12_000 * (64 + 32), 6, 0)),
            (105, 105, (12_000 * (64 + 23 + 11), 9, 0)),
            (106, 108, (12_000 * (32 + 23), 6, 2)),
            (120, 120, (12_000 * 64, 3, 0)),
        ] {
            published.merge(&cohort(slot, [None; 3]));
            let flow = published.flow(Slot::new(now));
            assert_eq!((flow.distance, flow.drivers, flow.age), want, "{slot} {now}");
            assert_eq!(flow.distance, flow.duration);
        }
        assert_eq!(published.flow(Slot::new(126)).drivers, 0);
    }
}
