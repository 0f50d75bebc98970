//! A driver who wants everything gone, with a phone that is offline or crashes, and keys that are
//! destroyed at once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_sdk_core::{
    Effect, EndTrim, JournalError, Moment, Recorder, RecorderConfig, RecorderError,
    me::{self, Key, SignedRequest},
};
use hexmile_trace::{
    AccountId, DeviceId, NetworkId, RawFix,
    enrol::request_message,
    sign::{Domain, PublicKey, SIGNATURE_LEN, SignError, Signer, SoftwareSigner},
};

const START_MS: u64 = 1_700_000_000_000;
const DAY_S: u64 = 24 * 3600;
const ERASED: &[u8] = br#"{"devices":1,"traces":2,"log_rows":3,"scores":4,"forgotten_at_ms":5}"#;

fn at(second: u64) -> Moment {
    Moment { now_ms: START_MS + second * 1000, random: second.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
}

fn key(seed: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&[seed; 32])
}

fn network() -> NetworkId {
    NetworkId::of_name("test")
}

fn recorder(dir: &Path, signer: impl Signer + 'static) -> Recorder {
    let config = RecorderConfig {
        trim: EndTrim::Off,
        ..RecorderConfig::new(dir.join("journal"), network())
    };
    Recorder::new(config, Arc::new(signer))
}

fn drive(recorder: &mut Recorder, seconds: std::ops::Range<u64>) {
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(seconds.start), &mut effects).unwrap();
    for second in seconds {
        let time_ms = at(second).now_ms as i64;
        let raw = RawFix { time_ms, latitude_deg: 10.0, ..RawFix::default() };
        recorder.record(&raw, at(second).now_ms);
    }
}

fn requests(effects: &[Effect]) -> Vec<SignedRequest> {
    let request = |e: &Effect| if let Effect::Erase(r) = e { Some(r.clone()) } else { None };
    effects.iter().filter_map(request).collect()
}

fn tick(recorder: &mut Recorder, second: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    recorder.tick(at(second), &mut effects).unwrap();
    effects
}

fn problem(code: &str) -> String {
    format!(r#"{{"type":"urn:hexmile:problem:{code}","code":"{code}","temporary":false}}"#)
}

/// Whether the header is a signature by the key over the request.
fn is_signed(request: &SignedRequest, id: [u8; 16], key: PublicKey) -> bool {
    let parts: Vec<&str> =
        request.authorization.strip_prefix("Hexmile ").unwrap().split(", ").collect();
    let [id_hex, time, signature] = parts[..] else { panic!("{}", request.authorization) };
    assert_eq!(id_hex, format!("key={}", AccountId(id)));
    let time_ms: u64 = time.strip_prefix("time=").unwrap().parse().unwrap();
    assert_eq!(time_ms, request.signed_at_ms);
    let signature = STANDARD.decode(signature.strip_prefix("signature=").unwrap()).unwrap();
    let message = request_message(network(), id, time_ms, &request.method, &request.path);
    key.verify(Domain::Request, &message, signature[..].try_into().unwrap()).is_ok()
}

#[test]
fn requests_are_signed_by_the_key_that_they_name() {
    let (account, device) = (key(7), key(5));
    let by_account = me::export(network(), Key::Account(&account), START_MS).unwrap();
    assert_eq!((&*by_account.method, &*by_account.path), ("GET", "/v1/me/export"));
    let id = AccountId::of_key(&account.public_key()).0;
    assert!(is_signed(&by_account, id, account.public_key()));
    let by_device = me::export(network(), Key::Device(&device), START_MS).unwrap();
    let id = DeviceId::of_key(&device.public_key()).0;
    assert!(is_signed(&by_device, id, device.public_key()));
    assert!(!is_signed(&by_device, id, account.public_key()));
}

#[test]
fn erasing_leaves_one_request_and_recording_may_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    fs::create_dir(&journal).unwrap();
    fs::write(journal.join("00000007.hxj"), "no journal at all, but long enough").unwrap();
    fs::write(dir.path().join("of the app"), "").unwrap();
    let mut first = recorder(dir.path(), key(5));
    drive(&mut first, 0..50);
    let mut other = recorder(dir.path(), key(6));
    let error = other.erase(None, at(50), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Busy { .. })), "{error}");
    let mut effects = Vec::new();
    first.erase(Some(&key(7)), at(51), &mut effects).unwrap();
    let [request] = &requests(&effects)[..] else { panic!("{effects:?}") };
    let id = AccountId::of_key(&key(7).public_key());
    assert!(is_signed(request, id.0, key(7).public_key()));
    let names = fs::read_dir(&journal).unwrap().map(|f| f.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), [format!("{id}.erasure").as_str()], "and nothing else");
    assert!(!first.status().consent && !first.status().recording);
    drive(&mut first, 60..120);
    assert_eq!(first.status().erasures_waiting, 1, "the request outlives a new beginning");
    first.withdraw_consent().unwrap();
    effects.clear();
    first.erasure_answered(request, 200, ERASED, None, at(130), &mut effects).unwrap();
    assert_eq!(effects, [Effect::Erased]);
    first.erasure_answered(request, 200, ERASED, None, at(131), &mut effects).unwrap();
    assert_eq!(effects, [Effect::Erased], "told once");
    first.erase(None, at(140), &mut effects).unwrap();
    let [request] = &requests(&effects)[..] else { panic!("{effects:?}") };
    first.erasure_answered(request, 200, ERASED, None, at(141), &mut effects).unwrap();
    assert!(!journal.exists() && dir.path().join("of the app").exists());
}

/// The server would erase what came before the request with the account.
#[test]
fn who_joins_again_uploads_once_the_server_has_erased_what_was_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut first = recorder(dir.path(), key(5));
    first.erase(None, at(0), &mut effects).unwrap();
    let request = requests(&effects).remove(0);
    for again in [false, true] {
        if again {
            first = recorder(dir.path(), key(5));
        }
        let recorder = &mut first;
        drive(recorder, 10..70);
        recorder.stop_trip(&mut effects).unwrap();
        recorder.flush().unwrap();
        let uploads =
            |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Upload(_))).count();
        assert_eq!(uploads(&tick(recorder, 80)), 0);
        let status = recorder.status();
        assert_eq!(status.uploads_paused.as_deref(), Some("erasure_pending"));
        assert!(status.traces_waiting > 0, "recording goes on");
        recorder.withdraw_consent().unwrap();
    }
    drop(first);
    let mut second = recorder(dir.path(), key(5));
    second.grant_consent(&mut effects).unwrap();
    tick(&mut second, 90);
    second.erasure_answered(&request, 200, ERASED, None, at(91), &mut effects).unwrap();
    second.flush().unwrap();
    let effects = tick(&mut second, 92);
    assert!(effects.iter().any(|e| matches!(e, Effect::Upload(_))), "{effects:?}");
    assert_eq!(second.status().uploads_paused, None);
}

#[test]
fn a_request_outlives_the_process_and_the_keys_until_it_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut first = recorder(dir.path(), key(5));
    drive(&mut first, 0..50);
    first.erase(None, at(50), &mut effects).unwrap();
    let request = requests(&effects).remove(0);
    drop(first);
    // Another key, no consent, days later.
    let mut second = recorder(dir.path(), key(9));
    assert_eq!(requests(&tick(&mut second, DAY_S)), std::slice::from_ref(&request));
    assert_eq!(requests(&tick(&mut second, DAY_S + 60)), [], "the host has it");
    let silent = tick(&mut second, DAY_S + 1200);
    assert!(requests(&silent).len() <= 1);
    let mut now = DAY_S + 3600;
    for (status, body, retry_after_s) in [
        (503, problem("busy"), Some(600)),
        (200, "<html>sign in</html>".to_owned(), None),
        (404, "not found".to_owned(), None),
        (401, problem("request_expired"), None),
    ] {
        effects.clear();
        let answered = second.erasure_answered(
            &request,
            status,
            body.as_bytes(),
            retry_after_s,
            at(now),
            &mut effects,
        );
        answered.unwrap();
        assert!(matches!(effects[0], Effect::Delayed(_)), "{effects:?}");
        if retry_after_s.is_some() {
            assert_eq!(requests(&tick(&mut second, now + 599)), [], "Retry-After is obeyed");
        }
        now += 5000;
        assert_eq!(
            requests(&tick(&mut second, now)),
            std::slice::from_ref(&request),
            "{status} {body}"
        );
    }
    second.erasure_failed(&request, "no network", at(now), &mut effects).unwrap();
    effects.clear();
    let gone = problem("not_found");
    second.erasure_answered(&request, 404, gone.as_bytes(), None, at(now), &mut effects).unwrap();
    assert_eq!(effects, [Effect::Erased], "the account is gone already");
    assert!(!dir.path().join("journal").exists());
    assert_eq!(tick(&mut recorder(dir.path(), key(9)), now), []);
}

#[test]
fn a_refusal_is_told_and_ends_it() {
    for (code, status, signed_day, day) in [
        ("signature_invalid", 403, 0, 1),
        ("request_expired", 401, 0, 31),
        // The phone's clock was ahead.
        ("request_expired", 401, 400, 1),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut effects = Vec::new();
        let mut recorder = recorder(dir.path(), key(5));
        recorder.erase(None, at(signed_day * DAY_S), &mut effects).unwrap();
        let request = requests(&effects).remove(0);
        effects.clear();
        let (body, then) = (problem(code), at(day * DAY_S));
        recorder
            .erasure_answered(&request, status, body.as_bytes(), None, then, &mut effects)
            .unwrap();
        assert_eq!(effects, [Effect::ErasureRefused { code: code.to_owned() }]);
        assert!(!dir.path().join("journal").exists());
    }
}

/// A key store that is locked.
struct Locked(SoftwareSigner);

impl Signer for Locked {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn sign(&self, _: Domain, _: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        Err(SignError("locked".to_owned()))
    }
}

#[test]
fn without_a_signature_the_files_go_and_the_host_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    drive(&mut recorder(dir.path(), key(5)), 0..50);
    let mut locked = recorder(dir.path(), Locked(key(5)));
    let error = locked.erase(None, at(50), &mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::Sign(_)), "{error}");
    assert!(!dir.path().join("journal").exists());
    locked.erase(Some(&key(7)), at(51), &mut effects).unwrap();
    assert_eq!(requests(&effects).len(), 1, "calling again goes on");
}

#[test]
fn a_file_that_holds_no_request_is_counted_and_gone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    recorder(dir.path(), key(5)).erase(None, at(0), &mut Vec::new()).unwrap();
    let file = fs::read_dir(&journal).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    fs::write(journal.join("stranger.erasure"), &whole).unwrap();
    let mut recorder = recorder(dir.path(), key(5));
    assert_eq!(tick(&mut recorder, 1), []);
    assert_eq!(recorder.status().damaged_bytes as usize, whole.len() + whole.len() / 2);
    assert_eq!(fs::read_dir(&journal).unwrap().count(), 0);
}

/// What cannot be deleted must not keep the request on the phone.
#[test]
fn a_request_leaves_although_a_file_cannot_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = recorder(dir.path(), key(5));
    drive(&mut recorder, 0..10);
    assert_eq!(requests(&tick(&mut recorder, 10)), []);
    let stubborn = dir.path().join("journal/00000009.hxj");
    fs::create_dir_all(&stubborn).unwrap();
    let error = recorder.erase(None, at(11), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Io { .. })), "{error}");
    assert_eq!(requests(&tick(&mut recorder, 12)).len(), 1);
    assert_eq!(recorder.status().uploads_paused.as_deref(), Some("erasure_pending"));
    fs::remove_dir(&stubborn).unwrap();
    let mut effects = Vec::new();
    recorder.erase(None, at(13), &mut effects).unwrap();
    let [request] = &requests(&effects)[..] else { panic!("{effects:?}") };
    recorder.erasure_answered(request, 200, ERASED, None, at(14), &mut effects).unwrap();
    assert!(!dir.path().join("journal").exists());
}

/// The folder is somebody else's while the driver has everything erased, and free afterwards.
#[test]
fn a_trip_that_could_not_be_deleted_goes_on_in_no_case() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = recorder(dir.path(), key(5));
    drive(&mut first, 0..30);
    first.flush().unwrap();
    let mut second = recorder(dir.path(), key(5));
    let error = second.erase(None, at(31), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Busy { .. })), "{error}");
    drop(first);
    let mut effects = Vec::new();
    second.grant_consent(&mut effects).unwrap();
    assert!(!second.status().recording && second.status().traces_unsealed == 0, "{effects:?}");
}
