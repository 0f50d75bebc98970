//! A drive across the border: through the types that Swift and Kotlin see.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use hexmile::{
    Attestation, Conditions, Connection, Effect, EnrolError, ExportFormat, Hint, HostSecrets,
    HostSigner, KeyAlgorithm, Moment, Place, QuietHours, Recorder, RecorderConfig, RecorderError,
    RecoveryCode, SecretFailure, SignFailure, SignPurpose, UploadMode, UploadRules, Zone,
    drop_reasons, folder_secrets, software_signer,
};
use hexmile_sdk_core::trace::{
    AccountId, SignedTrace,
    sign::{Alg, PublicKey},
};

fn at(second: u64) -> Moment {
    Moment { now_ms: 1_700_000_000_000 + second * 1000, random: second }
}

/// Hands over a fix of a drive northwards at 20 m/s, and says what became of it.
fn record(recorder: &Recorder, second: u64) -> String {
    let Moment { now_ms, .. } = at(second);
    let latitude_deg = 10.0 + second as f64 * 20.0 / 111_195.0;
    let time_ms = now_ms as i64;
    let answer =
        recorder.record(time_ms, latitude_deg, 20.0, 4.0, 20.0, 0.0, f64::NAN, false, 1, now_ms);
    match answer {
        0 => "kept".to_owned(),
        1 => "held".to_owned(),
        reason => drop_reasons()[usize::from(reason) - 2].clone(),
    }
}

fn config(dir: &std::path::Path) -> RecorderConfig {
    RecorderConfig {
        journal_dir: dir.join("journal").to_string_lossy().into_owned(),
        journal_limit_bytes: 50_000_000,
        network: "test".to_owned(),
        live: false,
        follow_motion: false,
        server_keys: Vec::new(),
        predecessors: Vec::new(),
        learn_places: true,
    }
}

fn recorder(dir: &std::path::Path, signer: Arc<dyn HostSigner>) -> Arc<Recorder> {
    let keys = folder_secrets(dir.join("keys").to_string_lossy().into_owned());
    Recorder::new(config(dir), signer, keys).unwrap()
}

#[test]
fn a_drive_crosses_the_border_and_its_traces_verify() {
    let dir = tempfile::tempdir().unwrap();
    let signer = software_signer(vec![5; 32]).unwrap();
    let key = PublicKey::new(Alg::Ed25519, &signer.public_key()).unwrap();
    let recorder = recorder(dir.path(), signer);
    assert_eq!(recorder.start_trip(at(0)).unwrap_err(), RecorderError::NoConsent);
    assert_eq!(record(&recorder, 0), "no_consent");
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    for second in 0..400 {
        record(&recorder, second);
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
    let dropped = status.fixes_dropped.iter().find(|dropped| dropped.code == "trip_start");
    assert_eq!(dropped.map(|dropped| dropped.count), Some(25));
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

#[test]
fn an_account_is_recovered_and_a_second_phone_invited_across_the_border() {
    let dir = tempfile::tempdir().unwrap();
    let first = recorder(&dir.path().join("first"), software_signer(vec![5; 32]).unwrap());
    let second = recorder(&dir.path().join("second"), software_signer(vec![6; 32]).unwrap());
    let code = RecoveryCode::of_random((0..16).collect()).unwrap();
    let typed = RecoveryCode::read(code.groups().join(" ").to_uppercase()).unwrap();
    assert_eq!(typed.text(), code.text());
    let account = typed.account_signer();
    assert_eq!(account.public_key(), code.account_signer().public_key());
    let wrong = RecoveryCode::read("hexmile1".to_owned()).err().unwrap();
    assert!(matches!(wrong, EnrolError::Argument { reason } if reason.contains("40 characters")));

    assert_eq!(first.open_account(account.clone()).unwrap().path, "/v1/accounts");
    let key = PublicKey::new(Alg::Ed25519, &account.public_key()).unwrap();
    let id = AccountId::of_key(&key);
    // Forty bytes of challenge.
    let challenge = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ==";
    let opened =
        format!(r#"{{"account_id":"{id}","challenge":"{challenge}","challenge_expires_at_ms":9}}"#);
    let opened = opened.into_bytes();
    let attestation = Attestation { format: "android-key".to_owned(), object: vec![1] };
    let over = first.attestation_challenge(account.clone(), 200, opened.clone()).unwrap();
    assert_eq!(over.len(), 32);
    let added =
        first.add_device(account.clone(), 200, opened.clone(), Some(attestation.clone())).unwrap();
    assert!(String::from_utf8(added.body).unwrap().contains(r#""format":"android-key""#));
    let invitation = first.invite(account.clone(), 200, opened.clone()).unwrap();
    assert_eq!(invitation.expires_at_ms, 9);
    assert_eq!(second.invited_attestation_challenge(invitation.text.clone()).unwrap().len(), 32);
    let join = second.join(invitation.text, Some(attestation)).unwrap();
    assert_eq!(join.path, "/v1/devices");
    assert!(matches!(
        second.join("what?".to_owned(), None),
        Err(EnrolError::Argument { reason }) if reason.contains("HEXJOIN1")
    ));
    let refusal = br#"{"code":"invitation_used","detail":"no"}"#.to_vec();
    let refused = second.device_added(409, refusal).unwrap_err();
    assert!(matches!(refused, EnrolError::Refused { code, .. } if code == "invitation_used"));

    let out = first.sign_out_request(Some(account), second.device_id(), 5).unwrap();
    assert_eq!(out.path, format!("/v1/devices/{}", second.device_id()));
    let overview = second.overview_request(None, 5).unwrap();
    assert!(overview.authorization.contains(&second.device_id()));
    let answer = format!(
        r#"{{"account_id":"{id}","opened_at_ms":1,"devices":[
            {{"device_id":"{}","added_at_ms":2}}]}}"#,
        first.device_id()
    );
    let overview = first.overview(200, answer.into_bytes()).unwrap();
    assert_eq!((overview.account_id, overview.devices.len()), (id.to_string(), 1));
    assert_eq!(overview.devices[0].revoked_at_ms, None);
}

/// A key store without a key.
struct NoKey;

impl HostSigner for NoKey {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::Ed25519
    }
    fn public_key(&self) -> Vec<u8> {
        vec![0; 32]
    }
    fn sign(&self, _: SignPurpose, _: Vec<u8>) -> Result<Vec<u8>, SignFailure> {
        Err(SignFailure::KeyStore { reason: "none".to_owned() })
    }
}

/// A store over which an app throws, or gives half a key.
struct Broken(Result<usize, SecretFailure>);

impl HostSecrets for Broken {
    fn create(&self, _: String) -> Result<Vec<u8>, SecretFailure> {
        self.0.clone().map(|len| vec![1; len])
    }
    fn read(&self, _: String) -> Result<Option<Vec<u8>>, SecretFailure> {
        Ok(None)
    }
    fn destroy(&self, _: String) -> Result<(), SecretFailure> {
        Err(SecretFailure::Failed { reason: "gone".to_owned() })
    }
}

#[test]
fn a_store_that_fails_is_told_and_a_trip_goes_on() {
    for (answer, told) in [
        (Err(SecretFailure::Locked), "the secret store is locked"),
        (Ok(31), "the secret store failed: a key of 31 bytes, not 32"),
        (
            Err(uniffi::UnexpectedUniFFICallbackError::new("thrown").into()),
            "the secret store failed: thrown",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let signer = software_signer(vec![5; 32]).unwrap();
        let recorder = Recorder::new(config(dir.path()), signer, Arc::new(Broken(answer))).unwrap();
        recorder.grant_consent().unwrap();
        let effects = recorder.start_trip(at(0)).unwrap();
        let [Effect::HeldInMemory { why }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(why, told);
        assert_eq!(recorder.status().held_in_memory.as_deref(), Some(told));
        recorder.stop_trip().unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let signer = software_signer(vec![5; 32]).unwrap();
    let recorder = Recorder::new(config(dir.path()), signer, Arc::new(Broken(Ok(32)))).unwrap();
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    let error = recorder.stop_trip().unwrap_err();
    assert!(matches!(error, RecorderError::Secret { .. }), "{error}");
}

/// A store that cannot destroy keys fails a call at the end of every trip, and every tick from then on.
#[test]
fn an_error_that_comes_with_every_tick_holds_up_no_upload_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let signer = software_signer(vec![5; 32]).unwrap();
    let recorder = Recorder::new(config(dir.path()), signer, Arc::new(Broken(Ok(32)))).unwrap();
    recorder.grant_consent().unwrap();
    recorder.start_trip(at(0)).unwrap();
    for second in 0..400 {
        record(&recorder, second);
    }
    recorder.stop_trip().unwrap_err();
    recorder.flush().unwrap();
    let mut told = 0;
    let mut ticks = (400..405).map(|second| recorder.tick(at(second)).inspect_err(|_| told += 1));
    let effects: Vec<Effect> = ticks.by_ref().flat_map(Result::unwrap_or_default).collect();
    let count = |is: fn(&Effect) -> bool| effects.iter().filter(|effect| is(effect)).count();
    assert_eq!(count(|effect| matches!(effect, Effect::Sealed { .. })), 2, "{effects:?}");
    assert_eq!(count(|effect| matches!(effect, Effect::Upload { .. })), 1, "{effects:?}");
    assert!(told >= 2, "told {told} times");
    recorder.start_trip(at(500)).unwrap();
    for second in 500..900 {
        record(&recorder, second);
    }
    recorder.stop_trip().unwrap_err();
    // What did not cross by then never will.
    recorder.withdraw_consent().unwrap();
    let conditions = Conditions {
        connection: Connection::Wifi,
        metered: false,
        roaming: false,
        battery_percent: None,
        charging: false,
        low_power_mode: false,
        data_saver: false,
    };
    let without_consent = recorder.set_conditions(conditions, at(501));
    assert!(without_consent.is_empty(), "{without_consent:?}");
}

/// The platform is told once that no locations are wanted any more: if that were lost, a parked phone would
/// go on asking satellites.
#[test]
fn a_parked_phone_asks_for_no_locations_although_its_trip_ended_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let signer = software_signer(vec![5; 32]).unwrap();
    let config = RecorderConfig { follow_motion: true, ..config(dir.path()) };
    let recorder = Recorder::new(config, signer, Arc::new(Broken(Ok(32)))).unwrap();
    recorder.grant_consent().unwrap();
    recorder.hint(Hint::Car { connected: true }, at(0)).unwrap();
    recorder.hint(Hint::OnFoot, at(1)).unwrap();
    let ticks = (2..70).map(|second| recorder.tick(at(second)));
    let mut effects = ticks.flat_map(Result::unwrap_or_default);
    let off = |effect: Effect| match effect {
        Effect::Locate { request } => request.interval_ms == 0,
        _ => false,
    };
    assert!(effects.any(off));
}

#[test]
fn a_trip_that_a_crash_interrupted_goes_on_across_the_border() {
    let dir = tempfile::tempdir().unwrap();
    let signer = || software_signer(vec![5; 32]).unwrap();
    let first = recorder(dir.path(), signer());
    first.grant_consent().unwrap();
    first.start_trip(at(0)).unwrap();
    for second in 0..60 {
        record(&first, second);
    }
    first.flush().unwrap();
    drop(first);
    let second = recorder(dir.path(), signer());
    let effects = second.grant_consent().unwrap();
    assert!(matches!(effects[..], [Effect::TripResumed { .. }]), "{effects:?}");
    assert_eq!(record(&second, 70), "held");
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
        predecessors: Vec::new(),
        learn_places: true,
    };
    let keys = folder_secrets(String::new());
    let error = Recorder::new(config, Arc::new(NoKey), keys).err().unwrap();
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
        assert_eq!(record(&recorder, second as u64), "zone");
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
        record(&recorder, second);
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
    assert!(!uploads(&recorder.tick(at(400)).unwrap()));
    recorder.flush().unwrap();
    assert!(!uploads(&recorder.tick(at(400)).unwrap()));
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
        record(&recorder, second);
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
