//! The shape of a key's road: which way its drivers went, and where they came in and went out.

use h3o::CellIndex;

use crate::{
    Offset,
    cohort::DriverMean,
    sphere::{Tangent, bearing_ddeg},
    world::WorldPoint,
};

/// Sums of points are halved at this count, so that a road that moved is followed.
const MAX_POINTS: u16 = 512;

/// Headings are halved when a component reaches this, centimetres.
const MAX_HEADING_CM: i32 = 1 << 24;

/// Half the length of a line whose entry or exit was never measured, metres.
const HALF_LINE_M: f64 = 12.0;

/// Distances at which the cell ahead is looked for beyond the exit, metres.
const AHEAD_M: [f64; 3] = [3.0, 9.0, 18.0];

/// Sum of the mean border crossings of drivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PointSum {
    pub(crate) east_dm: i32,
    pub(crate) north_dm: i32,
    pub(crate) count: u16,
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
        *self = sum.bounded();
    }

    fn merge(&mut self, other: &Self) {
        *self = Self {
            east_dm: self.east_dm + other.east_dm,
            north_dm: self.north_dm + other.north_dm,
            count: self.count + other.count,
        }
        .bounded();
    }

    fn bounded(mut self) -> Self {
        while self.count >= MAX_POINTS {
            self.east_dm /= 2;
            self.north_dm /= 2;
            self.count /= 2;
        }
        self
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

/// Sums over the drivers of whole cohorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Headings as vectors as long as the distances, centimetres.
    pub(crate) east_cm: i32,
    pub(crate) north_cm: i32,
    pub(crate) entry: PointSum,
    pub(crate) exit: PointSum,
}

impl Shape {
    /// Largest count of a point, and largest component of a heading, that a shape holds.
    pub(crate) const MOST_POINTS: u16 = MAX_POINTS - 1;
    pub(crate) const MOST_HEADING_CM: i32 = MAX_HEADING_CM - 1;

    /// Adds the drivers of a closed cohort.
    pub(crate) fn add(&mut self, drivers: &[DriverMean]) {
        for driver in drivers {
            self.turn(driver.east_cm, driver.north_cm);
        }
        self.entry.add_all(drivers.iter().map(|driver| driver.entry));
        self.exit.add_all(drivers.iter().map(|driver| driver.exit));
    }

    /// Adds another shape of the same key.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.turn(other.east_cm, other.north_cm);
        self.entry.merge(&other.entry);
        self.exit.merge(&other.exit);
    }

    fn turn(&mut self, east_cm: i32, north_cm: i32) {
        self.east_cm += east_cm;
        self.north_cm += north_cm;
        while self.east_cm.abs().max(self.north_cm.abs()) >= MAX_HEADING_CM {
            self.east_cm /= 2;
            self.north_cm /= 2;
        }
    }

    /// Mean heading, tenths of a degree clockwise from north.
    pub(crate) fn heading_ddeg(&self) -> u16 {
        bearing_ddeg(f64::from(self.east_cm), f64::from(self.north_cm))
    }

    /// The line through `cell`, from the mean entry to the mean exit; an end that was never measured lies
    /// straight on.
    pub(crate) fn line(&self, cell: CellIndex) -> KeyLine {
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

    #[test]
    fn a_point_is_summed_only_of_whole_cohorts() {
        let driver = |east_dm: Option<i16>| DriverMean {
            distance_cm: 4_000,
            duration_ms: 4_000,
            east_cm: 4_000,
            north_cm: 0,
            entry: east_dm.map(|east_dm| Offset { east_dm, north_dm: 0 }),
            exit: None,
        };
        let mut shape = Shape::default();
        shape.add(&[Some(-200), Some(-210), None].map(driver));
        assert_eq!(shape.entry, PointSum::default());
        shape.add(&[Some(-200), Some(-210), Some(-220)].map(driver));
        assert_eq!(shape.entry, PointSum { east_dm: -630, north_dm: 0, count: 3 });
        for _ in 0..1_000 {
            shape.merge(&shape.clone());
        }
        assert!(shape.entry.count <= Shape::MOST_POINTS);
        assert_eq!(shape.entry.east_dm / i32::from(shape.entry.count), -210);
    }
}
