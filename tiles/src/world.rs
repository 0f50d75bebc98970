//! Web Mercator in integers: 2^32 units round the world, so that tiles are cut by shifts.

use crate::sphere::Vec3;

/// A point of the Web Mercator square, 2^-32 of its side per unit (9 mm at the equator), x from the
/// antimeridian eastwards and y from the northern edge southwards.
///
/// x is a circle: differences wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorldPoint {
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// Side of the square in units.
pub(crate) const WORLD: i64 = 1 << 32;

impl WorldPoint {
    /// Projects a point of the sphere; latitudes beyond the square's edge (85.05 degrees) land on it.
    pub(crate) fn of_point(point: Vec3) -> Self {
        let turn = libm::atan2(point.y, point.x) / core::f64::consts::TAU;
        // Mercator's ordinate is the inverse hyperbolic tangent of the sine of latitude.
        let ordinate = libm::atanh(point.z.clamp(-1.0, 1.0)) / core::f64::consts::TAU;
        let units = |part: f64| libm::round(part * WORLD as f64);
        Self {
            x: (units(turn + 0.5) as i64).rem_euclid(WORLD) as u32,
            y: units(0.5 - ordinate).clamp(0.0, f64::from(u32::MAX)) as u32,
        }
    }

    /// Whether the point lies within the square and not on its northern or southern edge.
    pub(crate) fn is_inside(self) -> bool {
        self.y > 0 && self.y < u32::MAX
    }

    /// Units east and south from `origin`, the shorter way round.
    pub(crate) fn from(self, origin: Self) -> (i64, i64) {
        let east = self.x.wrapping_sub(origin.x) as i32;
        (i64::from(east), i64::from(self.y) - i64::from(origin.y))
    }

    /// The point this far east and south; x wraps, y is cut at the edges.
    pub(crate) fn moved(self, east: i64, south: i64) -> Self {
        let y = (i64::from(self.y) + south).clamp(0, WORLD - 1);
        Self { x: (i64::from(self.x) + east).rem_euclid(WORLD) as u32, y: y as u32 }
    }

    /// Square of the distance to another point.
    pub(crate) fn distance_squared(self, to: Self) -> u64 {
        let (east, south) = to.from(self);
        east.unsigned_abs().pow(2).saturating_add(south.unsigned_abs().pow(2))
    }
}
