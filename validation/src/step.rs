//! The displacement from one fix to the next.

use hexmile_trace::{EARTH_RADIUS_M, Fix, Position};

/// Metres of one 1e-6 degree along a meridian.
const M_PER_E6: f64 = EARTH_RADIUS_M * core::f64::consts::PI / 180e6;
/// Beyond this many 1e-6 degrees of latitude or longitude (about 5.5 km) the plane is left.
const PLANE_E6: i64 = 50_000;
/// Latitude in 1e-6 degrees beyond which meridians converge too fast for the plane.
const POLAR_E6: i32 = 85_000_000;

/// A displacement in the plane that touches the Earth halfway, metres east and north.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) east_m: f64,
    pub(crate) north_m: f64,
}

impl Step {
    /// The displacement, or `None` where it is too long or too near a pole for the plane (error
    /// below 1e-5 of the length inside that limit).
    pub(crate) fn between(a: Position, b: Position) -> Option<Self> {
        let north = i64::from(b.lat_e6()) - i64::from(a.lat_e6());
        let mut east = i64::from(b.lon_e6()) - i64::from(a.lon_e6());
        if east.abs() > 180_000_000 {
            east -= 360_000_000 * east.signum();
        }
        let polar = a.lat_e6().abs().max(b.lat_e6().abs()) > POLAR_E6;
        if polar || north.abs() > PLANE_E6 || east.abs() > PLANE_E6 {
            return None;
        }
        let mid_lat = (f64::from(a.lat_e6()) + f64::from(b.lat_e6())) / 2e6;
        Some(Self {
            east_m: east as f64 * M_PER_E6 * libm::cos(mid_lat.to_radians()),
            north_m: north as f64 * M_PER_E6,
        })
    }

    /// As [`Step::between`], with meridians taken as parallel and not wrapped: never shorter on either
    /// axis, and without trigonometry. What is within a limit by it is within the limit.
    pub(crate) fn at_most(a: Position, b: Position) -> Self {
        Self {
            east_m: (f64::from(b.lon_e6()) - f64::from(a.lon_e6())) * M_PER_E6,
            north_m: (f64::from(b.lat_e6()) - f64::from(a.lat_e6())) * M_PER_E6,
        }
    }

    pub(crate) fn length_m(self) -> f64 {
        libm::sqrt(self.east_m * self.east_m + self.north_m * self.north_m)
    }
}

/// Distance in metres: in the plane where that is exact enough, along the great circle otherwise.
pub(crate) fn distance_m(a: &Fix, b: &Fix) -> f64 {
    Step::between(a.position(), b.position())
        .map_or_else(|| a.position().distance_m(b.position()), Step::length_m)
}

/// Seconds from `a` to `b`, not negative.
pub(crate) fn seconds(a: &Fix, b: &Fix) -> f64 {
    b.time_ms().saturating_sub(a.time_ms()) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::RawFix;
    use proptest::prelude::*;

    fn fix(position: Position) -> Fix {
        let (latitude_deg, longitude_deg) = (position.lat_deg(), position.lon_deg());
        Fix::quantise(&RawFix { latitude_deg, longitude_deg, ..RawFix::default() }).unwrap()
    }

    proptest! {
        #[test]
        fn plane_agrees_with_the_great_circle(lat in -90_000_000..=90_000_000i32,
                                              lon in -180_000_000..=180_000_000i32,
                                              bearing in 0.0..360.0f64, far in 0.0..20_000.0f64) {
            let a = Position::from_e6(lat, lon).unwrap();
            let b = a.destination(bearing, far);
            let want = a.distance_m(b);
            prop_assert!((distance_m(&fix(a), &fix(b)) - want).abs() <= 1e-5 * want + 0.001);
            let at_most = Step::at_most(a, b);
            prop_assert!(at_most.east_m.abs() + at_most.north_m.abs() >= want - 0.001);
        }
    }
}
