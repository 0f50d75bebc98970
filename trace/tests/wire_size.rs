//! Bytes per fix on real 1 Hz drives, and that what comes out is what went in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hexmile_trace::{
    DeviceId, Fix, NetworkId, Provider, RawFix, SdkVersion, SignedTrace, Trace, TraceHeader,
    TripId,
    sign::{Alg, Signer, SoftwareSigner},
};
use std::path::PathBuf;

fn data() -> Option<PathBuf> {
    let path = std::env::var_os("HEXMILE_DATA").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").into(),
        PathBuf::from,
    );
    path.exists().then_some(path)
}

fn degrees(field: &str, hemisphere: &str) -> f64 {
    let value: f64 = field.parse().unwrap();
    let whole = (value / 100.0).floor();
    let degrees = whole + (value - whole * 100.0) / 60.0;
    if matches!(hemisphere, "S" | "W") { -degrees } else { degrees }
}

/// Pairs of GGA and RMC lines, as the phones wrote them.
fn fixes(text: &str) -> Vec<Fix> {
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

#[test]
fn real_drives_cost_few_bytes_and_come_back_whole() {
    let Some(data) = data() else {
        eprintln!("PASSED OVER: no real drives at ../shared/data; set HEXMILE_DATA to measure");
        return;
    };
    let key = SoftwareSigner::from_seed(&[1; 32]);
    for name in ["pixel4.nmea", "pixel4xlmodded.nmea"] {
        let path = data.join("highway_phone_1hz").join(name);
        let fixes = fixes(&std::fs::read_to_string(path).unwrap());
        let (mut bytes, mut count) = (0, 0);
        for (sequence, chunk) in fixes.chunks_exact(300).enumerate() {
            let header = TraceHeader {
                alg: Alg::Ed25519,
                device: DeviceId::of_key(&key.public_key()),
                network: NetworkId::of_name("test"),
                sequence: 1000 + sequence as u64,
                trip: TripId([9; 8]),
                sdk_version: SdkVersion::new(0, 1, 0),
                clock_offset_ms: Some(-120),
                context: sequence > 0,
                checkpoint: None,
            };
            let trace = Trace::new(header, chunk.to_vec()).unwrap();
            let signed = SignedTrace::seal(&trace, &key).unwrap();
            assert_eq!(signed.decode().unwrap(), trace);
            bytes += signed.to_bytes().len();
            count += chunk.len();
        }
        let per_fix = bytes as f64 / count as f64;
        println!("{name}: {per_fix:.3} bytes a fix over {count} fixes, all included");
        assert!(per_fix <= 4.0, "{name}: {per_fix}");
    }
}
