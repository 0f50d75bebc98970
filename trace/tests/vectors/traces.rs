//! The traces that the vectors are made of, and others to try the second reader with.

use hexmile_trace::{
    CheckpointRef, DeviceId, Fix, FixFlags, FixParts, MAX_SEQUENCE, NetworkId, Provider, RawFix,
    SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    sign::{Alg, Signer, SoftwareSigner},
};

use crate::highway;

pub(crate) const NETWORK: &str = "hexmile-vectors";

pub(crate) fn device() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[2; 32])
}

pub(crate) fn header() -> TraceHeader {
    TraceHeader {
        alg: Alg::Ed25519,
        device: DeviceId::of_key(&device().public_key()),
        network: NetworkId::of_name(NETWORK),
        sequence: 42,
        trip: TripId(*b"\x01\x23\x45\x67\x89\xab\xcd\xef"),
        sdk_version: SdkVersion::new(0, 1, 0),
        clock_offset_ms: Some(-137),
        context: true,
        checkpoint: Some(CheckpointRef { tree_size: 1000, root: [0xc5; 16] }),
    }
}

/// Every header field, and every optional column coming or going.
pub(crate) fn small() -> Trace {
    let fix = |i: i64| {
        let t = i as f64;
        Fix::quantise(&RawFix {
            time_ms: 1_700_000_000_000 + i * 1000 + i64::from(i == 5) * 40,
            latitude_deg: 52.0 + t * 1.1e-4 + t * t * 3e-6,
            longitude_deg: -0.5 + t * 0.7e-4,
            accuracy_m: (i != 3).then_some(3.8 + t / 10.0),
            speed_mps: (i != 0).then_some(12.5 + t / 7.0),
            course_deg: (i > 1).then_some(359.0 + t / 5.0).map(|c| c % 360.0),
            altitude_m: Some(88.4 - t / 3.0),
            mock: i == 7,
            provider: if i < 4 { Provider::Gnss } else { Provider::Fused },
        })
        .unwrap()
    };
    Trace::new(header(), (0..8).map(fix).collect()).unwrap()
}

/// One fix of nothing but a place, and every field that can be left out left out.
fn least() -> Trace {
    let header = TraceHeader {
        sequence: 0,
        trip: TripId([0; 8]),
        sdk_version: SdkVersion::from_u32(0),
        clock_offset_ms: None,
        context: false,
        checkpoint: None,
        ..header()
    };
    let fix = FixParts { lat_e6: -33_868_800, lon_e6: 151_209_300, ..FixParts::default() };
    Trace::new(header, vec![Fix::from_parts(&fix).unwrap()]).unwrap()
}

/// Numbers that look random: splitmix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number from -`most` to `most`, near zero more often than not.
    fn jitter(&mut self, most: i32) -> i32 {
        let mut draw = || (self.next() % (2 * most as u64 + 1)) as i32 - most;
        (draw() + draw() + draw()) / 3
    }
}

/// A hundred seconds of driving: away from a stop, along, and to a stop again.
fn drive() -> Trace {
    let mut random = Random(1);
    let (mut lat_e6, mut lon_e6, mut course, mut altitude_dm) = (59_334_600, 18_063_200, 3550, 284);
    let flags = [FixFlags::ACCURACY, FixFlags::SPEED, FixFlags::COURSE, FixFlags::ALTITUDE];
    let flags = flags.into_iter().fold(FixFlags::default(), FixFlags::with);
    let fix = |i: i32| {
        let speed = (i.min(99 - i) * 70 - 350).clamp(0, 1600);
        course = (course + 3600 + random.jitter(30) + i / 3) % 3600;
        lat_e6 += speed * 9 / 100 + random.jitter(12);
        lon_e6 += speed * i / 900 + random.jitter(12);
        altitude_dm += random.jitter(4);
        Fix::from_parts(&FixParts {
            time_ms: 1_750_000_000_123 + i as u64 * 1000 + u64::from(i > 60) * 4000,
            lat_e6,
            lon_e6,
            accuracy_dm: 38 + (i / 25) as u16 * 4,
            speed_cmps: (speed + random.jitter(40)).max(0) as u16,
            course_ddeg: course as u16,
            altitude_dm,
            flags: flags.with_provider(Provider::Gnss),
        })
        .unwrap()
    };
    let header = TraceHeader { clock_offset_ms: Some(0), checkpoint: None, ..header() };
    Trace::new(TraceHeader { sequence: 43, ..header }, (0..100).map(fix).collect()).unwrap()
}

/// Any fixes at all within five minutes of `base_ms`.
fn noise(random: &mut Random, base_ms: u64, count: usize) -> Vec<Fix> {
    let mut fix = || {
        let flags = FixFlags::from_bits((random.next() % 128) as u8).unwrap();
        let (a, b, c) = (random.next(), random.next(), random.next());
        let only = |flag: FixFlags, v: u64| if flags.contains(flag) { v as u16 } else { 0 };
        let altitude =
            if flags.contains(FixFlags::ALTITUDE) { (b >> 32) as i32 % 1_000_001 } else { 0 };
        Fix::from_parts(&FixParts {
            time_ms: base_ms + random.next() % 300_001,
            lat_e6: (a % 180_000_001) as i32 - 90_000_000,
            lon_e6: (b % 360_000_001) as i32 - 180_000_000,
            accuracy_dm: only(FixFlags::ACCURACY, c),
            speed_cmps: only(FixFlags::SPEED, c >> 16),
            course_ddeg: only(FixFlags::COURSE, (c >> 32) % 3600),
            altitude_dm: altitude,
            flags,
        })
        .unwrap()
    };
    (0..count).map(|_| fix()).collect()
}

/// The ends of every range, one after another, and then noise.
fn extremes() -> Trace {
    let all = FixFlags::from_bits(0x7f).unwrap();
    let end = |high: bool, lat_e6: i32| {
        let pick = |low: i32, top: i32| if high { top } else { low };
        Fix::from_parts(&FixParts {
            time_ms: (1 << 44) - 1 - if high { 0 } else { 300_000 },
            lat_e6,
            lon_e6: pick(-180_000_000, 180_000_000),
            accuracy_dm: pick(0, 65_535) as u16,
            speed_cmps: pick(0, 65_535) as u16,
            course_ddeg: pick(0, 3599) as u16,
            altitude_dm: pick(-1_000_000, 1_000_000),
            flags: all,
        })
        .unwrap()
    };
    let mut fixes: Vec<Fix> =
        [(true, 90_000_000), (false, -90_000_000), (true, -90_000_000), (true, 90_000_000)]
            .into_iter()
            .chain([(false, 0), (true, 0), (true, 0), (false, 90_000_000)])
            .map(|(high, lat)| end(high, lat))
            .collect();
    fixes.extend(noise(&mut Random(2), (1 << 44) - 300_001, 8));
    let header = TraceHeader {
        sequence: MAX_SEQUENCE,
        sdk_version: SdkVersion::from_u32(u32::MAX),
        clock_offset_ms: Some(i32::MIN),
        checkpoint: Some(CheckpointRef { tree_size: u64::MAX, root: [0xff; 16] }),
        context: false,
        ..header()
    };
    Trace::new(header, fixes).unwrap()
}

pub(crate) fn traces() -> [(&'static str, Trace); 4] {
    [("small", small()), ("least", least()), ("drive", drive()), ("extremes", extremes())]
}

/// Traces of all kinds: the vectors', noise, and real drives where there are some.
pub(crate) fn many_traces() -> Vec<SignedTrace> {
    let seal = |trace: &Trace| SignedTrace::seal(trace, &device()).unwrap();
    let mut signed: Vec<_> = traces().iter().map(|(_, trace)| seal(trace)).collect();
    let mut random = Random(3);
    for count in [1, 2, 3, 50, 300] {
        let fixes = noise(&mut random, 1_700_000_000_000, count);
        let header = TraceHeader { context: false, ..header() };
        signed.push(seal(&Trace::new(header, fixes).unwrap()));
    }
    for (_, fixes) in highway::drives().into_iter().flatten() {
        let runs = fixes.chunks_exact(300);
        signed.extend(runs.map(|run| seal(&Trace::new(header(), run.to_vec()).unwrap())));
    }
    signed
}
