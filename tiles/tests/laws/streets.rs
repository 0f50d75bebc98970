//! Drives through a small grid of streets, each driver in their own manner, in portions as phones send
//! them.

use hexmile_tiles::{Observation, Row, observe};
use hexmile_trace::{Fix, FixParts, Position};

use crate::world::START_MS;

/// Length of a block, metres, and blocks a side.
const BLOCK_M: f64 = 170.0;
const BLOCKS: i32 = 5;
/// Bearing of the grid's columns: no street runs along a sector's border.
const TILT_DEG: f64 = 17.0;
/// How far to the right of a street's middle one drives, metres.
const LANE_M: f64 = 3.0;
/// How far one goes at the same speed, metres: about a cell.
const STEADY_M: f64 = 40.0;
/// Length of a portion, seconds.
const PORTION_S: usize = 120;

/// Numbers that are the same in every run (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From `low` up to `high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One driver on the way.
struct Driver {
    random: Random,
    /// Metres a second where nothing is in the way: drivers differ.
    pace_mps: f64,
    junction: (i32, i32),
    /// Quarter turns clockwise from the columns' bearing.
    quarter: i32,
}

fn step(quarter: i32) -> (i32, i32) {
    [(0, 1), (1, 0), (0, -1), (-1, 0)][quarter.rem_euclid(4) as usize]
}

impl Driver {
    /// Turns at a junction: straight on most of the time, never back, never out of the grid.
    fn turn(&mut self) {
        let (x, y) = self.junction;
        loop {
            let turn = match self.random.between(0.0, 1.0) {
                ..0.6 => 0,
                0.6..0.8 => 1,
                _ => 3,
            };
            let (east, north) = step(self.quarter + turn);
            let within = |n: i32| (0..=BLOCKS).contains(&n);
            if within(x + east) && within(y + north) {
                self.quarter += turn;
                return;
            }
        }
    }

    /// Where they are each second of so many.
    fn drive(&mut self, middle: Position, seconds: usize) -> Vec<Position> {
        let mut places = Vec::new();
        while places.len() < seconds {
            self.turn();
            let (mut along_m, mut speed_mps, mut steady_m) = (0.0, 0.0, 0.0);
            while along_m < BLOCK_M {
                if along_m >= steady_m {
                    speed_mps = self.pace_mps * self.random.between(0.7, 1.35);
                    steady_m += STEADY_M;
                }
                places.push(self.place(middle, along_m));
                along_m += speed_mps;
            }
            if self.random.between(0.0, 1.0) < 0.25 {
                let wait_s = self.random.between(3.0, 40.0) as usize;
                let there = self.place(middle, BLOCK_M - 8.0);
                places.extend(core::iter::repeat_n(there, wait_s));
            }
            let (east, north) = step(self.quarter);
            self.junction = (self.junction.0 + east, self.junction.1 + north);
        }
        places.truncate(seconds);
        places
    }

    fn place(&mut self, middle: Position, along_m: f64) -> Position {
        let bearing_deg = TILT_DEG + 90.0 * f64::from(self.quarter.rem_euclid(4));
        let half = f64::from(BLOCKS) / 2.0;
        let off_m = |n: i32| (f64::from(n) - half) * BLOCK_M;
        let aside_m = LANE_M + self.random.between(-2.0, 2.0);
        middle
            .destination(TILT_DEG, off_m(self.junction.1))
            .destination(TILT_DEG + 90.0, off_m(self.junction.0))
            .destination(bearing_deg, along_m)
            .destination(bearing_deg + 90.0, aside_m)
    }
}

/// What so many drivers send in half an hour, each from some moment of it on for ten minutes: rows of
/// the log in the order in which they come.
pub(crate) fn half_hour(middle: Position, drivers: u64, seed: u64) -> Vec<Row> {
    let mut sent: Vec<(u64, u64, Vec<Observation>)> = Vec::new();
    for driver in 0..drivers {
        let mut random = Random(seed << 32 | driver);
        let begins_ms = START_MS + random.between(0.0, 1_200_000.0) as u64;
        let junction = [(); 2].map(|()| random.between(0.0, f64::from(BLOCKS) + 1.0) as i32);
        let quarter = random.between(0.0, 4.0) as i32;
        let pace_mps = random.between(5.0, 20.0);
        let junction = (junction[0], junction[1]);
        let mut person = Driver { random, pace_mps, junction, quarter };
        let fixes: Vec<Fix> = (0u64..)
            .zip(person.drive(middle, 600))
            .map(|(second, at)| {
                let (lat_e6, lon_e6) = (at.lat_e6(), at.lon_e6());
                let time_ms = begins_ms + second * 1000;
                Fix::from_parts(&FixParts { time_ms, lat_e6, lon_e6, ..FixParts::default() })
                    .unwrap()
            })
            .collect();
        for from in (0..fixes.len() - 1).step_by(PORTION_S) {
            // The first fix repeats the last of the portion before.
            let portion = &fixes[from..(from + PORTION_S + 1).min(fixes.len())];
            let sent_ms = portion[portion.len() - 1].time_ms() + 2_000;
            sent.push((sent_ms, driver, observe(portion)));
        }
    }
    sent.sort_by_key(|(sent_ms, driver, _)| (*sent_ms, *driver));
    let row = |(position, (folded_at_ms, driver, observations))| Row {
        position,
        driver,
        folded_at_ms,
        observations,
        ..Row::default()
    };
    (0..).zip(sent).map(row).collect()
}
