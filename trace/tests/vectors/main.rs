//! The golden vectors: every implementation must make these bytes of these inputs.
//!
//! `UPDATE_VECTORS=1 cargo test -p hexmile-trace --test vectors` writes the file anew; a change of
//! it is a change of the format. It explains its bytes by `vectors/decode.py`, a reader that
//! shares nothing with this crate but FORMAT.md.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../highway/mod.rs"]
mod highway;
mod second_reader;
mod traces;

use hexmile_trace::{
    AccountId, Fix, KeyId, NetworkId, Receipt, ReceiptBody, SignedTrace, Trace,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::{Domain, Signer, SoftwareSigner},
};
use second_reader::decode_py;
use std::fmt::Write as _;
use traces::{NETWORK, Random, device, header, many_traces, small, traces};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/v1.txt");

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
