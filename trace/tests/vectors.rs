//! The golden vectors: every implementation must make these bytes of these inputs.
//!
//! `UPDATE_VECTORS=1 cargo test -p hexmile-trace --test vectors` writes the file anew; a change of
//! it is a change of the format. It explains its bytes by `vectors/decode.py`, a reader that
//! shares nothing with this crate but FORMAT.md.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod highway;

use hexmile_trace::{
    AccountId, CheckpointRef, DeviceId, Fix, FixFlags, FixParts, KeyId, NetworkId, Provider,
    RawFix, Receipt, ReceiptBody, SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::{Alg, Domain, Signer, SoftwareSigner},
};
use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    process::{Command, Stdio},
};

const NETWORK: &str = "hexmile-vectors";
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/v1.txt");
const DECODER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/decode.py");

fn device() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[2; 32])
}

fn header() -> TraceHeader {
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
fn small() -> Trace {
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
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
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
        let altitude = if flags.contains(FixFlags::ALTITUDE) { (b >> 32) as i32 } else { 0 };
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
            altitude_dm: pick(i32::MIN, i32::MAX),
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
        sequence: hexmile_trace::MAX_SEQUENCE,
        sdk_version: SdkVersion::from_u32(u32::MAX),
        clock_offset_ms: Some(i32::MIN),
        checkpoint: Some(CheckpointRef { tree_size: u64::MAX, root: [0xff; 16] }),
        context: false,
        ..header()
    };
    Trace::new(header, fixes).unwrap()
}

fn traces() -> [(&'static str, Trace); 4] {
    [("small", small()), ("least", least()), ("drive", drive()), ("extremes", extremes())]
}

/// A fix as the file has it.
fn packed(fix: &Fix) -> Vec<u8> {
    let p = fix.parts();
    [
        &p.time_ms.to_le_bytes()[..],
        &p.lat_e6.to_le_bytes(),
        &p.lon_e6.to_le_bytes(),
        &p.accuracy_dm.to_le_bytes(),
        &p.speed_cmps.to_le_bytes(),
        &p.course_ddeg.to_le_bytes(),
        &p.altitude_dm.to_le_bytes(),
        &[p.flags.bits()],
    ]
    .concat()
}

struct Page(String);

impl Page {
    fn say(&mut self, text: &str) {
        writeln!(self.0, "{}", format!("# {text}").trim_end()).unwrap();
    }

    fn put(&mut self, name: &str, bytes: &[u8], note: &str) {
        writeln!(self.0, "{name} {}  # {note}", hex::encode(bytes)).unwrap();
    }
}

fn put_keys(page: &mut Page) {
    let account = SoftwareSigner::from_seed(&[1; 32]);
    let device = device();
    let network = NetworkId::of_name(NETWORK);
    let challenge = [0x5a; CHALLENGE_LEN];
    let account_id = AccountId::of_key(&account.public_key());
    let account_message = account_message(network, &account.public_key());
    let device_message = device_message(network, account_id, &challenge, &device.public_key());
    page.put("account_seed", &[1; 32], "Ed25519 secret seed");
    page.put("account_key", account.public_key().as_bytes(), "Ed25519 public key");
    page.put("account_id", &account_id.0, "SHA-256(tag, 0, alg, key), first 16 bytes");
    page.put("device_seed", &[2; 32], "Ed25519 secret seed");
    page.put("device_key", device.public_key().as_bytes(), "Ed25519 public key");
    page.put("device_id", &header().device.0, "SHA-256(tag, 0, alg, key), first 16 bytes");
    page.put("network_name", NETWORK.as_bytes(), "UTF-8");
    page.put("network_id", &network.0, "SHA-256(tag, 0, name), first 8 bytes");
    page.put("account_message", &account_message, "network, alg, account key");
    page.put(
        "account_signature",
        &account.sign(Domain::Account, &account_message).unwrap(),
        "by the account key, domain hexmile/account/v1",
    );
    page.put("device_message", &device_message, "network, account, challenge, alg, device key");
    page.put(
        "device_signature",
        &device.sign(Domain::Device, &device_message).unwrap(),
        "by the device key, domain hexmile/device/v1",
    );
}

fn put_trace(page: &mut Page, name: &str, trace: &Trace) {
    let header = trace.header();
    let signed = SignedTrace::seal(trace, &device()).unwrap();
    page.say("");
    let mut put = |field: &str, bytes: &[u8], note: &str| {
        page.put(&format!("{name}.{field}"), bytes, note);
    };
    put("sequence", &header.sequence.to_le_bytes(), "u64");
    put("trip", &header.trip.0, "8 bytes");
    put("sdk_version", &header.sdk_version.as_u32().to_le_bytes(), &header.sdk_version.to_string());
    if let Some(offset) = header.clock_offset_ms {
        put("clock_offset_ms", &offset.to_le_bytes(), "i32");
    }
    put("context", &[u8::from(header.context)], "whether the first fix is context");
    if let Some(checkpoint) = header.checkpoint {
        put("checkpoint_size", &checkpoint.tree_size.to_le_bytes(), "u64");
        put("checkpoint_root", &checkpoint.root, "first 16 bytes of the root");
    }
    for (i, fix) in trace.fixes().iter().enumerate() {
        put(&format!("fix_{i}"), &packed(fix), "packed as said above");
    }
    put("payload", signed.payload(), "FlatBuffers, trace.fbs, identifier HXM1");
    put("trace_id", &signed.id().0, "SHA-256(tag, 0, payload)");
    put("signature", signed.signature(), "by the device key, domain hexmile/trace/v1");
    put("signed_trace", &signed.to_bytes(), "payload length u32, payload, signature:");
}

fn put_receipt(page: &mut Page) {
    let server = SoftwareSigner::from_seed(&[3; 32]);
    let body = ReceiptBody {
        network: NetworkId::of_name(NETWORK),
        trace: SignedTrace::seal(&small(), &device()).unwrap().id(),
        device: header().device,
        sequence: 42,
        received_at_ms: 1_700_000_060_000,
        salt: [0x77; 16],
        key: KeyId::of_key(&server.public_key()),
    };
    let receipt = Receipt::sign(body, &server).unwrap();
    page.say("");
    page.put("server_key", server.public_key().as_bytes(), "Ed25519 public key, seed 03..03");
    let note = "for `small`: network, trace, device, sequence, received_at_ms, salt, key id";
    page.put("receipt_body", &receipt.body.to_bytes(), note);
    let note = "by the server key, domain hexmile/receipt/v1";
    page.put("receipt_signature", &receipt.signature, note);
    page.put("receipt_commitment", &receipt.body.commitment(), "SHA-256(tag, 0, body)");
}

/// The file without its explanations: names and values.
fn vectors() -> String {
    let mut page = Page(String::new());
    page.say(
        "Vectors of format version 1, which FORMAT.md describes. A line is a name and its bytes in",
    );
    page.say(
        "hexadecimal; an indented line explains bytes of the signed trace above it: offset, bytes,",
    );
    page.say(
        "field, value. A word of `columns` stands beside the value at whose reading it is taken.",
    );
    page.say("A fix: time_ms u64, lat_e6 i32, lon_e6 i32, accuracy_dm u16, speed_cmps u16,");
    page.say("course_ddeg u16, altitude_dm i32, flags u8, little endian.");
    page.say("");
    put_keys(&mut page);
    for (name, trace) in traces() {
        put_trace(&mut page, name, &trace);
    }
    put_receipt(&mut page);
    page.0
}

/// What the independent reader makes of `input`; `None` where there is no Python.
fn decode_py(how: &str, input: &str) -> Option<String> {
    let mut python = Command::new("python3");
    python.args(["-I", DECODER, how]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match python.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let strict = std::env::var("CI").is_ok_and(|v| v == "true");
            assert!(!strict, "python3 is needed to check the format");
            eprintln!("PASSED OVER: no python3, so no second reader checks the format");
            return None;
        }
        Err(error) => panic!("python3: {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "decode.py {how} failed");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_golden_vectors_hold() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(VECTORS, decode_py("annotate", &vectors()).unwrap()).unwrap();
    }
    let file = std::fs::read_to_string(VECTORS).unwrap();
    let said: Vec<&str> = file.lines().filter(|line| !line.starts_with(' ')).collect();
    for (want, got) in said.iter().zip(vectors().lines()) {
        assert_eq!(*want, got);
    }
    assert_eq!(said.len(), vectors().lines().count());
    // And back: what the file says decodes to the same trace.
    for (name, trace) in traces() {
        let line = said.iter().find_map(|l| l.strip_prefix(&format!("{name}.signed_trace ")));
        let bytes = hex::decode(line.unwrap().split_once(' ').unwrap().0).unwrap();
        let signed = SignedTrace::from_bytes(&bytes).unwrap();
        signed.verify(&device().public_key()).unwrap();
        assert_eq!(signed.decode().unwrap(), trace, "{name}");
    }
}

#[test]
fn the_file_is_what_the_second_reader_explains() {
    // While the file is written anew, it is what it is.
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        return;
    }
    let Some(explained) = decode_py("annotate", &vectors()) else { return };
    let file = std::fs::read_to_string(VECTORS).unwrap();
    for (line, (want, got)) in explained.lines().zip(file.lines()).enumerate() {
        assert_eq!(want, got, "line {}", line + 1);
    }
    assert_eq!(explained.lines().count(), file.lines().count());
}

/// Traces of all kinds: the vectors', noise, and real drives where there are some.
fn many_traces() -> Vec<SignedTrace> {
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

/// What the crate makes of a signed trace, as the second reader prints it.
fn decoded(bytes: &[u8]) -> Option<String> {
    let trace = SignedTrace::from_bytes(bytes).ok()?.decode().ok()?;
    let fixes: Vec<String> = trace.fixes().iter().map(|fix| hex::encode(packed(fix))).collect();
    Some(fixes.join(" "))
}

#[test]
fn a_second_reader_reads_the_same_and_refuses_the_same() {
    let mut random = Random(4);
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    for signed in many_traces() {
        let bytes = signed.to_bytes();
        for _ in 0..20 {
            let mut changed = bytes.clone();
            let at = random.next() as usize % changed.len();
            changed[at] ^= 1 << (random.next() % 8);
            inputs.push(changed);
        }
        inputs.push(bytes);
    }
    let lines: Vec<String> = inputs.iter().map(hex::encode).collect();
    let Some(read) = decode_py("fixes", &lines.join("\n")) else { return };
    let (mut taken, mut refused) = (0, 0);
    for (input, line) in inputs.iter().zip(read.lines()) {
        let ours = decoded(input);
        match line.strip_prefix("refused: ") {
            None => assert_eq!(ours.as_deref(), Some(line)),
            Some(why) => assert_eq!(ours, None, "the second reader refuses: {why}"),
        }
        if ours.is_some() { taken += 1 } else { refused += 1 }
    }
    assert_eq!(read.lines().count(), inputs.len());
    assert!(taken >= 9 && refused >= 9, "{taken} {refused}");
}
