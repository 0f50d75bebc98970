//! What part of the world something covers, on a world that is round.

use crate::world::{WORLD, WorldPoint};

/// A rectangle round a point, in units west, east, north and south of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    anchor: WorldPoint,
    x: (i64, i64),
    y: (i64, i64),
}

impl Bounds {
    pub(crate) fn at(anchor: WorldPoint) -> Self {
        Self { anchor, x: (0, 0), y: (0, 0) }
    }

    pub(crate) fn add(&mut self, point: WorldPoint) {
        let (x, y) = point.from(self.anchor);
        self.x = (self.x.0.min(x), self.x.1.max(x));
        self.y = (self.y.0.min(y), self.y.1.max(y));
    }

    /// Makes room for all that `other` covers, the shorter way round.
    pub(crate) fn cover(&mut self, other: &Self) {
        let (x, y) = other.anchor.from(self.anchor);
        self.x = (self.x.0.min(x + other.x.0), self.x.1.max(x + other.x.1));
        self.y = (self.y.0.min(y + other.y.0), self.y.1.max(y + other.y.1));
    }

    /// West, south, east and north in degrees; east exceeds 180 where the antimeridian lies within.
    pub(crate) fn degrees(&self) -> [f64; 4] {
        let longitude =
            |x: i64| (i64::from(self.anchor.x) + x) as f64 / WORLD as f64 * 360.0 - 180.0;
        let latitude = |y: i64| {
            let ordinate = 0.5 - (i64::from(self.anchor.y) + y) as f64 / WORLD as f64;
            libm::atan(libm::sinh(ordinate * core::f64::consts::TAU)).to_degrees()
        };
        [longitude(self.x.0), latitude(self.y.1), longitude(self.x.1), latitude(self.y.0)]
    }

    /// Whether any part lies within `reach` units of `centre`, in both directions, either way round.
    pub(crate) fn reaches(&self, centre: WorldPoint, reach: i64) -> bool {
        let (x, y) = self.anchor.from(centre);
        let meets = |at: i64, range: (i64, i64)| at + range.0 <= reach && at + range.1 >= -reach;
        meets(y, self.y) && [-WORLD, 0, WORLD].into_iter().any(|turn| meets(x + turn, self.x))
    }
}
