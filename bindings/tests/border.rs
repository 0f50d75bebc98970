//! A drive across the border: through the types that Swift and Kotlin see.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use hexmile::{
    Conditions, Connection, Effect, ExportFormat, Fix, FixProvider, HostSigner, Moment, Place,
    QuietHours, Recorded, Recorder, RecorderConfig, RecorderError, SignFailure, SignPurpose,
    UploadMode, UploadRules, Zone, software_signer,
};
use hexmile_sdk_core::trace::{
    SignedTrace,
    sign::{Alg, PublicKey},
};

fn at(second: u64) -> Moment {
    Moment { now_ms: 1_700_000_000_000 + second * 1000, random: second }
}

/// Northwards at 20 m/s.
fn fix(second: u64) -> Fix {
    Fix {
        time_ms: at(second).now_ms as i64,
        latitude_deg: 10.0 + second as f64 * 20.0 / 111_195.0,
        longitude_deg: 20.0,
        accuracy_m: Some(4.0),
        speed_mps: Some(20.0),
        course_deg: Some(0.0),
        altitude_m: None,
        mock: false,
        provider: FixProvider::Gnss,
    }
}

fn recorder(dir: &std::path::Path, signer: Arc<dyn HostSigner>) -> Arc<Recorder> {
    let config = RecorderConfig {
        journal_dir: dir.join("journal").to_string_lossy().into_owned(),
        journal_limit_bytes: 50_000_000,
        network: "test".to_owned(),
        live: false,
        follow_motion: false,
        server_keys: Vec::new(),
    };
    Recorder::new(config, signer).unwrap()
}

#[test]
fn a_drive_crosses_the_border_and_its_traces_verify() {
    let dir = tempfile::tempdir().unwrap();
    let signer = software_signer(vec![5; 32]).unwrap();
    let key = PublicKey::new(Alg::Ed25519, &signer.public_key()).unwrap();
    let recorder = recorder(dir.path(), signer);
    assert_eq!(recorder.start_trip(at(0)).unwrap_err(), RecorderError::NoConsent);
    let dropped = recorder.record(fix(0), at(0)).unwrap();
    assert_eq!(dropped, Recorded::Dropped { reason: "no_consent".to_owned() });
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    for second in 0..400 {
        recorder.record(fix(second), at(second)).unwrap();
    }
    recorder.stop_trip().unwrap();
    recorder.flush().unwrap();
    let effects = recorder.tick(at(400)).unwrap();
    let [Effect::FetchPolicy { path }, Effect::Upload { upload }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(path, "/v1/policy");
    recorder.policy_failed(at(400));
    let request = upload.request();
    assert_eq!(request.path, "/v1/traces");
    for signed in SignedTrace::read_batch(&request.body).unwrap() {
        signed.verify(&key).unwrap();
        assert!(signed.decode().unwrap().fixes().len() > 10);
    }
    let delayed = recorder.upload_failed("no network".to_owned(), at(401));
    assert!(matches!(delayed[0], Effect::Delayed { .. }));
    let status = recorder.status();
    // 500 m at 20 m/s are 25 s at each end.
    assert_eq!((status.fixes_kept, status.traces_waiting), (350, 2));
    assert_eq!(status.fixes_dropped["trip_start"], 25);
}

#[test]
fn a_drivers_last_wish_crosses_the_border_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let account = software_signer(vec![7; 32]).unwrap();
    let recorder = recorder(dir.path(), software_signer(vec![5; 32]).unwrap());
    let export = recorder.export_request(None, at(0).now_ms).unwrap();
    assert_eq!((&*export.method, &*export.path), ("GET", "/v1/me/export"));
    let effects = recorder.erase(Some(account), at(1)).unwrap();
    let [Effect::Erase { request }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((&*request.method, &*request.path), ("DELETE", "/v1/me"));
    recorder.erasure_failed(request.clone(), "no network".to_owned(), at(2)).unwrap();
    assert_eq!(recorder.status().erasures_waiting, 1);
    let body = br#"{"devices":1,"forgotten_at_ms":1}"#.to_vec();
    let effects = recorder.erasure_answered(request.clone(), 200, body, None, at(3)).unwrap();
    assert!(matches!(effects[..], [Effect::Erased]), "{effects:?}");
    assert_eq!(recorder.status().erasures_waiting, 0);
}

/// A key store without a key.
struct NoKey;

impl HostSigner for NoKey {
    fn public_key(&self) -> Vec<u8> {
        vec![0; 32]
    }
    fn sign(&self, _: SignPurpose, _: Vec<u8>) -> Result<Vec<u8>, SignFailure> {
        Err(SignFailure::KeyStore { message: "none".to_owned() })
    }
}

#[test]
fn arguments_are_checked() {
    assert!(matches!(software_signer(vec![1; 31]), Err(RecorderError::Argument { .. })));

    let config = RecorderConfig {
        journal_dir: String::new(),
        journal_limit_bytes: 1,
        network: "test".to_owned(),
        live: true,
        follow_motion: false,
        server_keys: Vec::new(),
    };
    let error = Recorder::new(config, Arc::new(NoKey)).err().unwrap();
    assert!(matches!(error, RecorderError::Argument { .. }), "{error}");
}

#[test]
fn zones_cross_the_border() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path(), software_signer(vec![5; 32]).unwrap());
    let home = Place { latitude_deg: 10.0, longitude_deg: 20.0 };
    let corners = [(9.9, 19.9), (9.9, 20.1), (10.1, 20.1), (10.1, 19.9)];
    let corners =
        corners.map(|(latitude_deg, longitude_deg)| Place { latitude_deg, longitude_deg }).into();
    let polygon = Zone::Polygon { corners };
    let quiet = vec![QuietHours { from_minute: 1320, until_minute: 300 }];
    let set = |zone: &Zone, secret| {
        recorder.set_privacy(vec![zone.clone()], quiet.clone(), 60, vec![1; secret])
    };
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    for (second, zone) in [Zone::Around { place: home }, polygon].iter().enumerate() {
        set(zone, 32).unwrap();
        let fate = recorder.record(fix(second as u64), at(second as u64)).unwrap();
        assert_eq!(fate, Recorded::Dropped { reason: "zone".to_owned() });
    }
    let nowhere = Place { latitude_deg: f64::NAN, ..home };
    for (zone, secret) in [
        (Zone::Around { place: nowhere }, 32),
        (Zone::Around { place: home }, 31),
        (Zone::Circle { centre: home, radius_m: 0 }, 32),
        (Zone::Polygon { corners: vec![home; 2] }, 32),
    ] {
        let error = set(&zone, secret).unwrap_err();
        assert!(matches!(error, RecorderError::Argument { .. }), "{error}");
    }
}

#[test]
fn conditions_and_rules_cross_the_border_and_are_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path(), software_signer(vec![5; 32]).unwrap());
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    for second in 0..400 {
        recorder.record(fix(second), at(second)).unwrap();
    }
    recorder.stop_trip().unwrap();
    recorder.flush().unwrap();
    let cellular = Conditions {
        connection: Connection::Cellular,
        metered: true,
        roaming: false,
        battery_percent: Some(50),
        charging: false,
        low_power_mode: false,
        data_saver: false,
    };
    let rules = UploadRules {
        mode: UploadMode::Economy,
        wifi_only: true,
        on_roaming: false,
        min_battery_percent: 15,
        cellular_bytes_per_day: None,
        cellular_bytes_per_month: None,
    };
    let uploads = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::Upload { .. }));
    assert!(!uploads(&recorder.set_upload_rules(rules, at(400))));
    assert!(!uploads(&recorder.set_conditions(cellular, at(400))));
    let status = recorder.status();
    assert_eq!(status.uploads_wait.as_deref(), Some("waiting_for_wifi"));
    assert_eq!(status.uploads_wait_until_ms, None);
    assert!(status.bytes_queued > 0);
    let wifi = Conditions { connection: Connection::Wifi, metered: false, ..cellular };
    assert!(uploads(&recorder.set_conditions(wifi, at(401))));
}

#[test]
fn what_the_driver_sees_crosses_the_border() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path(), software_signer(vec![5; 32]).unwrap());
    let path = dir.path().join("export.gpx").to_string_lossy().into_owned();
    let refused = recorder.export(ExportFormat::Gpx, path.clone());
    assert_eq!(refused, Err(RecorderError::NoConsent));
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    for second in 0..400 {
        recorder.record(fix(second), at(second)).unwrap();
    }
    assert!((7970..=7990).contains(&recorder.status().trip.unwrap().distance_m));
    recorder.stop_trip().unwrap();
    assert!(recorder.own_cells(10).unwrap().len() > 50);
    assert!(matches!(recorder.own_cells(3), Err(RecorderError::Argument { .. })));
    recorder.export(ExportFormat::Gpx, path.clone()).unwrap();
    assert!(std::fs::read_to_string(path).unwrap().ends_with("</gpx>\n"));
    recorder.set_account(Some(software_signer(vec![6; 32]).unwrap())).unwrap();
    assert_eq!((recorder.verdicts(), recorder.earnings()), (Vec::new(), None));
}
