//! What a snapshot shows as a whole.

use core::f64::consts::TAU;

use hexmile_trace::EARTH_RADIUS_M;

use crate::{
    Snapshot,
    shard::Shard,
    world::{WORLD, WorldPoint},
};

/// A snapshot in three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Directions of cells of resolution 11 that are shown.
    pub lines: usize,
    /// Their length together, metres, each direction on its own.
    pub metres: u64,
    /// Age of the newest of them, minutes, in steps of five; `None` where nothing is shown.
    pub freshest_min: Option<u8>,
}

impl Summary {
    pub(crate) fn of_shards<'a>(shards: impl Iterator<Item = &'a Shard>) -> Self {
        shards.fold(Self::default(), |sum, shard| {
            let metres: f64 = shard.lines.iter().map(|l| length_m(l.start, l.end)).sum();
            let freshest = shard.lines.iter().map(|line| line.level.age_min).min();
            Self {
                lines: sum.lines + shard.lines.len(),
                metres: sum.metres + libm::round(metres) as u64,
                freshest_min: sum.freshest_min.into_iter().chain(freshest).min(),
            }
        })
    }
}

impl Snapshot {
    /// What it shows as a whole; summed when first asked for.
    pub fn summary(&self) -> Summary {
        *self.summary.get_or_init(|| Summary::of_shards(self.all()))
    }
}

/// Length of a short line. Mercator stretches by the hyperbolic cosine of its ordinate.
fn length_m(start: WorldPoint, end: WorldPoint) -> f64 {
    let ordinate = 0.5 - f64::from(start.y) / WORLD as f64;
    let units = libm::sqrt(start.distance_squared(end) as f64);
    units / WORLD as f64 * TAU * EARTH_RADIUS_M / libm::cosh(ordinate * TAU)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sphere::Vec3;

    #[test]
    fn a_length_is_that_on_the_ground_at_any_latitude() {
        for latitude_deg in [-84.0_f64, -60.0, 0.0, 41.9, 70.0, 84.0] {
            let at = |longitude_deg: f64, latitude_deg: f64| {
                let (lat, lon) = (latitude_deg.to_radians(), longitude_deg.to_radians());
                let (x, y) = (libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon));
                WorldPoint::of_point(Vec3 { x, y, z: libm::sin(lat) })
            };
            // 50 m northwards; and eastwards across the antimeridian.
            let degrees = 50.0 / (EARTH_RADIUS_M * TAU / 360.0);
            let north = length_m(at(10.0, latitude_deg), at(10.0, latitude_deg + degrees));
            let east = degrees / libm::cos(latitude_deg.to_radians());
            let east = length_m(
                at(180.0 - east / 2.0, latitude_deg),
                at(-180.0 + east / 2.0, latitude_deg),
            );
            assert!(
                (north - 50.0).abs() < 0.05 && (east - 50.0).abs() < 0.05,
                "{latitude_deg}: {north} {east}"
            );
        }
    }
}
