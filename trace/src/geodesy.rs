//! Positions on the sphere, distances and bearings, the same on every machine.
//!
//! Sphere of the H3 library's mean radius; trigonometry from libm.

use crate::FixError;

/// Mean Earth radius in metres, authalic, as H3 uses it (WGS 84 / EPSG:4326 sphere of equal area).
pub const EARTH_RADIUS_M: f64 = 6_371_007.180_918_475;

/// A position in 1e-6 degrees: latitude -90e6 to 90e6, longitude -180e6 to 180e6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    lat_e6: i32,
    lon_e6: i32,
}

impl Position {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`FixError::Latitude`] or [`FixError::Longitude`].
    pub const fn from_e6(lat_e6: i32, lon_e6: i32) -> Result<Self, FixError> {
        if lat_e6 < -90_000_000 || lat_e6 > 90_000_000 {
            return Err(FixError::Latitude);
        }
        if lon_e6 < -180_000_000 || lon_e6 > 180_000_000 {
            return Err(FixError::Longitude);
        }
        Ok(Self { lat_e6, lon_e6 })
    }

    /// Latitude in 1e-6 degrees.
    pub const fn lat_e6(self) -> i32 {
        self.lat_e6
    }

    /// Longitude in 1e-6 degrees.
    pub const fn lon_e6(self) -> i32 {
        self.lon_e6
    }

    /// Latitude in degrees.
    pub fn lat_deg(self) -> f64 {
        f64::from(self.lat_e6) / 1e6
    }

    /// Longitude in degrees.
    pub fn lon_deg(self) -> f64 {
        f64::from(self.lon_e6) / 1e6
    }

    /// Latitude in radians.
    pub fn lat_rad(self) -> f64 {
        self.lat_deg().to_radians()
    }

    /// Longitude in radians.
    pub fn lon_rad(self) -> f64 {
        self.lon_deg().to_radians()
    }

    /// Great-circle distance in metres (haversine formula).
    pub fn distance_m(self, to: Self) -> f64 {
        if self == to {
            return 0.0;
        }
        let half_lat = libm::sin((to.lat_rad() - self.lat_rad()) / 2.0);
        let half_lon = libm::sin((to.lon_rad() - self.lon_rad()) / 2.0);
        let a = half_lat * half_lat
            + libm::cos(self.lat_rad()) * libm::cos(to.lat_rad()) * half_lon * half_lon;
        2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(a.min(1.0)))
    }

    /// Initial bearing of the great circle to `to`, degrees clockwise from true north, 0 to below 360.
    /// 0 where both are the same place.
    pub fn bearing_deg(self, to: Self) -> f64 {
        let dlon = to.lon_rad() - self.lon_rad();
        let (lat_a, lat_b) = (self.lat_rad(), to.lat_rad());
        let y = libm::sin(dlon) * libm::cos(lat_b);
        let x = libm::cos(lat_a) * libm::sin(lat_b)
            - libm::sin(lat_a) * libm::cos(lat_b) * libm::cos(dlon);
        let deg = libm::atan2(y, x).to_degrees();
        let deg = if deg < 0.0 { deg + 360.0 } else { deg };
        if deg >= 360.0 { 0.0 } else { deg }
    }

    /// The position `distance_m` metres away at `bearing_deg`, along the great circle.
    #[must_use]
    pub fn destination(self, bearing_deg: f64, distance_m: f64) -> Self {
        let angle = distance_m / EARTH_RADIUS_M;
        let bearing = bearing_deg.to_radians();
        let lat = self.lat_rad();
        let sin_lat = libm::sin(lat) * libm::cos(angle)
            + libm::cos(lat) * libm::sin(angle) * libm::cos(bearing);
        let lat_b = libm::asin(sin_lat.clamp(-1.0, 1.0));
        let lon_b = self.lon_rad()
            + libm::atan2(
                libm::sin(bearing) * libm::sin(angle) * libm::cos(lat),
                libm::cos(angle) - libm::sin(lat) * sin_lat,
            );
        Self::from_rad(lat_b, lon_b)
    }

    /// Rounds radians to 1e-6 degrees; longitude wraps, latitude is clamped.
    pub fn from_rad(lat: f64, lon: f64) -> Self {
        let lat_e6 = libm::round(lat.to_degrees() * 1e6).clamp(-90e6, 90e6) as i32;
        let mut lon_e6 = libm::round(lon.to_degrees() * 1e6) as i64;
        lon_e6 = (lon_e6 + 180_000_000).rem_euclid(360_000_000) - 180_000_000;
        Self { lat_e6, lon_e6: lon_e6 as i32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(lat: f64, lon: f64) -> Position {
        Position::from_e6((lat * 1e6) as i32, (lon * 1e6) as i32).unwrap()
    }

    #[test]
    fn known_distances() {
        // One degree of a great circle on this sphere.
        let degree = EARTH_RADIUS_M.to_radians();
        for (a, b, want) in [
            (position(0.0, 0.0), position(0.0, 1.0), degree),
            (position(0.0, 179.5), position(0.0, -179.5), degree),
            (position(89.5, 0.0), position(89.5, 180.0), degree),
            (position(41.88, -87.63), position(41.88, -87.63), 0.0),
        ] {
            assert!((a.distance_m(b) - want).abs() < 0.01, "{a:?} {b:?}");
        }
    }

    #[test]
    fn known_bearings() {
        for (a, b, want) in [
            (position(0.0, 0.0), position(1.0, 0.0), 0.0),
            (position(0.0, 0.0), position(0.0, 1.0), 90.0),
            (position(1.0, 0.0), position(0.0, 0.0), 180.0),
            (position(0.0, 179.9), position(0.0, -179.9), 90.0),
        ] {
            assert!((a.bearing_deg(b) - want).abs() < 1e-6, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn destination_is_as_far_as_asked(lat in -80.0..80.0f64, lon in -180.0..180.0f64,
                                          bearing in 0.0..360.0f64, distance in 1.0..50_000.0f64) {
            let from = position(lat, lon);
            let to = from.destination(bearing, distance);
            prop_assert!((from.distance_m(to) - distance).abs() < 0.3);
        }
    }
}
