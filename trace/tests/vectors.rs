//! The golden vectors: every implementation must make these bytes of these inputs.
//!
//! `UPDATE_VECTORS=1 cargo test -p hexmile-trace --test vectors` writes the file anew; a change of
//! it is a change of the format.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hexmile_trace::{
    AccountId, CheckpointRef, DeviceId, Fix, KeyId, NetworkId, Provider, RawFix, Receipt,
    ReceiptBody, SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::{Alg, Domain, Signer, SoftwareSigner},
};
use std::fmt::Write;

const NETWORK: &str = "hexmile-vectors";

fn header(device: &SoftwareSigner) -> TraceHeader {
    TraceHeader {
        alg: Alg::Ed25519,
        device: DeviceId::of_key(&device.public_key()),
        network: NetworkId::of_name(NETWORK),
        sequence: 42,
        trip: TripId(*b"\x01\x23\x45\x67\x89\xab\xcd\xef"),
        sdk_version: SdkVersion::new(0, 1, 0),
        clock_offset_ms: Some(-137),
        context: true,
        checkpoint: Some(CheckpointRef { tree_size: 1000, root: [0xc5; 16] }),
    }
}

fn fixes() -> Vec<Fix> {
    (0..8_i64)
        .map(|i| {
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
        })
        .collect()
}

fn vectors() -> String {
    let account = SoftwareSigner::from_seed(&[1; 32]);
    let device = SoftwareSigner::from_seed(&[2; 32]);
    let server = SoftwareSigner::from_seed(&[3; 32]);
    let network = NetworkId::of_name(NETWORK);
    let fixes = fixes();
    let trace = Trace::new(header(&device), fixes.clone()).unwrap();
    let signed = SignedTrace::seal(&trace, &device).unwrap();
    let challenge = [0x5a; CHALLENGE_LEN];
    let account_id = AccountId::of_key(&account.public_key());
    let account_message = account_message(network, &account.public_key());
    let device_message = device_message(network, account_id, &challenge, &device.public_key());
    let receipt = Receipt::sign(
        ReceiptBody {
            network,
            trace: signed.id(),
            device: header(&device).device,
            sequence: 42,
            received_at_ms: 1_700_000_060_000,
            salt: [0x77; 16],
            key: KeyId::of_key(&server.public_key()),
        },
        &server,
    )
    .unwrap();

    let mut out = String::new();
    let mut put = |name: &str, bytes: &[u8], note: &str| {
        writeln!(out, "{name} {}  # {note}", hex::encode(bytes)).unwrap();
    };
    put("account_seed", &[1; 32], "Ed25519 secret seed");
    put("account_key", account.public_key().as_bytes(), "Ed25519 public key");
    put("account_id", &account_id.0, "SHA-256(tag, 0, alg, key), first 16 bytes");
    put("device_seed", &[2; 32], "Ed25519 secret seed");
    put("device_key", device.public_key().as_bytes(), "Ed25519 public key");
    put("device_id", &header(&device).device.0, "SHA-256(tag, 0, alg, key), first 16 bytes");
    put("network_name", NETWORK.as_bytes(), "UTF-8");
    put("network_id", &network.0, "SHA-256(tag, 0, name), first 8 bytes");
    put("account_message", &account_message, "network, alg, account key");
    put(
        "account_signature",
        &account.sign(Domain::Account, &account_message).unwrap(),
        "by the account key, domain hexmile/account/v1",
    );
    put("device_message", &device_message, "network, account, challenge, alg, device key");
    put(
        "device_signature",
        &device.sign(Domain::Device, &device_message).unwrap(),
        "by the device key, domain hexmile/device/v1",
    );
    put("header_sequence", &42_u64.to_le_bytes(), "u64");
    put("header_trip", &header(&device).trip.0, "8 bytes");
    put("header_sdk_version", &header(&device).sdk_version.as_u32().to_le_bytes(), "0.1.0");
    put("header_clock_offset_ms", &(-137_i32).to_le_bytes(), "i32");
    put("header_context", &[1], "the first fix is context");
    put("header_checkpoint_size", &1000_u64.to_le_bytes(), "u64");
    put("header_checkpoint_root", &[0xc5; 16], "first 16 bytes of the root");
    for (i, p) in fixes.iter().map(Fix::parts).enumerate() {
        let bytes = [
            &p.time_ms.to_le_bytes()[..],
            &p.lat_e6.to_le_bytes(),
            &p.lon_e6.to_le_bytes(),
            &p.accuracy_dm.to_le_bytes(),
            &p.speed_cmps.to_le_bytes(),
            &p.course_ddeg.to_le_bytes(),
            &p.altitude_dm.to_le_bytes(),
            &[p.flags.bits()],
        ]
        .concat();
        put(
            &format!("fix_{i}"),
            &bytes,
            "time_ms u64, lat_e6 i32, lon_e6 i32, accuracy_dm u16, speed_cmps u16, course_ddeg u16, altitude_dm i32, flags u8",
        );
    }
    put("payload", signed.payload(), "FlatBuffers, trace.fbs, identifier HXM1");
    put("trace_id", &signed.id().0, "SHA-256(tag, 0, payload)");
    put("signature", signed.signature(), "by the device key, domain hexmile/trace/v1");
    put("signed_trace", &signed.to_bytes(), "payload length u32, payload, signature");
    put(
        "receipt_body",
        &receipt.body.to_bytes(),
        "network, trace, device, sequence, received_at_ms, salt, key id",
    );
    put(
        "receipt_signature",
        &receipt.signature,
        "by the server key (seed 03..03), domain hexmile/receipt/v1",
    );
    put("receipt_commitment", &receipt.body.commitment(), "SHA-256(tag, 0, body)");
    out
}

#[test]
fn the_golden_vectors_hold() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/v1.txt");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, vectors()).unwrap();
    }
    let want = std::fs::read_to_string(path).unwrap();
    for (line, (want, got)) in want.lines().zip(vectors().lines()).enumerate() {
        assert_eq!(want, got, "line {}", line + 1);
    }
    assert_eq!(want, vectors());
    // And back: what the file says decodes to the same trace.
    let signed = want.lines().find_map(|l| l.strip_prefix("signed_trace ")).unwrap();
    let bytes = hex::decode(signed.split_once(' ').unwrap().0).unwrap();
    let device = SoftwareSigner::from_seed(&[2; 32]);
    let signed = SignedTrace::from_bytes(&bytes).unwrap();
    signed.verify(&device.public_key()).unwrap();
    assert_eq!(signed.decode().unwrap(), Trace::new(header(&device), fixes()).unwrap());
}
