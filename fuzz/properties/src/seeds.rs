//! Inputs to begin with: what our own simulator, encoder and signer make, and what is wrong with
//! them by one thing each.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hexmile_fixtures::examples::{ExampleError, examples};
use hexmile_trace::{
    CheckpointRef, DeviceId, Fix, FixFlags, FixParts, MAX_FIXES, MAX_SEQUENCE, NetworkId,
    SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    enrol::account_message,
    sign::{Alg, Domain, Signer, SoftwareSigner},
};

use crate::server::device_key;

/// An input, and the target that it is for.
pub struct Seed {
    /// Name of the target.
    pub target: &'static str,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Every seed.
///
/// # Errors
/// The simulator's.
pub fn seeds() -> Result<Vec<Seed>, ExampleError> {
    let mut all = Vec::new();
    let mut add = |target, bytes: &[u8]| all.push(Seed { target, bytes: bytes.to_vec() });
    for (name, bytes) in examples()? {
        match name.rsplit_once('.').map_or(name, |(_, extension)| extension) {
            "hexmile-trace" => add("sealed", &bytes),
            "csv" => add("csv", first_lines(&bytes, 6)),
            "nmea" => add("nmea", first_lines(&bytes, 12)),
            "gpx" => add("gpx", &short_gpx(&bytes)),
            _ => {}
        }
    }
    let traces: Vec<Vec<u8>> = traces().iter().map(SignedTrace::to_bytes).collect();
    for bytes in &traces {
        add("trace", bytes);
        add("trace", &bytes[4..bytes.len() - 64]);
        add("trace", &bytes[..bytes.len() - 1]);
        add("sealed", bytes);
        add("batch", bytes);
    }
    add("batch", &traces.concat());
    add("sealed", &traces.concat());
    add("batch", &[68_u32.to_le_bytes().as_slice(), &[0; 128]].concat());
    add("batch", &(1_u32 << 20).to_le_bytes());
    add("batch", &[0; 65 * 68]);
    for text in CSV {
        add("csv", text.as_bytes());
    }
    for text in GPX {
        add(
            "gpx",
            format!("<gpx><trk><name>a</name><trkseg>{text}</trkseg></trk></gpx>").as_bytes(),
        );
    }
    for text in NMEA {
        add("nmea", with_checksums(text).as_bytes());
    }
    for body in registrations() {
        add("registration", &body);
    }
    for (route, text) in QUERIES {
        add("query", &[&[route], text.as_bytes()].concat());
    }
    Ok(all)
}

fn first_lines(bytes: &[u8], lines: usize) -> &[u8] {
    let end = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(lines - 1);
    end.map_or(bytes, |(at, _)| &bytes[..=at])
}

/// The first points of an example, and all elements closed again.
fn short_gpx(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let end = text.match_indices("</trkpt>").nth(2).map_or(0, |(at, point)| at + point.len());
    format!("{}</trkseg></trk></gpx>", &text[..end]).into_bytes()
}

/// Traces with few and many fixes, plain and extreme, with every option of the header.
fn traces() -> Vec<SignedTrace> {
    let key = device_key();
    let plain = TraceHeader {
        alg: Alg::Ed25519,
        device: DeviceId::of_key(&key.public_key()),
        network: NetworkId::of_name("hexmile"),
        sequence: 0,
        trip: TripId([1; 8]),
        sdk_version: SdkVersion::new(0, 1, 0),
        clock_offset_ms: None,
        context: false,
        checkpoint: None,
    };
    let full = TraceHeader {
        alg: Alg::Es256,
        sequence: MAX_SEQUENCE,
        clock_offset_ms: Some(-250),
        context: true,
        checkpoint: Some(CheckpointRef { tree_size: 9, root: [3; 16] }),
        ..plain
    };
    let second = TraceHeader { sequence: 1, ..plain };
    let all = [(plain, drive(1, 1000)), (second, drive(20, 1000)), (full, drive(MAX_FIXES, 900))];
    let extreme = (full, extremes());
    let all = all.into_iter().chain([extreme]);
    all.filter_map(|(header, fixes)| SignedTrace::seal(&Trace::new(header, fixes).ok()?, &key).ok())
        .collect()
}

fn fix(parts: &FixParts) -> Option<Fix> {
    Fix::from_parts(parts).ok()
}

/// Northwards at 10 m/s, a fix every so many milliseconds.
fn drive(fixes: usize, every_ms: u64) -> Vec<Fix> {
    let flags = FixFlags::ACCURACY.with(FixFlags::SPEED).with(FixFlags::COURSE);
    let at = |i: usize| {
        fix(&FixParts {
            time_ms: 1_772_700_000_000 + i as u64 * every_ms,
            lat_e6: 41_880_000 + i as i32 * 90,
            lon_e6: -87_630_000,
            accuracy_dm: 50,
            speed_cmps: 1000,
            flags,
            ..FixParts::default()
        })
    };
    (0..fixes).filter_map(at).collect()
}

/// Fixes that leap between the ends of every range.
fn extremes() -> Vec<Fix> {
    let flags = [FixFlags::MOCK, FixFlags::ACCURACY, FixFlags::SPEED, FixFlags::COURSE]
        .into_iter()
        .fold(FixFlags::ALTITUDE, FixFlags::with);
    let high = FixParts {
        time_ms: 1_772_700_300_000,
        lat_e6: 90_000_000,
        lon_e6: 180_000_000,
        accuracy_dm: u16::MAX,
        speed_cmps: u16::MAX,
        course_ddeg: 3599,
        altitude_dm: i32::MAX,
        flags,
    };
    let low = FixParts {
        time_ms: 1_772_700_000_000,
        lat_e6: -90_000_000,
        lon_e6: -180_000_000,
        altitude_dm: i32::MIN,
        accuracy_dm: 0,
        speed_cmps: 0,
        course_ddeg: 0,
        flags,
    };
    [low, high, low, high].iter().filter_map(fix).collect()
}

const CSV: [&str; 5] = [
    "trip_id,seconds_of_day,lat,lon\na,86399.5,1.5,2.5\na,0.25,1.5,2.5\nb,86400,-90,180\n",
    "lon,lat,unix_s,trip_id,device_id,mock\n-0.0,1e1,1700000000.125,\"a,\"\"b\",x,true\n",
    "trip_id,unix_ms,lat,lon,speed_mps\n\u{1f697},17592186044415,90,-180,1e300\n",
    "trip_id,unix_ms,lat,lon\na,1,91,0\n",
    "trip_id,unix_ms,unix_s,lat,lon\na,1,1,0,0\n",
];

const GPX: [&str; 4] = [
    "<trkpt lat='1' lon='2'><ele>3.5</ele><time>2026-03-05T12:00:00.5Z</time><hdop>1.2</hdop>\
     <extensions><x:speed>9.5</x:speed><course>359</course><accuracy>5</accuracy><mock>1</mock>\
     </extensions></trkpt>",
    "<trkpt lat=\"&#45;1\" lon=\"2\"><time><![CDATA[2026-03-05T12:00:00+01:30]]></time></trkpt>",
    "<trkpt lat='1' lon='2'><!-- a --><time>2026-02-29T00:00:00Z</time></trkpt>",
    "<trkpt lat='1' lon='2'/>",
];

const NMEA: [&str; 4] = [
    "GPRMC,120000.00,A,4152.8000,N,08737.8000,W,19.4,90.0,050326,,,A\n\
     GPGGA,120000.00,4152.8000,N,08737.8000,W,1,08,0.9,180.0,M,-34.0,M,,\n",
    "GNGGA,235959.90,9000.0000,S,18000.0000,E,8,12,50.0,-5.5,M,,M,,\n\
     GNGGA,000000.10,9000.0000,S,18000.0000,E,8,12,50.1,-5.5,M,,M,,\n",
    "GNRMC,000000,V,,,,,,,010180,,,N\nGPGSV,1,1,00\n",
    "GPRMC,010000,A,0000.0000,N,00000.0000,E,,,311279,,,A\n",
];

/// Sentences as they stand on the wire.
fn with_checksums(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        let sum = line.bytes().fold(0, |sum, byte| sum ^ byte);
        let _ = writeln!(out, "${line}*{sum:02X}");
        out
    })
}

/// Bodies of both requests: as JSON, and as lines that become its values.
fn registrations() -> Vec<Vec<u8>> {
    let key = SoftwareSigner::from_seed(&[9; 32]);
    let message = account_message(NetworkId::of_name("hexmile"), &key.public_key());
    let signature = key.sign(Domain::Account, &message).unwrap_or([0; 64]);
    let (public, signature) =
        (BASE64.encode(key.public_key().as_bytes()), BASE64.encode(signature));
    let zeros = |bytes: usize| BASE64.encode(vec![0; bytes]);
    let account = "0".repeat(32);
    let (challenge, none) = (zeros(40), zeros(64));
    let json = format!(r#"{{"alg":"ed25519","public_key":"{public}","signature":"{signature}"}}"#);
    let small_order = format!("ed25519\n{}\n{none}", zeros(32));
    let device = format!("{account}\ned25519\n{public}\n{challenge}\n{none}\n{none}");
    vec![
        [&[0], json.as_bytes()].concat(),
        format!("\u{2}ed25519\n{public}\n{signature}").into_bytes(),
        format!("\u{2}{small_order}").into_bytes(),
        format!("\u{2}es256\n{}\n{none}", zeros(33)).into_bytes(),
        format!("\u{3}{device}").into_bytes(),
        b"\x01{\"account_id\":\"\\u0000\",\"alg\":\"ed25519\"}".to_vec(),
        b"\x00[[[[[[[[".to_vec(),
        b"\x00{\"alg\":1e999,\"more\":null}".to_vec(),
    ]
}

/// Which route, and what stands behind it.
const QUERIES: [(u8, &str); 18] = [
    (0, ""),
    (0, "openapi.json"),
    (0, "v1/traces"),
    (0, "assets/../../Cargo.toml"),
    (0, "%2e%2e/%00"),
    (1, "14/4203/6087"),
    (1, "15/0/0"),
    (1, "0/1/0"),
    (1, "256/-1/4294967296"),
    (2, "8b2664c1e2a5fff"),
    (2, "8fffffffffffffff"),
    (3, "0"),
    (3, "18446744073709551615/scores"),
    (4, "limit=1000&before=9007199254740991"),
    (4, "limit=0&limit=1001&before=-1&x=y"),
    (5, "after=00000000000000000000000000000000&limit=1"),
    (6, "0000000000000000000000000000000000000000000000000000000000000000"),
    (7, "ffffffffffffffffffffffffffffffff?x[]=%zz"),
];
