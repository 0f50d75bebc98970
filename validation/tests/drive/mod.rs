//! Drives made by formula, for the tests of this crate.

use hexmile_trace::{Fix, Position, RawFix};

pub(crate) const START_MS: i64 = 1_700_000_000_000;

/// A fix `east_m`, `north_m` metres from a crossroads in Munich, `seconds` after the start.
pub(crate) fn fix(seconds: f64, east_m: f64, north_m: f64) -> RawFix {
    let crossroads = Position::from_e6(48_137_000, 11_575_000).expect("in range");
    let at = crossroads.destination(90.0, east_m).destination(0.0, north_m);
    RawFix {
        time_ms: START_MS + (seconds * 1000.0) as i64,
        latitude_deg: at.lat_deg(),
        longitude_deg: at.lon_deg(),
        accuracy_m: Some(5.0),
        ..RawFix::default()
    }
}

/// `fixes` fixes, `interval_s` apart, eastwards at a constant speed.
pub(crate) fn straight(fixes: usize, interval_s: f64, speed_mps: f64) -> Vec<RawFix> {
    (0..fixes).map(|i| fix(i as f64 * interval_s, i as f64 * interval_s * speed_mps, 0.0)).collect()
}

pub(crate) fn quantise(raw: &[RawFix]) -> Vec<Fix> {
    raw.iter().map(|fix| Fix::quantise(fix).expect("in range")).collect()
}
