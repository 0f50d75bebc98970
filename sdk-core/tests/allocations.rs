//! What recording costs a caller in steady state, counted and not timed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use hexmile_sdk_core::{
    Conditions, Connection, Moment, Privacy, Recorder, RecorderConfig, SealLimits, Zone,
};
use hexmile_trace::{
    NetworkId, Position, Provider, RawFix,
    sign::{Domain, PublicKey, SIGNATURE_LEN, SignError, Signer, SoftwareSigner},
};

#[test]
fn recording_allocates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let zones = (0..1000).map(|n| Zone::Circle {
        centre: Position::from_e6(50_000_000, n * 10_000).unwrap(),
        radius_m: 500,
    });
    let config = RecorderConfig {
        seal: SealLimits::ECONOMY,
        privacy: Privacy::new(zones.collect()).unwrap(),
        ..RecorderConfig::new(dir.path().join("journal"), NetworkId::of_name("test"))
    };
    let mut recorder = Recorder::new(config, Arc::new(SoftwareSigner::from_seed(&[5; 32])));
    let mut effects = Vec::with_capacity(64);
    let at = |second: u64| Moment { now_ms: 1_700_000_000_000 + second * 1000, random: second };
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    let mut sealed = 0;
    for second in 0..4000 {
        let raw = RawFix {
            time_ms: at(second).now_ms as i64,
            latitude_deg: 49.9 + second as f64 * 15.0 / 111_195.0,
            longitude_deg: 2.0,
            accuracy_m: Some(4.0),
            provider: Provider::Gnss,
            ..RawFix::default()
        };
        effects.clear();
        // This counts the calling thread's alone.
        let count = allocation_counter::measure(|| {
            recorder.record(&raw, at(second));
        });
        if second >= 1000 {
            assert_eq!(count.count_total, 0, "second {second}");
        }
        recorder.seal(at(second), &mut effects).unwrap();
        sealed += effects.len();
    }
    assert!(sealed > 5, "{sealed}");
}

/// A key store that is locked all day.
struct Locked(SoftwareSigner);

impl Signer for Locked {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn sign(&self, _: Domain, _: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        Err(SignError("locked".to_owned()))
    }
}

/// Most bytes that the calling thread held at once, from the recorder's beginning to the end of a long
/// day's drive, offline, and of the uploads after it.
fn most_bytes(signer: Arc<dyn Signer>) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let at = |second: u64| Moment { now_ms: 1_700_000_000_000 + second * 1000, random: second };
    let measured = allocation_counter::measure(|| {
        let config = RecorderConfig {
            learn_places: false,
            ..RecorderConfig::economy(dir.path().join("journal"), NetworkId::of_name("test"))
        };
        let mut recorder = Recorder::new(config, signer);
        let mut effects = Vec::new();
        recorder.grant_consent(&mut effects).unwrap();
        let offline = Conditions { connection: Connection::None, ..Conditions::default() };
        recorder.set_conditions(offline, at(0), &mut effects);
        recorder.start_trip(at(0), &mut effects).unwrap();
        for second in 0..8 * 3600 {
            // Crawls at times, so that much is held back.
            let metres = second as f64 * 3.0;
            let raw = RawFix {
                time_ms: at(second).now_ms as i64,
                latitude_deg: 10.0 + metres / 111_195.0,
                longitude_deg: 2.0,
                accuracy_m: Some(4.0),
                provider: Provider::Gnss,
                ..RawFix::default()
            };
            recorder.record(&raw, at(second));
            if second % 5 == 0 {
                effects.clear();
                // A key store that is locked says so each time.
                let _ = recorder.tick(at(second), &mut effects);
            }
        }
        let _ = recorder.stop_trip(&mut effects);
        recorder.flush().unwrap();
        effects.clear();
        let wifi = Conditions { connection: Connection::Wifi, ..Conditions::default() };
        recorder.set_conditions(wifi, at(8 * 3600), &mut effects);
    });
    measured.bytes_max
}

#[test]
fn a_recorder_stays_below_two_megabytes() {
    let key = || SoftwareSigner::from_seed(&[5; 32]);
    let signers: [Arc<dyn Signer>; 2] = [Arc::new(key()), Arc::new(Locked(key()))];
    for (signer, name) in signers.into_iter().zip(["signing", "locked"]) {
        let bytes = most_bytes(signer);
        println!("{name}: {bytes} bytes at most");
        assert!((10_000..=2_000_000).contains(&bytes), "{name}: {bytes} bytes");
    }
}
