//! Places of which nothing leaves the phone.
//!
//! A zone around a known place does not have that place at its centre: the centre is displaced by a
//! secret of the device, always the same way, so that neither the ends of many traces nor their
//! headings lead back to the place.

use std::f64::consts::{FRAC_PI_2, PI};

use hexmile_trace::{EARTH_RADIUS_M, Position};
use sha2::{Digest, Sha256};

use super::privacy::PrivacyError;

/// Radius of a zone around a known place, metres. Streets lead towards a home and away from it, so
/// that with a smaller zone the headings at its edge, and the mean of a driver's ends there, come
/// within 250 m of the place however its centre is displaced; `privacy_laws` measures it.
const PLACE_RADIUS_M: u32 = 1200;
/// Shortest displacement of its centre, metres. Ends lie where ways from the place leave the circle:
/// their mean is displaced by half as much.
const MIN_DISPLACEMENT_M: f64 = 500.0;
/// Longest displacement of its centre, metres.
const MAX_DISPLACEMENT_M: f64 = 600.0;
/// Places within a square of so many 1e-6 degrees are displaced alike, so that a place set again a
/// little further on does not show a second edge.
const SAME_PLACE_E6: i32 = 10_000;
/// Largest radius of a circle, metres.
pub(super) const MAX_RADIUS_M: u32 = 100_000;
/// A full turn, 1e-6 degrees.
pub(super) const TURN_E6: i64 = 360_000_000;

/// An area of which nothing leaves the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// All that is at most so far away.
    Circle {
        /// Its centre.
        centre: Position,
        /// Its radius, metres, 1 to 100,000.
        radius_m: u32,
    },
    /// All that is within a ring of corners, its edges included; the last is joined to the first.
    /// Edges are straight in longitude and latitude, and may cross the antimeridian.
    Polygon(Vec<Position>),
}

impl Zone {
    /// The lasting zone of a known place, such as the driver's home: a circle of 1200 m whose centre is
    /// 500 to 600 m away from it, in a direction and distance that `secret` decides. The host keeps
    /// the secret, 32 random bytes, in its secret store, as long as the app is installed.
    #[must_use]
    pub fn around(place: Position, secret: &[u8; 32]) -> Self {
        let square = |e6: i32| e6.div_euclid(SAME_PLACE_E6).to_le_bytes();
        let hash = Sha256::new()
            .chain_update(b"hexmile/zone/v1\0")
            .chain_update(secret)
            .chain_update(square(place.lat_e6()))
            .chain_update(square(place.lon_e6()))
            .finalize();
        let part = |at: usize| {
            let word = u32::from_le_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]);
            f64::from(word) / f64::from(u32::MAX)
        };
        let distance_m = MIN_DISPLACEMENT_M + part(4) * (MAX_DISPLACEMENT_M - MIN_DISPLACEMENT_M);
        let centre = place.destination(part(0) * 360.0, distance_m);
        Self::Circle { centre, radius_m: PLACE_RADIUS_M }
    }

    pub(super) fn check(&self) -> Result<(), PrivacyError> {
        match self {
            Self::Circle { radius_m, .. } if !(1..=MAX_RADIUS_M).contains(radius_m) => {
                Err(PrivacyError::Radius(*radius_m))
            }
            Self::Polygon(corners) if corners.len() < 3 => {
                Err(PrivacyError::Corners(corners.len()))
            }
            Self::Polygon(corners) => {
                let east = || unrolled(corners).map(|(_, lon)| lon);
                let span = east().max().zip(east().min()).map_or(0, |(max, min)| max - min);
                if span >= TURN_E6 / 2 { Err(PrivacyError::Span) } else { Ok(()) }
            }
            Self::Circle { .. } => Ok(()),
        }
    }

    /// South-western and north-eastern corner around it, 1e-6 degrees; longitudes may lie beyond the
    /// antimeridian.
    pub(super) fn bounds(&self) -> ([f64; 2], [f64; 2]) {
        match self {
            Self::Circle { centre, radius_m } => {
                // A little more than the circle: what is inside is asked again.
                let reach = f64::from(*radius_m) * 1.01 / EARTH_RADIUS_M;
                // A circle that comes near a pole may hold any longitude.
                let to_pole = FRAC_PI_2 - centre.lat_rad().abs() - reach;
                let lon_reach =
                    if to_pole > 0.01 { 1.01 * reach / to_pole * FRAC_PI_2 } else { PI };
                let (lat, lon) = (f64::from(centre.lat_e6()), f64::from(centre.lon_e6()));
                let (up, right) = (reach.to_degrees() * 1e6, lon_reach.to_degrees() * 1e6);
                ([lon - right, lat - up], [lon + right, lat + up])
            }
            Self::Polygon(corners) => {
                let mut low = [f64::MAX; 2];
                let mut high = [f64::MIN; 2];
                for (lat, lon) in unrolled(corners) {
                    for (i, value) in [lon as f64, lat as f64].into_iter().enumerate() {
                        low[i] = low[i].min(value);
                        high[i] = high[i].max(value);
                    }
                }
                (low, high)
            }
        }
    }

    /// Whether a position lies in it.
    pub fn contains(&self, position: Position) -> bool {
        match self {
            Self::Circle { centre, radius_m } => {
                centre.distance_m(position) <= f64::from(*radius_m)
            }
            Self::Polygon(corners) => {
                let (lat, lon) = (i64::from(position.lat_e6()), i64::from(position.lon_e6()));
                [-TURN_E6, 0, TURN_E6].iter().any(|turn| within(corners, lat, lon + turn))
            }
        }
    }
}

/// Corners as latitude and longitude, 1e-6 degrees, each less than half a turn from the first.
fn unrolled(corners: &[Position]) -> impl Iterator<Item = (i64, i64)> + Clone {
    let first = corners.first().map_or(0, |corner| i64::from(corner.lon_e6()));
    corners.iter().map(move |corner| {
        let lon = i64::from(corner.lon_e6());
        let half = TURN_E6 / 2;
        (i64::from(corner.lat_e6()), first + (lon - first + half).rem_euclid(TURN_E6) - half)
    })
}

/// Even-odd rule in integers, which are exact; a point on an edge is within.
fn within(corners: &[Position], lat: i64, lon: i64) -> bool {
    let corners = unrolled(corners);
    let nexts = corners.clone().cycle().skip(1);
    let mut inside = false;
    for ((lat_a, lon_a), (lat_b, lon_b)) in corners.zip(nexts) {
        let cross = (lon_b - lon_a) * (lat - lat_a) - (lon - lon_a) * (lat_b - lat_a);
        let between = |v: i64, a: i64, b: i64| a.min(b) <= v && v <= a.max(b);
        if cross == 0 && between(lat, lat_a, lat_b) && between(lon, lon_a, lon_b) {
            return true;
        }
        if (lat_a > lat) != (lat_b > lat) && (cross > 0) == (lat_b > lat_a) {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Privacy;
    use proptest::prelude::*;

    fn position(lat: f64, lon: f64) -> Position {
        Position::from_e6((lat * 1e6).round() as i32, (lon * 1e6).round() as i32).unwrap()
    }

    #[test]
    fn polygons_hold_what_is_within_them_and_their_edges() {
        let check = |corners: &[(f64, f64)], inside: &[(f64, f64)], outside: &[(f64, f64)]| {
            let corners = corners.iter().map(|(lat, lon)| position(*lat, *lon)).collect();
            let privacy = Privacy::new(vec![Zone::Polygon(corners)]).unwrap();
            for (places, want) in [(inside, true), (outside, false)] {
                for (lat, lon) in places {
                    assert_eq!(privacy.contains(position(*lat, *lon)), want, "{lat} {lon}");
                }
            }
        };
        let square = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)];
        check(
            &square,
            &[(0.5, 0.5), (0.0, 0.0), (0.0, 0.5), (1.0, 1.0), (0.5, 1.0)],
            &[(0.5, 1.000001), (-0.000001, 0.5), (0.5, -179.5), (2.0, 0.5)],
        );
        let across = [(10.0, 179.0), (10.0, -179.0), (12.0, -179.0), (12.0, 179.0)];
        check(
            &across,
            &[(11.0, 179.5), (11.0, -179.5), (11.0, 180.0)],
            &[(11.0, 178.9), (11.0, 0.0)],
        );
        let dented = [(0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (1.0, 2.0), (4.0, 0.0)];
        check(&dented, &[(0.5, 2.0), (3.0, 0.5), (3.0, 3.5)], &[(3.0, 2.0), (1.5, 2.0)]);
    }

    proptest! {
        #[test]
        fn a_known_place_is_well_within_its_zone_and_never_at_its_centre(
            lat in -85.0..85.0f64, lon in -180.0..180.0f64, secret: [u8; 32],
        ) {
            let place = position(lat, lon);
            let zone = Zone::around(place, &secret);
            let Zone::Circle { centre, radius_m } = &zone else { unreachable!() };
            let away_m = centre.distance_m(place);
            prop_assert!((499.0..=601.0).contains(&away_m), "{away_m}");
            prop_assert!(f64::from(*radius_m) - away_m >= 599.0);
            prop_assert_eq!(zone, Zone::around(place, &secret), "always the same way");
        }
    }
}
