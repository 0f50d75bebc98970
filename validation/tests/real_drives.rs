//! Honest drives as recorded: no trip rejected, at most 1 % of the fixes dropped.
//!
//! Reads `$HEXMILE_DATA`, or `shared/data` beside the workspace, and is passed over where that is
//! absent. The few lines of parsing are this test's own, since the crate that reads such files
//! depends on this one.

use std::{collections::BTreeMap, fs, path::PathBuf};

use hexmile_trace::{Fix, RawFix};
use hexmile_validation::{Dropped, Rules, Verdict, assess};

fn read(path: &str) -> Option<String> {
    let root = std::env::var_os("HEXMILE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    let text = fs::read_to_string(&file).ok();
    if text.is_none() {
        eprintln!("PASSED OVER: no real drives at {}", file.display());
    }
    text
}

/// Columns `trip_id,seconds,lat,lon`.
fn csv_trips(text: &str) -> Vec<Vec<Fix>> {
    let mut trips: BTreeMap<&str, Vec<Fix>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().expect("a line of the data set");
        let raw = RawFix {
            time_ms: (number(1) * 1000.0) as i64,
            latitude_deg: number(2),
            longitude_deg: number(3),
            ..RawFix::default()
        };
        trips
            .entry(fields[0])
            .or_default()
            .push(Fix::quantise(&raw).expect("a line of the data set"));
    }
    trips.into_values().collect()
}

/// The RMC sentences of one drive within a day.
fn nmea_trip(text: &str) -> Vec<Fix> {
    let degrees = |value: &str, hemisphere: &str| {
        let value: f64 = value.parse().expect("a line of the data set");
        let whole = (value / 100.0).floor();
        let degrees = whole + (value - whole * 100.0) / 60.0;
        if matches!(hemisphere, "S" | "W") { -degrees } else { degrees }
    };
    let rmc = text.lines().filter(|line| line.starts_with("$GPRMC"));
    rmc.map(|line| {
        let field: Vec<&str> = line.split(',').collect();
        let clock: f64 = field[1].parse().expect("a line of the data set");
        let (h, m, s) = ((clock / 1e4).floor(), (clock / 100.0).floor() % 100.0, clock % 100.0);
        Fix::quantise(&RawFix {
            time_ms: ((h * 3600.0 + m * 60.0 + s) * 1000.0) as i64,
            latitude_deg: degrees(field[3], field[4]),
            longitude_deg: degrees(field[5], field[6]),
            speed_mps: field[7].parse().ok().map(|knots: f64| knots * 1852.0 / 3600.0),
            course_deg: field[8].parse().ok(),
            ..RawFix::default()
        })
        .expect("a line of the data set")
    })
    .collect()
}

fn check(name: &str, trips: &[Vec<Fix>]) {
    let rules = Rules::default();
    let (mut fixes, mut dropped, mut quality) = (0, 0, 0);
    for (number, trip) in trips.iter().enumerate() {
        let got = assess(trip, &rules);
        assert_eq!(got.verdict(), Verdict::Accepted, "{name} {number}: {:?}", got.reasons);
        fixes += trip.len() as u32;
        dropped += got.dropped.total();
        quality += u64::from(got.quality_ppm);
        if got.dropped != Dropped::default() {
            eprintln!("{name} {number}: {:?}", got.dropped.iter().collect::<Vec<_>>());
        }
        // And as sealed: runs of 300 fixes.
        for trace in trip.chunks(300).filter(|trace| trace.len() > 1) {
            let got = assess(trace, &rules);
            assert_eq!(got.verdict(), Verdict::Accepted, "{name} {number}: {:?}", got.reasons);
        }
    }
    let quality = quality / trips.len() as u64;
    eprintln!("{name}: {} trips, {fixes} fixes, {dropped} dropped, quality {quality}", trips.len());
    assert!(dropped * 100 <= fixes, "{name}: {dropped} of {fixes} dropped");
}

#[test]
fn chicago() {
    if let Some(text) = read("chicago/trips.csv") {
        check("chicago", &csv_trips(&text));
    }
}

#[test]
fn athens() {
    if let Some(text) = read("athens_sparse/trips.csv") {
        check("athens", &csv_trips(&text));
    }
}

#[test]
fn highway() {
    for phone in ["pixel4", "pixel4xlmodded"] {
        if let Some(text) = read(&format!("highway_phone_1hz/{phone}.nmea")) {
            check(phone, &[nmea_trip(&text)]);
        }
    }
}
