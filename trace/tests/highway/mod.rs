//! Real 1 Hz drives of two phones on a highway, where they are at hand.

use hexmile_trace::{Fix, Provider, RawFix};
use std::path::PathBuf;

/// Each phone's name and fixes; `None` where there are none: set `HEXMILE_DATA`.
pub(crate) fn drives() -> Option<[(&'static str, Vec<Fix>); 2]> {
    let folder = folder()?;
    Some(["pixel4", "pixel4xlmodded"].map(|name| {
        let path = folder.join(format!("{name}.nmea"));
        (name, read(&std::fs::read_to_string(path).unwrap()))
    }))
}

fn folder() -> Option<PathBuf> {
    let path = std::env::var_os("HEXMILE_DATA").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").into(),
        PathBuf::from,
    );
    let path = path.join("highway_phone_1hz");
    path.exists().then_some(path)
}

fn degrees(field: &str, hemisphere: &str) -> f64 {
    let value: f64 = field.parse().unwrap();
    let whole = (value / 100.0).floor();
    let degrees = whole + (value - whole * 100.0) / 60.0;
    if matches!(hemisphere, "S" | "W") { -degrees } else { degrees }
}

/// Pairs of GGA and RMC lines, as the phones wrote them.
fn read(text: &str) -> Vec<Fix> {
    let mut out = Vec::new();
    let mut gga: Option<(f64, f64)> = None;
    for line in text.lines() {
        let f: Vec<&str> = line.split(['*', ',']).collect();
        if f[0] == "$GPGGA" {
            gga = Some((f[8].parse().unwrap(), f[9].parse().unwrap()));
        } else if f[0] == "$GPRMC" {
            let (hdop, altitude) = gga.unwrap();
            let time: f64 = f[1].parse().unwrap();
            let (h, m, s) = (time as i64 / 10_000, time as i64 / 100 % 100, time as i64 % 100);
            out.push(
                Fix::quantise(&RawFix {
                    time_ms: 1_589_414_400_000 + (h * 3600 + m * 60 + s) * 1000,
                    latitude_deg: degrees(f[3], f[4]),
                    longitude_deg: degrees(f[5], f[6]),
                    accuracy_m: Some(hdop * 5.0),
                    speed_mps: Some(f[7].parse::<f64>().unwrap() * 0.514_444),
                    course_deg: f[8].parse().ok(),
                    altitude_m: Some(altitude),
                    mock: false,
                    provider: Provider::Gnss,
                })
                .unwrap(),
            );
        }
    }
    out
}
