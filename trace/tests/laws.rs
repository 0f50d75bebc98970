//! Laws of the wire format: lossless, total, and every refusal its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hexmile_trace::{
    CheckpointRef, DeviceId, EnvelopeError, Fix, FixFlags, FixParts, KeyId, MAX_BATCH, MAX_PAYLOAD,
    NetworkId, PayloadError, Provider, RawFix, Receipt, ReceiptBody, SdkVersion, SignedTrace,
    Trace, TraceError, TraceHeader, TripId,
    sign::{Alg, Domain, PublicKey, Signer, SoftwareSigner},
};
use proptest::prelude::*;

fn key() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[3; 32])
}

fn header() -> TraceHeader {
    TraceHeader {
        alg: Alg::Ed25519,
        device: DeviceId::of_key(&key().public_key()),
        network: NetworkId::of_name("test"),
        sequence: 7,
        trip: TripId([1, 2, 3, 4, 5, 6, 7, 8]),
        sdk_version: SdkVersion::new(1, 2, 3),
        clock_offset_ms: Some(-250),
        context: false,
        checkpoint: Some(CheckpointRef { tree_size: 99, root: [5; 16] }),
    }
}

/// Any fix at all, its time within five minutes of a base.
fn any_fix(base_ms: u64) -> impl Strategy<Value = Fix> {
    let numbers = (0..=300_000u64, -90_000_000..=90_000_000i32, -180_000_000..=180_000_000i32);
    let rest = (any::<u16>(), any::<u16>(), 0..3600u16, -1_000_000..=1_000_000i32, 0..128u8);
    (numbers, rest).prop_map(move |((t, lat, lon), (acc, speed, course, alt, bits))| {
        let flags = FixFlags::from_bits(bits).unwrap();
        let only = |flag, value| if flags.contains(flag) { value } else { 0 };
        Fix::from_parts(&FixParts {
            time_ms: base_ms + t,
            lat_e6: lat,
            lon_e6: lon,
            accuracy_dm: only(FixFlags::ACCURACY, acc),
            speed_cmps: only(FixFlags::SPEED, speed),
            course_ddeg: only(FixFlags::COURSE, course),
            altitude_dm: if flags.contains(FixFlags::ALTITUDE) { alt } else { 0 },
            flags,
        })
        .unwrap()
    })
}

fn any_trace() -> impl Strategy<Value = Trace> {
    (0..(1u64 << 44) - 300_001)
        .prop_flat_map(|base| proptest::collection::vec(any_fix(base), 1..=300))
        .prop_map(|fixes| Trace::new(header(), fixes).unwrap())
}

fn sample() -> SignedTrace {
    let fixes = (0..60)
        .map(|i| {
            Fix::quantise(&RawFix {
                time_ms: 1_700_000_000_000 + i * 1000,
                latitude_deg: 10.0 + i as f64 * 1e-4,
                longitude_deg: 20.0,
                speed_mps: Some(11.1),
                course_deg: Some(0.0),
                accuracy_m: Some(4.0),
                ..RawFix::default()
            })
            .unwrap()
        })
        .collect();
    SignedTrace::seal(&Trace::new(header(), fixes).unwrap(), &key()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_trace_comes_back_whole(trace in any_trace()) {
        let signed = SignedTrace::seal(&trace, &key()).unwrap();
        prop_assert!(signed.payload().len() <= MAX_PAYLOAD);
        let back = SignedTrace::from_bytes(&signed.to_bytes()).unwrap();
        prop_assert_eq!(&back, &signed);
        prop_assert!(back.verify(&key().public_key()).is_ok());
        prop_assert_eq!(back.decode().unwrap(), trace);
    }

    #[test]
    fn a_fix_reported_again_is_the_same_fix(fix in any_fix(1_700_000_000_000)) {
        prop_assert_eq!(Fix::quantise(&RawFix::from(&fix)).unwrap(), fix);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_trace(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = SignedTrace::read_batch(&bytes);
        let mut envelope = (bytes.len() as u32).to_le_bytes().to_vec();
        envelope.extend_from_slice(&bytes);
        envelope.extend_from_slice(&[0; 64]);
        let _ = SignedTrace::from_bytes(&envelope).unwrap().decode();
    }

    #[test]
    fn a_changed_byte_is_never_accepted(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let mut bytes = sample().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(signed) = SignedTrace::from_bytes(&bytes) {
            prop_assert!(signed.verify(&key().public_key()).is_err());
            let _ = signed.decode();
        }
    }

    #[test]
    fn a_cut_is_named(len in 0..200usize) {
        let bytes = sample().to_bytes();
        let cut = &bytes[..len.min(bytes.len() - 1)];
        let truncated = matches!(SignedTrace::read_batch(cut), Err(EnvelopeError::Truncated { index: 0, .. }));
        prop_assert!(truncated || cut.is_empty());
    }

    #[test]
    fn quantising_loses_at_most_half_a_unit(lat in -90.0..=90.0f64, lon in -180.0..=180.0f64,
                                            speed in 0.0..600.0f64, course in 0.0..=360.0f64) {
        let fix = Fix::quantise(&RawFix {
            time_ms: 5, latitude_deg: lat, longitude_deg: lon,
            speed_mps: Some(speed), course_deg: Some(course), ..RawFix::default()
        }).unwrap();
        prop_assert!((fix.position().lat_deg() - lat).abs() <= 0.5e-6 + 1e-12);
        prop_assert!((fix.position().lon_deg() - lon).abs() <= 0.5e-6 + 1e-12);
        prop_assert!((f64::from(fix.speed_cmps().unwrap()) / 100.0 - speed).abs() <= 0.005 + 1e-9);
        let turned = (f64::from(fix.course_ddeg().unwrap()) / 10.0 - course).abs();
        prop_assert!(turned.min(360.0 - turned) <= 0.05 + 1e-9);
    }
}

#[test]
fn a_raw_fix_out_of_range_is_refused() {
    let good = RawFix { time_ms: 1, ..RawFix::default() };
    for (raw, want) in [
        (RawFix { time_ms: -1, ..good }, "capture time is outside 1970 to 2527"),
        (RawFix { time_ms: 1 << 44, ..good }, "capture time is outside 1970 to 2527"),
        (
            RawFix { latitude_deg: f64::NAN, ..good },
            "latitude is not a number from -90 to 90 degrees",
        ),
        (RawFix { latitude_deg: 90.1, ..good }, "latitude is not a number from -90 to 90 degrees"),
        (
            RawFix { longitude_deg: f64::INFINITY, ..good },
            "longitude is not a number from -180 to 180 degrees",
        ),
    ] {
        assert_eq!(Fix::quantise(&raw).unwrap_err().to_string(), want);
    }
    let absent = Fix::quantise(&RawFix {
        accuracy_m: Some(-1.0),
        speed_mps: Some(f64::NAN),
        course_deg: Some(-1.0),
        altitude_m: Some(f64::INFINITY),
        provider: Provider::Fused,
        mock: true,
        ..good
    })
    .unwrap();
    assert_eq!(absent.flags(), FixFlags::MOCK.with_provider(Provider::Fused));
}

#[test]
fn a_trace_out_of_bounds_is_refused() {
    let at = |time_ms| Fix::quantise(&RawFix { time_ms, ..RawFix::default() }).unwrap();
    let context = TraceHeader { context: true, ..header() };
    for (header, fixes, want) in [
        (header(), vec![], TraceError::Empty),
        (context, vec![at(0)], TraceError::Empty),
        (header(), vec![at(0); 301], TraceError::TooManyFixes(301)),
        (header(), vec![at(300_001), at(0)], TraceError::TooLong(300_001)),
    ] {
        assert_eq!(Trace::new(header, fixes), Err(want));
    }
}

#[test]
fn envelopes_are_bounded() {
    let one = sample().to_bytes();
    let many = one.repeat(MAX_BATCH);
    assert_eq!(SignedTrace::read_batch(&many).unwrap().len(), MAX_BATCH);
    assert_eq!(SignedTrace::read_batch(&[many, one.clone()].concat()), Err(EnvelopeError::TooMany));
    assert_eq!(SignedTrace::read_batch(&[]), Err(EnvelopeError::Empty));
    let claim = [&u32::MAX.to_le_bytes()[..], &one].concat();
    let len = u32::MAX as usize;
    assert_eq!(SignedTrace::read_batch(&claim), Err(EnvelopeError::TooLarge { index: 0, len }));
    let second = [&one[..], &one[..30]].concat();
    let error = SignedTrace::read_batch(&second).unwrap_err();
    assert!(matches!(error, EnvelopeError::Truncated { index: 1, .. }), "{error}");
}

#[test]
fn payloads_of_other_formats_are_named() {
    let wrap = |payload: &[u8]| {
        let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&[0; 64]);
        SignedTrace::from_bytes(&bytes).unwrap().decode().unwrap_err()
    };
    assert!(matches!(wrap(b""), PayloadError::Malformed(_)));
    assert!(matches!(wrap(b"\x08\0\0\0HXM2\0\0\0\0"), PayloadError::Malformed(_)));
    assert!(matches!(wrap(b"\xff\xff\xff\x7fHXM1\0\0\0\0"), PayloadError::Malformed(_)));
}

#[test]
fn keys_of_small_order_and_other_domains_are_refused() {
    for weak in [[0; 32], std::array::from_fn(|i| u8::from(i == 0))] {
        assert!(PublicKey::new(Alg::Ed25519, &weak).is_err());
    }
    let key = key();
    let signature = key.sign(Domain::Trace, b"message").unwrap();
    assert!(key.public_key().verify(Domain::Trace, b"message", &signature).is_ok());
    assert!(key.public_key().verify(Domain::Device, b"message", &signature).is_err());
    assert!(key.public_key().verify(Domain::Trace, b"massage", &signature).is_err());
}

#[test]
fn receipts_verify_under_the_key_they_name_alone() {
    let (server, other) =
        (SoftwareSigner::from_seed(&[8; 32]), SoftwareSigner::from_seed(&[9; 32]));
    let body = ReceiptBody {
        network: NetworkId::of_name("test"),
        trace: sample().id(),
        device: header().device,
        sequence: 7,
        received_at_ms: 1_700_000_100_000,
        salt: [4; 16],
        key: KeyId::of_key(&server.public_key()),
    };
    let receipt = Receipt::sign(body, &server).unwrap();
    assert!(receipt.verify(&server.public_key()).is_ok());
    assert!(receipt.verify(&other.public_key()).is_err());
    let mut later = receipt;
    later.body.received_at_ms += 1;
    assert!(later.verify(&server.public_key()).is_err());
    let other_salt = ReceiptBody { salt: [5; 16], ..body };
    assert_ne!(body.commitment(), other_salt.commitment());
}
