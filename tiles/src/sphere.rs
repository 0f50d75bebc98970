//! Unit vectors and tangent planes on the sphere, with trigonometry from libm.

use h3o::LatLng;
use hexmile_trace::{EARTH_RADIUS_M, Position};

/// A vector in the Earth-centred frame; a point of the sphere where its length is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vec3 {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) z: f64,
}

impl Vec3 {
    /// The unit vector of a latitude and longitude in radians.
    pub(crate) fn from_radians(lat: f64, lon: f64) -> Self {
        let (sin_lat, cos_lat) = libm::sincos(lat);
        let (sin_lon, cos_lon) = libm::sincos(lon);
        Self { x: cos_lat * cos_lon, y: cos_lat * sin_lon, z: sin_lat }
    }

    pub(crate) fn from_position(position: Position) -> Self {
        Self::from_radians(position.lat_rad(), position.lon_rad())
    }

    pub(crate) fn from_latlng(at: LatLng) -> Self {
        Self::from_radians(at.lat_radians(), at.lng_radians())
    }

    pub(crate) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(crate) fn cross(self, other: Self) -> Self {
        Self {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }

    pub(crate) fn plus(self, other: Self, times: f64) -> Self {
        Self {
            x: self.x + other.x * times,
            y: self.y + other.y * times,
            z: self.z + other.z * times,
        }
    }

    pub(crate) fn scaled(self, by: f64) -> Self {
        Self { x: self.x * by, y: self.y * by, z: self.z * by }
    }

    pub(crate) fn length(self) -> f64 {
        libm::sqrt(self.dot(self))
    }

    /// The point of the sphere in this direction; the vector must not be zero.
    pub(crate) fn unit(self) -> Self {
        self.scaled(1.0 / self.length())
    }

    /// Latitude and longitude in radians, for any length but zero.
    pub(crate) fn to_radians(self) -> (f64, f64) {
        let equatorial = libm::sqrt(self.x * self.x + self.y * self.y);
        (libm::atan2(self.z, equatorial), libm::atan2(self.y, self.x))
    }

    pub(crate) fn to_position(self) -> Position {
        let (lat, lon) = self.to_radians();
        Position::from_rad(lat, lon)
    }

    /// The same point for h3o, or `None` for a vector that is not finite.
    pub(crate) fn to_latlng(self) -> Option<LatLng> {
        let (lat, lon) = self.to_radians();
        LatLng::from_radians(lat, lon).ok()
    }
}

/// The plane that touches the sphere at a point, with axes east and north, in metres.
///
/// At a pole the axes are those of the point's own longitude, so they exist everywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tangent {
    origin: Vec3,
    east: Vec3,
    north: Vec3,
}

impl Tangent {
    /// At a point of the sphere, without trigonometry.
    pub(crate) fn at(origin: Vec3) -> Self {
        let equatorial = libm::sqrt(origin.x * origin.x + origin.y * origin.y);
        let (sin_lon, cos_lon) = if equatorial > 0.0 {
            (origin.y / equatorial, origin.x / equatorial)
        } else {
            (0.0, 1.0)
        };
        Self {
            origin,
            east: Vec3 { x: -sin_lon, y: cos_lon, z: 0.0 },
            north: Vec3 { x: -origin.z * cos_lon, y: -origin.z * sin_lon, z: equatorial },
        }
    }

    pub(crate) fn at_cell(cell: h3o::CellIndex) -> Self {
        Self::at(Vec3::from_latlng(LatLng::from(cell)))
    }

    pub(crate) fn origin(&self) -> Vec3 {
        self.origin
    }

    /// East and north components of a difference of unit vectors, metres.
    pub(crate) fn components_m(&self, difference: Vec3) -> (f64, f64) {
        (difference.dot(self.east) * EARTH_RADIUS_M, difference.dot(self.north) * EARTH_RADIUS_M)
    }

    /// The point of the sphere near these offsets (orthographic; exact to a millimetre within 1 km).
    pub(crate) fn point(&self, east_m: f64, north_m: f64) -> Vec3 {
        self.origin
            .plus(self.east, east_m / EARTH_RADIUS_M)
            .plus(self.north, north_m / EARTH_RADIUS_M)
            .unit()
    }
}

/// Bearing of a vector, tenths of a degree clockwise from north, 0 to 3599; 0 for the zero vector.
pub(crate) fn bearing_ddeg(east: f64, north: f64) -> u16 {
    let ddeg = libm::round(libm::atan2(east, north).to_degrees() * 10.0) as i32;
    ddeg.rem_euclid(3600) as u16
}

/// Smallest angle between two bearings, tenths of a degree, 0 to 1800.
pub(crate) fn turn_ddeg(a: u16, b: u16) -> u16 {
    let difference = a.abs_diff(b) % 3600;
    difference.min(3600 - difference)
}
