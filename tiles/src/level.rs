//! The values that are published of a road's traffic, from its flow.

/// How traffic flows, in the names that Mapbox's styles use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Congestion {
    /// At least three quarters of free-flow speed.
    Low = 0,
    /// At least half of it.
    Moderate = 1,
    /// At least a quarter of it.
    Heavy = 2,
    /// Less.
    Severe = 3,
}

impl Congestion {
    /// All, from the best to the worst.
    pub const ALL: [Self; 4] = [Self::Low, Self::Moderate, Self::Heavy, Self::Severe];

    /// Its name in tiles and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::Heavy => "heavy",
            Self::Severe => "severe",
        }
    }
}

/// Published traffic values, each quantised. The order of the fields is the order of features in a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level {
    /// Class of speed against free flow.
    pub congestion: Congestion,
    /// Ten times the share of free-flow speed that is lost, 0 to 10.
    pub jam: u8,
    /// Free-flow speed, km/h, to 5; 250 at most.
    pub free_flow_kmh: u8,
    /// Speed, tenths of km/h: to 2 below 100, to 10 up to 200, to 20 up to 600, to 50 above; 2 to 2500.
    pub speed_dkmh: u16,
    /// Confidence, 1 to 3: 90 % of speeds are no farther from the truth than its entry in
    /// [`CONFIDENCE_BOUNDS_PERCENT`].
    pub confidence: u8,
    /// Number of drivers, rounded down to one of [`DRIVER_BUCKETS`].
    pub drivers: u8,
    /// Minutes since the newest data, rounded down to 0, 5, 10, 15, 20 or 25.
    pub age_min: u8,
}

impl Level {
    /// All values in one number, which orders as they do.
    pub(crate) const fn to_bits(self) -> u64 {
        let [high, low] = self.speed_dkmh.to_be_bytes();
        let Self { congestion, jam, free_flow_kmh, confidence, drivers, age_min, .. } = self;
        let congestion = congestion as u8;
        u64::from_be_bytes([
            congestion,
            jam,
            free_flow_kmh,
            high,
            low,
            confidence,
            drivers,
            age_min,
        ])
    }
}

/// Steps to which a number of drivers is rounded down.
pub const DRIVER_BUCKETS: [u8; 6] = [3, 5, 10, 20, 50, 100];

/// Free flow is never taken below this, tenths of km/h: slower is a queue, not a road's nature.
const MIN_FREE_FLOW_DKMH: u32 = 160;

/// What 90 % of speeds of confidence 1, 2 and 3 are within, per cent of the true mean speed of all
/// vehicles there: measured by the benches, against the simulated city and real drives.
pub const CONFIDENCE_BOUNDS_PERCENT: [u8; 3] = [80, 40, 15];

/// Share of free-flow speed lost, per cent, up to which confidence is 2 and, from so many drivers on, 3.
/// Where time is lost it is lost by chance, at a signal or in a queue, and a few drivers say little of
/// how much others lose; where it is not, three drivers agree.
const CONFIDENT_LOST: [u64; 2] = [40, 20];
const CONFIDENT_DRIVERS: u32 = 5;

/// Usual squared coefficient of variation of the times that drivers take for the same cell, in
/// thousandths. A mean time of n drivers is right on average, and its reciprocal is not: speeds come out
/// too high by the share cv^2 / n (Cochran, "Sampling Techniques", section 6.8, on the bias of a ratio),
/// since few wait long and three are mostly without one of those. The usual value stands in for the
/// drivers' own, which misleads where it matters most: three who all had a green light agree with one
/// another. Measured, it is 0.21 in streets of the simulated city, and 0.19 of real drives in Chicago.
const USUAL_SPREAD_PERMILLE: u64 = 200;

/// Free-flow speeds up to which that is so and from which there are no lights to miss, tenths of km/h:
/// roads without crossings have 0.05, and 0.02 from 100 km/h on.
const STREET_DKMH: u64 = 700;
const MOTORWAY_DKMH: u64 = 900;

/// Age from which confidence is one lower, slots.
const STALE_SLOTS: u32 = 3;

/// Weighted sums from which a level is read; sums of flows are flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Weighted centimetres.
    pub(crate) distance: u64,
    /// Weighted milliseconds.
    pub(crate) duration: u64,
    /// Weighted milliseconds that the distance takes in free flow.
    pub(crate) free: u64,
    /// Drivers: of the busiest part, since parts share their drivers.
    pub(crate) drivers: u32,
    /// Slots since the newest data.
    pub(crate) age: u32,
    /// Whether it rests on little, however many drivers it counts.
    pub(crate) thin: bool,
}

impl Flow {
    pub(crate) fn new(
        distance: u64,
        duration: u64,
        free_flow_dkmh: u32,
        drivers: u32,
        age: u32,
    ) -> Self {
        let free = distance * 360 / u64::from(free_flow_dkmh.max(MIN_FREE_FLOW_DKMH));
        Self { distance, duration: duration.max(1), free: free.max(1), drivers, age, thin: false }
    }

    /// Adds the flow of another part of the same coarser cell.
    pub(crate) fn add(&mut self, part: &Self) {
        self.age = if self.drivers == 0 { part.age } else { self.age.min(part.age) };
        self.thin = if self.drivers == 0 { part.thin } else { self.thin && part.thin };
        self.distance += part.distance;
        self.duration += part.duration;
        self.free += part.free;
        self.drivers = self.drivers.max(part.drivers);
    }

    /// The time that all vehicles take, from that of a few, weighted milliseconds.
    fn expected_duration(&self) -> u64 {
        let (duration, drivers) = (self.duration.max(1), u64::from(self.drivers.max(1)));
        let free_flow_dkmh = self.distance * 360 / self.free.max(1);
        let street = MOTORWAY_DKMH - free_flow_dkmh.clamp(STREET_DKMH, MOTORWAY_DKMH);
        let spread = USUAL_SPREAD_PERMILLE * street / (MOTORWAY_DKMH - STREET_DKMH);
        duration + duration * spread / (1000 * drivers)
    }

    pub(crate) fn level(&self) -> Level {
        let (duration, free) = (self.expected_duration(), self.free.max(1));
        // Lost share of free-flow speed, per cent: speed / free flow = free time / time.
        let lost = 100 - (100 * free / duration).min(100);
        let steady = CONFIDENT_LOST.iter().filter(|most| lost <= **most).count() as u8;
        let many = self.drivers >= CONFIDENT_DRIVERS;
        let confidence = 1 + if many { steady } else { steady.min(1) };
        let stale = self.age >= STALE_SLOTS;
        let confidence = if self.thin { 1 } else { confidence };
        Level {
            congestion: match lost {
                0..=25 => Congestion::Low,
                26..=50 => Congestion::Moderate,
                51..=75 => Congestion::Heavy,
                _ => Congestion::Severe,
            },
            jam: ((lost + 5) / 10) as u8,
            free_flow_kmh: (rounded_dkmh(self.distance, free, |_| 50) / 10) as u8,
            speed_dkmh: rounded_dkmh(self.distance, duration, speed_step).max(2),
            confidence: if stale { confidence.saturating_sub(1).max(1) } else { confidence },
            drivers: DRIVER_BUCKETS
                .into_iter()
                .rev()
                .find(|bucket| self.drivers >= u32::from(*bucket))
                .unwrap_or(DRIVER_BUCKETS[0]),
            age_min: (5 * self.age).min(25) as u8,
        }
    }
}

/// Speeds are coarser where they are higher, and never off by more than about 5 % above 2 km/h: the time
/// that a road takes is mostly that of its slowest cells.
fn speed_step(dkmh: u64) -> u64 {
    match dkmh {
        0..100 => 2,
        100..=200 => 10,
        201..=600 => 20,
        _ => 50,
    }
}

fn rounded_dkmh(distance_cm: u64, duration_ms: u64, step: impl Fn(u64) -> u64) -> u16 {
    let dkmh = (distance_cm * 360 + duration_ms / 2) / duration_ms;
    let step = step(dkmh);
    ((dkmh + step / 2) / step * step).min(2500) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        // Distance and duration of one driver, free flow, drivers, age.
        for (kmh, free, drivers, age, want) in [
            (50, 500, 3, 0, (Congestion::Low, 1, 50, 460, 2, 3, 0)),
            (50, 500, 40, 0, (Congestion::Low, 0, 50, 500, 3, 20, 0)),
            (60, 500, 5, 1, (Congestion::Low, 0, 50, 580, 3, 5, 5)),
            (31, 500, 12, 2, (Congestion::Moderate, 4, 50, 300, 2, 10, 10)),
            (20, 500, 12, 3, (Congestion::Heavy, 6, 50, 200, 1, 10, 15)),
            (80, 800, 3, 0, (Congestion::Low, 0, 80, 750, 2, 3, 0)),
            (100, 1000, 3, 0, (Congestion::Low, 0, 100, 1000, 2, 3, 0)),
            (40, 1000, 3, 0, (Congestion::Heavy, 6, 100, 400, 1, 3, 0)),
            (5, 500, 4, 5, (Congestion::Severe, 9, 50, 48, 1, 3, 25)),
            (5, 50, 4, 0, (Congestion::Heavy, 7, 15, 48, 1, 3, 0)),
            (133, 1300, 1000, 0, (Congestion::Low, 0, 130, 1350, 3, 100, 0)),
        ] {
            let level = Flow::new(kmh * 1000, 36_000, free, drivers, age).level();
            let got = (
                level.congestion,
                level.jam,
                level.free_flow_kmh,
                level.speed_dkmh,
                level.confidence,
                level.drivers,
                level.age_min,
            );
            assert_eq!(got, want, "{kmh} km/h");
        }
    }
}
