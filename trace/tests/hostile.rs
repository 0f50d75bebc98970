//! What is made to deceive: keys and signatures with a second form, traces said another way,
//! signatures taken elsewhere.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use curve25519_dalek::{EdwardsPoint, Scalar, edwards::CompressedEdwardsY, traits::Identity as _};
use flatbuffers::FlatBufferBuilder;
use hexmile_trace::{
    AccountId, CheckpointRef, DeviceId, Fix, NetworkId, PayloadError, RawFix, SdkVersion,
    SignedTrace, Trace, TraceHeader, TripId,
    enrol::{CHALLENGE_LEN, account_message, device_message},
    sign::{Alg, Domain, PublicKey, SIGNATURE_LEN, Signer, SoftwareSigner},
};
use hexmile_trace_flatbuffers as fb;
use proptest::prelude::*;
use sha2::{Digest as _, Sha512};

const SEED: [u8; 32] = [3; 32];

fn key() -> SoftwareSigner {
    SoftwareSigner::from_seed(&SEED)
}

fn trace_for(network: NetworkId) -> Trace {
    let header = TraceHeader {
        alg: Alg::Ed25519,
        device: DeviceId::of_key(&key().public_key()),
        network,
        sequence: 7,
        trip: TripId([1, 2, 3, 4, 5, 6, 7, 8]),
        sdk_version: SdkVersion::new(1, 2, 3),
        clock_offset_ms: Some(-250),
        context: false,
        checkpoint: Some(CheckpointRef { tree_size: 99, root: [5; 16] }),
    };
    let fix = |i: i64| {
        Fix::quantise(&RawFix {
            time_ms: 1_700_000_000_000 + i * 1000,
            latitude_deg: 10.0 + i as f64 * 1e-4,
            longitude_deg: 20.0,
            speed_mps: Some(11.1 + (i % 3) as f64),
            course_deg: Some(0.0),
            accuracy_m: Some(4.0),
            ..RawFix::default()
        })
        .unwrap()
    };
    Trace::new(header, (0..60).map(fix).collect()).unwrap()
}

fn sample() -> SignedTrace {
    SignedTrace::seal(&trace_for(NetworkId::of_name("test")), &key()).unwrap()
}

/// An envelope around any payload and signature.
fn envelope(payload: &[u8], signature: &[u8; SIGNATURE_LEN]) -> SignedTrace {
    let len = (payload.len() as u32).to_le_bytes();
    SignedTrace::from_bytes(&[&len[..], payload, signature].concat()).unwrap()
}

/// The sample under another signature.
fn signed_by(signature: &[u8; SIGNATURE_LEN]) -> SignedTrace {
    envelope(sample().payload(), signature)
}

#[test]
fn ed25519_keys_of_small_order_are_refused_in_every_form() {
    let byte = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    // The eight points of the torsion group, and their names beyond the prime.
    let eighth = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let point = CompressedEdwardsY::from_slice(&hex::decode(eighth).unwrap()).unwrap();
    let point = point.decompress().unwrap();
    let mut sum = EdwardsPoint::identity();
    for _ in 0..8 {
        sum += point;
        assert!(PublicKey::new(Alg::Ed25519, sum.compress().as_bytes()).is_err());
    }
    assert_eq!(sum, EdwardsPoint::identity());
    for last in [0x7f, 0xff] {
        for first in 0xed..=0xff {
            let key = byte(first, 0xff, last);
            assert!(PublicKey::new(Alg::Ed25519, &key).is_err(), "{}", hex::encode(key));
        }
    }
    assert!(PublicKey::new(Alg::Ed25519, &byte(1, 0, 0x80)).is_err());
    assert!(PublicKey::new(Alg::Ed25519, &byte(0xec, 0xff, 0xff)).is_err());
    // Just below the prime, what is on the curve is a key like any other.
    let usable = |first: &u8| PublicKey::new(Alg::Ed25519, &byte(*first, 0xff, 0x7f)).is_ok();
    assert!((0xe0..0xed).filter(usable).count() >= 3);
}

#[test]
fn an_ed25519_signature_has_one_form() {
    // The group's order, little endian (RFC 8032, section 5.1).
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let public = key().public_key();
    let good = *sample().signature();
    assert!(signed_by(&good).verify(&public).is_ok());
    let mut again = good;
    let mut carry = 0;
    for (byte, add) in again[32..].iter_mut().zip(order.unwrap()) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    assert!(signed_by(&again).verify(&public).is_err());
    for bit in 0..SIGNATURE_LEN * 8 {
        let mut changed = good;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(signed_by(&changed).verify(&public).is_err(), "bit {bit}");
    }
}

/// Satisfies the equation of verification, with a point R that the signer's key does not bind.
#[test]
fn a_signature_with_r_of_small_order_is_refused() {
    let public = key().public_key();
    let payload = sample().payload().to_vec();
    let secret: [u8; 32] = Sha512::digest(SEED)[..32].try_into().unwrap();
    let secret = Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer(secret));
    let r = EdwardsPoint::identity().compress();
    let mut hash = Sha512::new();
    for part in [r.as_bytes(), public.as_bytes(), Domain::Trace.tag(), &payload] {
        hash.update(part);
    }
    let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let s = challenge * secret;
    let verifying = ed25519_dalek::VerifyingKey::try_from(public.as_bytes()).unwrap();
    let signature: [u8; 64] = [r.to_bytes(), s.to_bytes()].concat().try_into().unwrap();
    let message = [Domain::Trace.tag(), &payload].concat();
    let lenient = ed25519_dalek::Verifier::verify(&verifying, &message, &signature.into());
    assert!(lenient.is_ok(), "the test must make what only strictness refuses");
    assert!(envelope(&payload, &signature).verify(&public).is_err());
}

#[cfg(feature = "es256")]
#[test]
fn es256_keys_and_signatures_have_one_form() {
    use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
    let secret = SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_point(true);
    let public = PublicKey::new(Alg::Es256, point.as_bytes()).unwrap();
    let compact = [&[5], &point.as_bytes()[1..]].concat();
    assert!(PublicKey::new(Alg::Es256, &compact).is_err());
    let message = [Domain::Trace.tag(), sample().payload()].concat();
    let made: Signature = secret.sign(&message);
    let low = made.normalize_s();
    let (r, s) = low.split_scalars();
    let high = Signature::from_scalars(r, -s).unwrap();
    let bytes = |signature: &Signature| <[u8; 64]>::from(signature.to_bytes());
    assert!(signed_by(&bytes(&low)).verify(&public).is_ok());
    assert!(signed_by(&bytes(&high)).verify(&public).is_err());
    assert!(signed_by(&[0; 64]).verify(&public).is_err());
}

#[cfg(feature = "es256")]
#[test]
fn es256_signatures_of_key_stores_come_into_one_form() {
    use hexmile_trace::sign::es256_signature;
    use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
    let secret = SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_point(true);
    let public = PublicKey::new(Alg::Es256, point.as_bytes()).unwrap();
    assert_eq!(PublicKey::of_signer(Alg::Es256, point.as_bytes()), Ok(public));
    for bytes in [&[0; 33][..], &[2; 32], &[4; 33]] {
        assert!(PublicKey::of_signer(Alg::Es256, bytes).is_err());
    }
    let mut lengths = std::collections::BTreeSet::new();
    for n in 0..2000_u32 {
        let made: Signature = secret.sign(&n.to_be_bytes());
        let low = made.normalize_s();
        let (r, s) = low.split_scalars();
        let high = Signature::from_scalars(r, -s).unwrap();
        let want = <[u8; 64]>::from(low.to_bytes());
        for signature in [low, high] {
            let der = signature.to_der();
            lengths.insert(der.as_bytes().len());
            assert_eq!(es256_signature(der.as_bytes()), Ok(want));
            assert_eq!(es256_signature(&signature.to_bytes()), Ok(want));
            assert!(es256_signature(&der.as_bytes()[..der.as_bytes().len() - 1]).is_err());
            assert!(es256_signature(&[der.as_bytes(), &[0]].concat()).is_err());
        }
    }
    assert!(lengths.len() >= 3, "short and long integers were met: {lengths:?}");
    for bytes in [&[][..], &[0x30, 0], &[0x30, 4, 2, 1, 0x80, 2], &[0x30, 6, 2, 1, 0xff, 2, 1, 1]] {
        assert!(es256_signature(bytes).is_err());
    }
}

#[test]
fn a_signature_holds_for_its_network_alone() {
    let [here, there] = ["here", "there"].map(NetworkId::of_name);
    let (account, device) = (SoftwareSigner::from_seed(&[1; 32]), key());
    // A trace: the network stands in the signed bytes, and the trace says which.
    let signed = SignedTrace::seal(&trace_for(here), &device).unwrap();
    let moved = SignedTrace::seal(&trace_for(there), &device).unwrap();
    assert_eq!(signed.decode().unwrap().header().network, here);
    assert_ne!(signed.id(), moved.id());
    let replayed = envelope(moved.payload(), signed.signature());
    assert!(replayed.verify(&device.public_key()).is_err());
    // Joining: the same account, the same challenge.
    let id = AccountId::of_key(&account.public_key());
    let message = |network| account_message(network, &account.public_key());
    let signature = account.sign(Domain::Account, &message(here)).unwrap();
    let public = account.public_key();
    assert!(public.verify(Domain::Account, &message(here), &signature).is_ok());
    assert!(public.verify(Domain::Account, &message(there), &signature).is_err());
    let challenge = [9; CHALLENGE_LEN];
    let message = |network| device_message(network, id, &challenge, &device.public_key());
    let signature = device.sign(Domain::Device, &message(here)).unwrap();
    assert!(device.public_key().verify(Domain::Device, &message(there), &signature).is_err());
}

/// The sample's buffer made anew, with other columns or in another way.
fn rebuilt(columns: impl Fn(Vec<u8>) -> Vec<u8>, how: How) -> Vec<u8> {
    let sample = sample();
    let from = fb::root_as_payload(sample.payload()).unwrap();
    let mut builder = FlatBufferBuilder::new();
    builder.force_defaults(how == How::Defaults);
    if how == How::Stray {
        builder.create_string("something that no field points at");
    }
    let columns = builder.create_vector(&columns(from.columns().bytes().to_vec()));
    let args = fb::PayloadArgs {
        version: from.version(),
        alg: from.alg(),
        context: from.context(),
        fix_count: from.fix_count(),
        sdk_version: from.sdk_version(),
        clock_offset_ms: from.clock_offset_ms(),
        sequence: from.sequence(),
        first_time_ms: from.first_time_ms(),
        device: Some(from.device()),
        network: Some(from.network()),
        trip: Some(from.trip()),
        checkpoint: from.checkpoint(),
        columns: Some(columns),
    };
    let table = if how == How::OtherOrder {
        let mut table = fb::PayloadBuilder::new(&mut builder);
        table.add_version(args.version);
        table.add_alg(args.alg);
        table.add_context(args.context);
        table.add_fix_count(args.fix_count);
        table.add_sdk_version(args.sdk_version);
        table.add_clock_offset_ms(from.clock_offset_ms().unwrap());
        table.add_sequence(args.sequence);
        table.add_first_time_ms(args.first_time_ms);
        table.add_device(from.device());
        table.add_network(from.network());
        table.add_trip(from.trip());
        table.add_checkpoint(from.checkpoint().unwrap());
        table.add_columns(columns);
        table.finish()
    } else {
        fb::Payload::create(&mut builder, &args)
    };
    builder.finish(table, Some(fb::PAYLOAD_IDENTIFIER));
    builder.finished_data().to_vec()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Same,
    Defaults,
    OtherOrder,
    Stray,
}

#[test]
fn a_payload_said_another_way_is_refused() {
    let payload = sample().payload().to_vec();
    assert_eq!(rebuilt(|c| c, How::Same), payload);
    let mut padding = payload.clone();
    padding[12] = 1;
    let longer = [&payload[..], &[0; 4]].concat();
    let said = [How::Defaults, How::OtherOrder, How::Stray].map(|how| (how, rebuilt(|c| c, how)));
    for (how, bytes) in said.into_iter().chain([(How::Same, padding), (How::Same, longer)]) {
        assert!(fb::root_as_payload(&bytes).is_ok(), "{how:?}");
        let signature = key().sign(Domain::Trace, &bytes).unwrap();
        let signed = envelope(&bytes, &signature);
        assert!(signed.verify(&key().public_key()).is_ok());
        assert_eq!(signed.decode(), Err(PayloadError::NotCanonical), "{how:?}");
    }
}

#[test]
fn columns_that_are_longer_shorter_or_empty_are_refused() {
    let changed = |change: fn(&mut Vec<u8>)| {
        let columns = |mut columns: Vec<u8>| {
            change(&mut columns);
            columns
        };
        envelope(&rebuilt(columns, How::Same), &[0; 64]).decode()
    };
    for (change, what) in [
        ((|c| c.clear()) as fn(&mut Vec<u8>), "nothing"),
        (|c| c.push(0), "a byte more"),
        (|c| c.extend([0; 2]), "a word more"),
        (|c| c.extend([0; 4]), "two words more"),
        (|c| c.truncate(c.len() - 1), "a byte less"),
        (|c| c.truncate(c.len() - 2), "a word less"),
        (|c| c.truncate(2), "one word"),
        (|c| c.fill(0), "zeros"),
        (|c| c.fill(0xff), "ones"),
    ] {
        assert_eq!(changed(change), Err(PayloadError::NotCanonical), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever decodes is what its own trace encodes to: a trace has one payload, hence one id.
    #[test]
    fn what_decodes_encodes_to_the_same_bytes(at in any::<prop::sample::Index>(), flip in 1..=255u8,
                                              count in 0..3usize) {
        let mut payload = sample().payload().to_vec();
        for i in 0..count {
            let at = (at.index(payload.len()) + i * 7) % payload.len();
            payload[at] ^= flip;
        }
        if let Ok(trace) = envelope(&payload, &[0; 64]).decode() {
            let again = SignedTrace::seal(&trace, &key()).unwrap();
            prop_assert_eq!(again.payload(), &payload[..]);
        }
    }
}
