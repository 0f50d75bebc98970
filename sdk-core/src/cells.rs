//! The cells that the driver's own traces pass: what a first driver sees on a map before there is
//! company enough for anybody else to.

use h3o::{LatLng, Resolution};
use hexmile_trace::{Fix, MAX_JOIN_CM, MAX_JOIN_MS, Position};

/// Most cells that are told; the oldest are left out. About a thousand kilometres at resolution 11.
const MAX_CELLS: usize = 20_000;

/// Collects cells, with the time at which each was last passed.
pub(crate) struct Cells {
    resolution: Resolution,
    /// Half an edge, so that no cell on the way is stepped over but at its corner, metres.
    step_m: f64,
    /// Cells and when each was passed; some several times, until they are counted.
    passed: Vec<(u64, u64)>,
}

impl Cells {
    /// At H3's resolution 10 or 11; `None` for any other.
    pub(crate) fn new(resolution: u8) -> Option<Self> {
        let resolution = match resolution {
            10 => Resolution::Ten,
            11 => Resolution::Eleven,
            _ => return None,
        };
        let step_m = resolution.edge_length_m() / 2.0;
        Some(Self { resolution, step_m, passed: Vec::new() })
    }

    /// Follows consecutive fixes.
    pub(crate) fn pass(&mut self, fixes: &[Fix]) {
        let mut last: Option<Fix> = None;
        for fix in fixes {
            match last {
                Some(last) => self.join(last, *fix),
                None => self.add(degrees(fix.position()), fix.time_ms()),
            }
            last = Some(*fix);
        }
        if self.passed.len() > 4 * MAX_CELLS {
            self.forget_oldest();
        }
    }

    fn join(&mut self, from: Fix, to: Fix) {
        let (a, b) = (degrees(from.position()), degrees(to.position()));
        let distance_m = from.position().distance_m(to.position());
        let (south_deg, east_deg) = (b.0 - a.0, b.1 - a.1);
        let joined = to.time_ms().abs_diff(from.time_ms()) <= MAX_JOIN_MS
            && distance_m * 100.0 <= MAX_JOIN_CM as f64
            // Across the antimeridian the fixes alone count.
            && east_deg.abs() < 180.0;
        let steps = if joined { (distance_m / self.step_m).ceil().max(1.0) } else { 1.0 };
        for step in 1..=steps as u32 {
            let part = f64::from(step) / steps;
            let point = if joined { (a.0 + south_deg * part, a.1 + east_deg * part) } else { b };
            self.add(point, to.time_ms());
        }
    }

    fn add(&mut self, (latitude_deg, longitude_deg): (f64, f64), time_ms: u64) {
        if let Ok(point) = LatLng::new(latitude_deg, longitude_deg) {
            let cell = u64::from(point.to_cell(self.resolution));
            match self.passed.last_mut() {
                Some((last, last_ms)) if *last == cell => *last_ms = time_ms.max(*last_ms),
                _ => self.passed.push((cell, time_ms)),
            }
        }
    }

    /// Leaves each cell once, in the order of their numbers, and of too many the newest.
    fn forget_oldest(&mut self) {
        self.passed.sort_unstable();
        self.passed.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                // Sorted by time, too: the last is the newest.
                kept.1 = next.1;
            }
            same
        });
        let surplus = self.passed.len().saturating_sub(MAX_CELLS);
        if surplus > 0 {
            let mut times: Vec<_> = self.passed.iter().map(|(cell, ms)| (*ms, *cell)).collect();
            times.sort_unstable();
            let (bound_ms, _) = times[surplus - 1];
            self.passed.retain(|(_, last_ms)| *last_ms > bound_ms);
        }
    }

    /// The cells, in the order of their numbers.
    pub(crate) fn into_cells(mut self) -> Vec<u64> {
        self.forget_oldest();
        self.passed.into_iter().map(|(cell, _)| cell).collect()
    }
}

fn degrees(position: Position) -> (f64, f64) {
    (position.lat_deg(), position.lon_deg())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::RawFix;

    fn fix(second: i64, latitude_deg: f64, longitude_deg: f64) -> Fix {
        let raw =
            RawFix { time_ms: second * 1000, latitude_deg, longitude_deg, ..RawFix::default() };
        Fix::quantise(&raw).unwrap()
    }

    fn cells(resolution: u8, fixes: &[Fix]) -> Vec<u64> {
        let mut cells = Cells::new(resolution).unwrap();
        cells.pass(fixes);
        cells.into_cells()
    }

    #[test]
    fn fixes_are_joined_where_one_may_be_the_way_to_the_next() {
        let start = fix(0, 52.5, 13.4);
        let alone = LatLng::new(52.5, 13.4).unwrap().to_cell(Resolution::Eleven);
        assert_eq!(cells(11, &[start]), [u64::from(alone)]);
        // 400 m north: eight cells of some 50 m on the way, or more.
        let joined = cells(11, &[start, fix(20, 52.5036, 13.4)]).len();
        assert!((8..=12).contains(&joined), "{joined}");
        for apart in [fix(40, 52.5036, 13.4), fix(20, 52.506, 13.4)] {
            assert_eq!(cells(11, &[start, apart]).len(), 2);
        }
        let across = cells(10, &[fix(0, 0.0, 179.9999), fix(1, 0.0, -179.9999)]);
        assert!((1..=2).contains(&across.len()));
        assert!([9, 12].into_iter().all(|resolution| Cells::new(resolution).is_none()));
    }

    #[test]
    fn the_newest_cells_are_told_and_no_more_than_there_is_room_for() {
        let mut cells = Cells::new(11).unwrap();
        for n in 0..30_000_i64 {
            cells.pass(&[fix(n, n as f64 * 0.002, 10.0)]);
        }
        let last = LatLng::new(29_999.0 * 0.002, 10.0).unwrap().to_cell(Resolution::Eleven);
        let told = cells.into_cells();
        assert_eq!(told.len(), MAX_CELLS);
        assert!(told.is_sorted() && told.contains(&u64::from(last)));
    }
}
