//! A device key in hardware that knows P-256 alone, and gives its signatures as it likes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use hexmile_sdk_core::{Effect, EndTrim, Moment, Recorder, RecorderConfig, RecorderError};
use hexmile_trace::{
    NetworkId, RawFix, SignedTrace,
    sign::{
        Alg, Domain, PublicKey, SIGNATURE_LEN, SignError, Signer, SoftwareSigner, es256_signature,
    },
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};

/// What Keystore or Secure Enclave do: DER, with a high s as often as not; and locked at times.
struct Hardware {
    key: SigningKey,
    locked: Arc<AtomicBool>,
    high: Mutex<bool>,
}

impl Signer for Hardware {
    fn public_key(&self) -> PublicKey {
        let point = self.key.verifying_key().to_sec1_point(true);
        PublicKey::of_signer(Alg::Es256, point.as_bytes()).unwrap()
    }

    fn sign(&self, domain: Domain, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        if self.locked.load(Ordering::Relaxed) {
            return Err(SignError("before first unlock".to_owned()));
        }
        let low: Signature = self.key.sign(&[domain.tag(), message].concat());
        let (r, s) = low.normalize_s().split_scalars();
        let mut high = self.high.lock().unwrap();
        *high = !*high;
        let given = Signature::from_scalars(r, if *high { -s } else { s }).unwrap();
        es256_signature(given.to_der().as_bytes())
    }
}

fn at(second: u64) -> Moment {
    Moment { now_ms: 1_700_000_000_000 + second * 1000, random: second }
}

#[test]
fn traces_are_sealed_by_hardware_and_wait_while_it_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let locked = Arc::new(AtomicBool::new(false));
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let signer = Hardware { key, locked: Arc::clone(&locked), high: Mutex::default() };
    let public = signer.public_key();
    let config = RecorderConfig {
        trim: EndTrim::Off,
        ..RecorderConfig::new(dir.path().join("journal"), NetworkId::of_name("test"))
    };
    let mut recorder = Recorder::new(config, Arc::new(signer));
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    let mut uploads = Vec::new();
    for second in 0..900 {
        locked.store((300..600).contains(&second), Ordering::Relaxed);
        let raw = RawFix {
            time_ms: at(second).now_ms as i64,
            latitude_deg: 10.0 + second as f64 * 1e-4,
            accuracy_m: Some(5.0),
            ..RawFix::default()
        };
        recorder.record(&raw, at(second));
        match recorder.tick(at(second), &mut effects) {
            Ok(()) => {}
            Err(RecorderError::Sign(_)) => assert!(locked.load(Ordering::Relaxed)),
            Err(error) => panic!("{error}"),
        }
    }
    recorder.stop_trip(&mut effects).unwrap();
    recorder.flush().unwrap();
    recorder.tick(at(901), &mut effects).unwrap();
    for effect in effects {
        if let Effect::Upload(upload) = effect {
            uploads.extend(SignedTrace::read_batch(&upload.request.body).unwrap());
        }
    }
    assert!(!uploads.is_empty());
    for signed in &uploads {
        assert_eq!(signed.decode().unwrap().header().alg, Alg::Es256);
        signed.verify(&public).unwrap();
        assert!(signed.verify(&SoftwareSigner::from_seed(&[1; 32]).public_key()).is_err());
    }
}
