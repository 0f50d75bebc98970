//! Reading allocates no more than the crate's front door says, whatever the bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use flatbuffers::FlatBufferBuilder;
use hexmile_trace::{
    CheckpointRef, DeviceId, Fix, FixFlags, FixParts, MAX_BATCH, MAX_FIXES, MAX_PAYLOAD,
    MAX_SIGNED_TRACE, NetworkId, SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    sign::{Alg, Signer, SoftwareSigner},
};
use hexmile_trace_flatbuffers as fb;
use proptest::prelude::*;

/// Bytes allocated in all, freed or not, for each byte read.
const MULTIPLE: u64 = 96;
/// And beyond three times what was read.
const CONSTANT: u64 = 12 * 1024;

/// Reads a body and every trace in it; how many fixes came of it.
fn read(bytes: &[u8]) -> usize {
    let Ok(batch) = SignedTrace::read_batch(bytes) else { return 0 };
    batch.iter().filter_map(|signed| signed.decode().ok()).map(|t| t.fixes().len()).sum()
}

/// Reads a body under the counting allocator; fixes, and bytes allocated for each byte read.
fn measured(bytes: &[u8]) -> (usize, f64) {
    let mut fixes = 0;
    let info = allocation_counter::measure(|| fixes = read(bytes));
    let (all, read) = (info.bytes_total, bytes.len() as u64);
    assert!(all <= MULTIPLE * read, "{all} bytes allocated for {read}");
    let traces = (read / 68).clamp(1, MAX_BATCH as u64);
    assert!(all <= 3 * read + CONSTANT * traces, "{all} bytes allocated for {read}");
    assert_eq!(info.bytes_current, 0);
    (fixes, all as f64 / read.max(1) as f64)
}

fn key() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[3; 32])
}

/// A signed trace of as many fixes as there may be, each from its number.
fn full(fix: impl Fn(u64) -> FixParts) -> Vec<u8> {
    let header = TraceHeader {
        alg: Alg::Ed25519,
        device: DeviceId::of_key(&key().public_key()),
        network: NetworkId::of_name("test"),
        sequence: 7,
        trip: TripId([1; 8]),
        sdk_version: SdkVersion::new(1, 2, 3),
        clock_offset_ms: Some(-250),
        context: false,
        checkpoint: Some(CheckpointRef { tree_size: 99, root: [5; 16] }),
    };
    let fixes = (0..MAX_FIXES as u64).map(|i| Fix::from_parts(&fix(i)).unwrap()).collect();
    SignedTrace::seal(&Trace::new(header, fixes).unwrap(), &key()).unwrap().to_bytes()
}

/// Standing still: the fewest bytes that 300 fixes can take.
fn still() -> Vec<u8> {
    full(|i| FixParts { time_ms: 1000 * i, ..FixParts::default() })
}

/// Noise in every field: the most.
fn noise() -> Vec<u8> {
    full(|i| {
        let random = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(i as u32 % 64);
        FixParts {
            time_ms: random % 300_001,
            lat_e6: (random % 180_000_001) as i32 - 90_000_000,
            lon_e6: (random >> 9) as i32 % 180_000_000,
            accuracy_dm: random as u16,
            speed_cmps: (random >> 16) as u16,
            course_ddeg: (random >> 32) as u16 % 3600,
            altitude_dm: (random >> 20) as i32 % 1_000_000,
            flags: FixFlags::from_bits(0x1e | (i as u8 & 1)).unwrap(),
        }
    })
}

/// A payload that claims `fix_count` fixes over these columns, in an envelope.
fn claim(fix_count: u16, columns: &[u8]) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let columns = builder.create_vector(columns);
    let args = fb::PayloadArgs {
        version: 1,
        alg: 1,
        fix_count,
        device: Some(&fb::Bytes16::new(&[0; 16])),
        network: Some(&fb::Bytes8::new(&[0; 8])),
        trip: Some(&fb::Bytes8::new(&[0; 8])),
        columns: Some(columns),
        ..Default::default()
    };
    let table = fb::Payload::create(&mut builder, &args);
    builder.finish(table, Some(fb::PAYLOAD_IDENTIFIER));
    let payload = builder.finished_data();
    [&(payload.len() as u32).to_le_bytes()[..], payload, &[0; 64]].concat()
}

#[test]
fn what_is_valid_allocates_within_bounds() {
    let (fixes, few) = measured(&still());
    assert_eq!(fixes, MAX_FIXES);
    let noise = noise();
    assert!(noise.len() <= MAX_SIGNED_TRACE);
    let (fixes, many) = measured(&noise);
    assert_eq!(fixes, MAX_FIXES);
    let batch = still().repeat(MAX_BATCH);
    let (fixes, batch) = measured(&batch);
    assert_eq!(fixes, MAX_FIXES * MAX_BATCH);
    println!("for each byte: standing still {few:.1}, a batch of it {batch:.1}, noise {many:.1}");
}

#[test]
fn claims_allocate_within_bounds() {
    let mut worst: f64 = 0.0;
    for fix_count in [0, 1, 299, 300, 301, u16::MAX] {
        for columns in [&[][..], &[0; 4], &[1, 0, 0, 0], &[0xff; 4], &[0xff; 5], &[0xff; 400]] {
            let bytes = claim(fix_count, columns);
            worst = worst.max(measured(&bytes).1);
            worst = worst.max(measured(&bytes.repeat(MAX_BATCH)).1);
        }
    }
    for len in [0, 1, 8, 64, MAX_PAYLOAD, MAX_PAYLOAD + 1, u32::MAX as usize] {
        let envelope = |filler: u8| {
            let body = vec![filler; len.min(MAX_PAYLOAD) + 64];
            [&(len as u32).to_le_bytes()[..], &body].concat()
        };
        for filler in [0, 1, 0x7f, 0xff] {
            worst = worst.max(measured(&envelope(filler)).1);
        }
    }
    println!("for each byte, at worst: {worst:.1}");
    assert!(worst > 30.0, "the worst case is no longer tried");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_changed_allocates_within_bounds(
        which in any::<bool>(), cut in any::<prop::sample::Index>(), keep in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = if which { still() } else { noise() };
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        let empty = bytes.is_empty();
        for (at, byte) in changes.iter().filter(|_| !empty) {
            // Most of the structure stands at the beginning.
            let at = at.index(bytes.len().min(160));
            bytes[at] = *byte;
        }
        measured(&bytes);
    }

    #[test]
    fn any_bytes_allocate_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        measured(&bytes);
        let len = (bytes.len() as u32).to_le_bytes();
        measured(&[&len[..], &bytes, &[0; 64]].concat());
        measured(&claim(300, &bytes));
    }
}
