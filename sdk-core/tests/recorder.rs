//! The life of a drive, with a server that answers, fails, lies or is not there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, sync::Arc};

use hexmile_sdk_core::{
    DropReason, Effect, EndTrim, JournalError, Moment, Privacy, Recorded, Recorder, RecorderConfig,
    RecorderError, SealLimits, Upload, Zone,
};
use hexmile_trace::{
    Fix, NetworkId, Provider, RawFix, SignedTrace, TraceId,
    sign::{Domain, PublicKey, SIGNATURE_LEN, SignError, Signer, SoftwareSigner},
};
use std::sync::atomic::{AtomicBool, Ordering};

const START_MS: u64 = 1_700_000_000_000;

fn signer() -> Arc<SoftwareSigner> {
    Arc::new(SoftwareSigner::from_seed(&[5; 32]))
}

fn config(dir: &Path) -> RecorderConfig {
    RecorderConfig {
        trim: EndTrim::Off,
        seal: SealLimits::ECONOMY,
        ..RecorderConfig::new(dir.join("journal"), NetworkId::of_name("test"))
    }
}

fn at(second: u64) -> Moment {
    Moment { now_ms: START_MS + second * 1000, random: second }
}

/// Northwards at 15 m/s.
fn fix(second: u64) -> RawFix {
    RawFix {
        time_ms: at(second).now_ms as i64,
        latitude_deg: 10.0 + second as f64 * 15.0 / 111_195.0,
        longitude_deg: 20.0,
        accuracy_m: Some(4.0),
        speed_mps: Some(15.0),
        course_deg: Some(0.0),
        altitude_m: None,
        mock: false,
        provider: Provider::Gnss,
    }
}

fn drive(recorder: &mut Recorder, seconds: std::ops::Range<u64>, effects: &mut Vec<Effect>) {
    for second in seconds {
        recorder.record(&fix(second), at(second)).unwrap();
        recorder.seal(at(second), effects).unwrap();
    }
}

fn uploads(effects: &[Effect]) -> Vec<Upload> {
    let upload = |e: &Effect| if let Effect::Upload(u) = e { Some(u.clone()) } else { None };
    effects.iter().filter_map(upload).collect()
}

fn next_upload(recorder: &mut Recorder, moment: Moment) -> Option<Upload> {
    let mut effects = Vec::new();
    // What the tick would seal must be on disk before it leaves.
    recorder.seal(moment, &mut effects).unwrap();
    recorder.flush().unwrap();
    recorder.tick(moment, &mut effects).unwrap();
    uploads(&effects).pop()
}

fn accept(upload: &Upload) -> String {
    let results: Vec<String> = upload
        .traces
        .iter()
        .map(|(_, id)| format!(r#"{{"trace_id":"{id}","status":"accepted","receipt":{{"received_at_ms":{START_MS}}}}}"#))
        .collect();
    format!(r#"{{"results":[{}]}}"#, results.join(","))
}

/// A problem as the server tells it.
fn problem(code: &str, temporary: bool) -> String {
    format!(r#"{{"type":"urn:hexmile:problem:{code}","code":"{code}","temporary":{temporary}}}"#)
}

/// One problem a trace.
fn refuse(upload: &Upload, code: impl Fn(u64) -> Option<&'static str>, temporary: bool) -> String {
    let result = |(sequence, id): &(u64, TraceId)| match code(*sequence) {
        Some(code) => {
            let problem = problem(code, temporary);
            format!(r#"{{"trace_id":"{id}","status":"refused","problem":{problem}}}"#)
        }
        None => format!(
            r#"{{"trace_id":"{id}","status":"accepted","receipt":{{"received_at_ms":{START_MS}}}}}"#
        ),
    };
    let results: Vec<String> = upload.traces.iter().map(result).collect();
    format!(r#"{{"results":[{}]}}"#, results.join(","))
}

/// Fixes of their own in what was uploaded, in order.
fn own_fixes(uploads: &[Upload]) -> Vec<Fix> {
    let traces = uploads.iter().flat_map(|u| SignedTrace::read_batch(&u.request.body).unwrap());
    traces.flat_map(|t| t.decode().unwrap().own_fixes().to_vec()).collect()
}

#[test]
fn without_consent_no_byte_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    let mut effects = Vec::new();
    let error = recorder.start_trip(at(0), &mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::NoConsent));
    let recorded = recorder.record(&fix(0), at(0)).unwrap();
    assert_eq!(recorded, Recorded::Dropped(DropReason::NoConsent));
    recorder.tick(at(1), &mut effects).unwrap();
    assert_eq!(effects, []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_drive_is_sealed_uploaded_and_settled() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..700, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(700)).unwrap();
    let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
    assert_eq!(traces.len(), 3);
    let opened: Vec<_> = traces.iter().map(|t| t.decode().unwrap()).collect();
    for (i, trace) in opened.iter().enumerate() {
        traces[i].verify(&signer().public_key()).unwrap();
        assert_eq!(trace.header().sequence, at(0).now_ms + i as u64);
        assert_eq!(trace.header().context, i > 0);
        if i > 0 {
            assert_eq!(trace.fixes().first(), opened[i - 1].fixes().last(), "the seam is joined");
        }
    }
    let want: Vec<Fix> = (0..700).map(|s| Fix::quantise(&fix(s)).unwrap()).collect();
    assert_eq!(own_fixes(std::slice::from_ref(&upload)), want, "each fix once, none lost");
    effects.clear();
    recorder
        .uploaded(&upload, 200, accept(&upload).as_bytes(), None, at(701), &mut effects)
        .unwrap();
    assert_eq!(effects.iter().filter(|e| matches!(e, Effect::Received { .. })).count(), 3);
    assert_eq!(recorder.status().traces_waiting, 0);
    assert_eq!(next_upload(&mut recorder, at(702)), None);
}

#[test]
fn a_failed_upload_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..50, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let first = next_upload(&mut recorder, at(50)).unwrap();
    recorder.upload_failed("no network", at(51), &mut effects);
    assert!(effects.contains(&Effect::Delayed("no network".to_owned())));
    let second = next_upload(&mut recorder, at(4000)).unwrap();
    assert_eq!(first, second);
    let busy = br#"{"code":"busy","temporary":true}"#;
    recorder.uploaded(&second, 503, busy, Some(100), at(4001), &mut effects).unwrap();
    assert_eq!(next_upload(&mut recorder, at(4100)), None, "Retry-After is obeyed");
    let third = next_upload(&mut recorder, at(9000)).unwrap();
    assert_eq!(first, third);
    let refused = problem("signature_invalid", false);
    recorder.uploaded(&third, 403, refused.as_bytes(), None, at(9001), &mut effects).unwrap();
    assert_eq!(recorder.status().traces_refused["signature_invalid"], 1);
    assert_eq!(next_upload(&mut recorder, at(20_000)), None, "for good is for good");
}

#[test]
fn a_batch_refused_whole_costs_the_guilty_trace_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..700, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let batch = next_upload(&mut recorder, at(700)).unwrap();
    let guilty = batch.traces[1].1;
    let refused = problem("trace_malformed", false);
    effects.clear();
    recorder.uploaded(&batch, 400, refused.as_bytes(), None, at(701), &mut effects).unwrap();
    while let Some(upload) = uploads(&effects).pop() {
        assert_eq!(upload.traces.len(), 1);
        effects.clear();
        let (status, body) = if upload.traces[0].1 == guilty {
            (400, refused.clone())
        } else {
            (200, accept(&upload))
        };
        recorder.uploaded(&upload, status, body.as_bytes(), None, at(702), &mut effects).unwrap();
    }
    let status = recorder.status();
    assert_eq!((status.traces_received, status.traces_waiting), (2, 0));
    assert_eq!(status.traces_refused["trace_malformed"], 1);
}

#[test]
fn a_wrong_address_costs_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..50, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(50)).unwrap();
    let body = br#"{"code":"not_found","temporary":false}"#;
    recorder.uploaded(&upload, 404, body, None, at(51), &mut effects).unwrap();
    assert_eq!(recorder.status().traces_waiting, 1);
    assert!(effects.contains(&Effect::Delayed("not_found".to_owned())));
}

#[test]
fn a_lost_journal_does_not_lead_to_numbers_used_before() {
    let mut last = None;
    for start in [0, 1000] {
        // A new folder, the same key: the app's data was cleared.
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(config(dir.path()), signer());
        let mut effects = Vec::new();
        recorder.grant_consent(&mut effects).unwrap();
        recorder.start_trip(at(start), &mut effects).unwrap();
        drive(&mut recorder, start..start + 700, &mut effects);
        recorder.stop_trip(&mut effects).unwrap();
        let upload = next_upload(&mut recorder, at(start + 700)).unwrap();
        assert!(last < Some(upload.traces[0].0));
        last = upload.traces.last().map(|(sequence, _)| *sequence);
    }
}

#[test]
fn a_crash_loses_nothing_that_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    for (start, settle) in [(0, true), (1000, false), (2000, false)] {
        let mut recorder = Recorder::new(config(dir.path()), signer());
        recorder.grant_consent(&mut effects).unwrap();
        recorder.start_trip(at(start), &mut effects).unwrap();
        drive(&mut recorder, start..start + 400, &mut effects);
        if settle {
            let upload = next_upload(&mut recorder, at(start + 400)).unwrap();
            let body = accept(&upload);
            recorder
                .uploaded(&upload, 200, body.as_bytes(), None, at(start + 401), &mut effects)
                .unwrap();
        }
        // Dropped without a word, as a killed process would be.
    }
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(3000)).unwrap();
    assert!(upload.traces.iter().all(|(sequence, _)| *sequence >= START_MS));
    let seconds: Vec<u64> =
        own_fixes(&[upload]).iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
    let want: Vec<u64> = (300..400).chain(1000..1400).chain(2000..2400).collect();
    assert!(seconds == want, "{:?}", want.iter().find(|s| !seconds.contains(s)));
}

/// A folder for a test that opens thousands of journals: in memory where there is such a place, so
/// that no disk is waited for.
fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Cuts the journal at every byte: what was sealed before the cut is there, nothing is invented.
#[test]
fn a_journal_cut_anywhere_gives_what_was_whole() {
    let dir = quick_dir();
    let mut effects = Vec::new();
    let mut recorder = Recorder::new(
        RecorderConfig { seal: SealLimits { max_age_ms: 20_000 }, ..config(dir.path()) },
        signer(),
    );
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..70, &mut effects);
    drop(recorder);
    let segment = dir.path().join("journal/00000001.hxj");
    let whole = fs::read(&segment).unwrap();
    for cut in 0..=whole.len() {
        let dir = quick_dir();
        fs::create_dir(dir.path().join("journal")).unwrap();
        fs::write(dir.path().join("journal/00000001.hxj"), &whole[..cut]).unwrap();
        let mut recorder = Recorder::new(config(dir.path()), signer());
        recorder.grant_consent(&mut effects).unwrap();
        let fixes =
            next_upload(&mut recorder, at(100)).map(|u| own_fixes(&[u])).unwrap_or_default();
        let want: Vec<Fix> =
            (0..fixes.len() as u64).map(|s| Fix::quantise(&fix(s)).unwrap()).collect();
        assert_eq!(fixes, want, "cut at {cut}");
        if cut == whole.len() {
            assert_eq!(fixes.len(), 70);
        }
    }
}

#[test]
fn a_flipped_bit_costs_one_frame_at_most() {
    let dir = quick_dir();
    let mut effects = Vec::new();
    let mut recorder = Recorder::new(
        RecorderConfig { seal: SealLimits { max_age_ms: 10_000 }, ..config(dir.path()) },
        signer(),
    );
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..100, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let sealed = recorder.status().traces_waiting;
    drop(recorder);
    let segment = dir.path().join("journal/00000001.hxj");
    let whole = fs::read(&segment).unwrap();
    for byte in (21..whole.len()).step_by(37) {
        let mut flipped = whole.clone();
        flipped[byte] ^= 0x10;
        let dir = quick_dir();
        fs::create_dir(dir.path().join("journal")).unwrap();
        fs::write(dir.path().join("journal/00000001.hxj"), &flipped).unwrap();
        let mut recorder = Recorder::new(config(dir.path()), signer());
        recorder.grant_consent(&mut effects).unwrap();
        assert!(recorder.status().traces_waiting >= sealed - 1, "byte {byte}");
    }
}

#[test]
fn the_journal_is_bounded_and_drops_whole_traces_from_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut recorder = Recorder::new(
        RecorderConfig { journal_limit_bytes: 600_000, ..config(dir.path()) },
        signer(),
    );
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..40_000, &mut effects);
    let status = recorder.status();
    assert!(status.journal_bytes < 600_000 + 300_000, "{}", status.journal_bytes);
    assert!(status.traces_dropped > 0);
    let upload = next_upload(&mut recorder, at(40_000)).unwrap();
    let (first, _) = upload.traces[0];
    assert_eq!(first - START_MS, status.traces_dropped, "the oldest went, and no other");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut first = Recorder::new(config(dir.path()), signer());
    first.grant_consent(&mut effects).unwrap();
    let mut second = Recorder::new(config(dir.path()), signer());
    let error = second.grant_consent(&mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Busy { .. })), "{error}");
    drop(first);
    fs::write(dir.path().join("file"), "").unwrap();
    let taken = RecorderConfig { journal_dir: dir.path().join("file"), ..config(dir.path()) };
    let error = Recorder::new(taken, signer()).grant_consent(&mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Io { .. })), "{error}");
}

/// A key store that fails until it is told not to.
struct Stubborn(SoftwareSigner, AtomicBool);

impl Signer for Stubborn {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn sign(&self, domain: Domain, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        if self.1.load(Ordering::SeqCst) {
            self.0.sign(domain, message)
        } else {
            Err(SignError("locked".to_owned()))
        }
    }
}

#[test]
fn a_key_store_that_fails_delays_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = Recorder::new(config(dir.path()), key.clone());
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    for second in 0..700 {
        let _ = recorder.record(&fix(second), at(second));
    }
    assert!(matches!(recorder.stop_trip(&mut effects), Err(RecorderError::Sign(_))));
    let status = recorder.status();
    assert_eq!((status.traces_waiting, status.traces_unsealed), (0, 3));
    key.1.store(true, Ordering::SeqCst);
    let upload = next_upload(&mut recorder, at(701)).unwrap();
    assert_eq!(own_fixes(&[upload]).len(), 700);
}

/// A drive of 6000 s, without a tick.
#[test]
fn recording_seals_nothing_and_no_call_seals_without_bound() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    for second in 0..6000 {
        recorder.record(&fix(second), at(second)).unwrap();
    }
    let count = |r: &Recorder| (r.status().traces_unsealed, r.status().traces_waiting);
    assert_eq!(count(&recorder), (20, 0));
    recorder.stop_trip(&mut effects).unwrap();
    assert_eq!(count(&recorder), (5, 16), "what is left waits for a tick");
    recorder.tick(at(6000), &mut effects).unwrap();
    assert_eq!(count(&recorder), (0, 21));
}

#[test]
fn the_ends_of_a_trip_stay_on_the_phone() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let trimmed = RecorderConfig { trim: EndTrim::Metres(500), ..config(dir.path()) };
    let mut recorder = Recorder::new(trimmed, signer());
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..200, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let fixes = own_fixes(&[next_upload(&mut recorder, at(200)).unwrap()]);
    let seconds: Vec<u64> = fixes.iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
    // 500 m at 15 m/s are 33.3 s.
    assert_eq!((seconds[0], seconds[seconds.len() - 1]), (34, 165));
    let dropped = recorder.status().fixes_dropped;
    assert_eq!((dropped[&DropReason::TripStart], dropped[&DropReason::TripEnd]), (34, 34));
    let journal: Vec<u8> = fs::read_dir(dir.path().join("journal"))
        .unwrap()
        .flat_map(|f| fs::read(f.unwrap().path()).unwrap())
        .collect();
    for second in [0, 33, 166, 199] {
        let lat = Fix::quantise(&fix(second)).unwrap().position().lat_e6().to_le_bytes();
        assert!(!journal.windows(4).any(|w| w == lat), "second {second} is on disk");
    }
}

/// A key store that is locked for longer than a trace may be, and then a crash.
#[test]
fn a_long_open_run_is_recovered_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = Recorder::new(config(dir.path()), key);
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    for second in 0..1000 {
        let _ = recorder.record(&fix(second), at(second));
    }
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(1001)).unwrap();
    let want: Vec<Fix> = (0..1000).map(|s| Fix::quantise(&fix(s)).unwrap()).collect();
    assert_eq!(own_fixes(&[upload]), want);
    assert_eq!(recorder.status().traces_dropped, 0);
}

/// A drive of 4.5 km northwards from home, which is a known place.
#[test]
fn a_drive_from_a_known_place_is_cut_at_its_zone_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let home = Fix::quantise(&fix(0)).unwrap().position();
    let zone = Zone::around(home, &[3; 32]);
    let zones = || Privacy::new(vec![zone.clone()]).unwrap();
    let private =
        RecorderConfig { trim: EndTrim::default(), privacy: zones(), ..config(dir.path()) };
    let mut recorder = Recorder::new(private, signer());
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..300, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let there = own_fixes(&[next_upload(&mut recorder, at(300)).unwrap()]);
    let edge = (0..300).find(|s| !zone.contains(Fix::quantise(&fix(*s)).unwrap().position()));
    assert_eq!((there[0].time_ms() - START_MS) / 1000, edge.unwrap(), "the first fix outside");
    assert_eq!((there[there.len() - 1].time_ms() - START_MS) / 1000, 265, "the end is trimmed");
    let dropped = recorder.status().fixes_dropped;
    assert_eq!(dropped[&DropReason::Zone], edge.unwrap());
    assert!(!dropped.contains_key(&DropReason::TripStart));
    // A zone that is set during the drive holds for what is still held back.
    let dir = tempfile::tempdir().unwrap();
    let trimmed = RecorderConfig { trim: EndTrim::default(), ..config(dir.path()) };
    let mut recorder = Recorder::new(trimmed, signer());
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..60, &mut effects);
    recorder.set_privacy(zones());
    drive(&mut recorder, 60..300, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let fixes = own_fixes(&[next_upload(&mut recorder, at(300)).unwrap()]);
    assert_eq!((fixes[0].time_ms() - START_MS) / 1000, edge.unwrap());
}

/// A recorder that has driven for so many seconds, and stopped.
fn after_a_drive(dir: &Path, seconds: u64) -> Recorder {
    let mut recorder = Recorder::new(config(dir), signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..seconds, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    recorder
}

#[test]
fn what_was_open_when_the_driver_withdrew_is_never_sealed() {
    for crash in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut effects = Vec::new();
        let mut recorder = Recorder::new(config(dir.path()), signer());
        recorder.grant_consent(&mut effects).unwrap();
        recorder.start_trip(at(0), &mut effects).unwrap();
        drive(&mut recorder, 0..400, &mut effects);
        recorder.withdraw_consent().unwrap();
        assert!(!recorder.status().consent && !recorder.status().recording);
        let dropped = recorder.record(&fix(400), at(400)).unwrap();
        assert_eq!(dropped, Recorded::Dropped(DropReason::NoConsent));
        effects.clear();
        recorder.tick(at(401), &mut effects).unwrap();
        assert_eq!(effects, []);
        if crash {
            recorder = Recorder::new(config(dir.path()), signer());
        }
        recorder.grant_consent(&mut effects).unwrap();
        let upload = next_upload(&mut recorder, at(500)).unwrap();
        assert_eq!(own_fixes(&[upload]).len(), 300, "the trace sealed before, and nothing else");
    }
}

#[test]
fn a_withdrawal_covers_what_the_key_store_still_had_to_sign() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = Recorder::new(config(dir.path()), key.clone());
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    for second in 0..700 {
        let _ = recorder.record(&fix(second), at(second));
    }
    let _ = recorder.stop_trip(&mut effects);
    let _ = recorder.start_trip(at(700), &mut effects);
    recorder.withdraw_consent().unwrap();
    key.1.store(true, Ordering::SeqCst);
    recorder.grant_consent(&mut effects).unwrap();
    assert_eq!(next_upload(&mut recorder, at(800)), None);
}

#[test]
fn a_trip_that_ended_while_the_key_store_failed_survives_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = Recorder::new(config(dir.path()), key);
    recorder.grant_consent(&mut effects).unwrap();
    recorder.start_trip(at(0), &mut effects).unwrap();
    for second in 0..500 {
        let _ = recorder.record(&fix(second), at(second));
    }
    assert!(recorder.stop_trip(&mut effects).is_err());
    // The next trip begins all the same, and the crash comes in the middle of it.
    assert!(matches!(
        recorder.start_trip(at(600), &mut effects),
        Err(RecorderError::Sign(_)) | Ok(())
    ));
    assert!(recorder.status().recording);
    for second in 600..1000 {
        let _ = recorder.record(&fix(second), at(second));
    }
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(1001)).unwrap();
    let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
    let trips: Vec<_> = traces.iter().map(|t| t.decode().unwrap().header().trip).collect();
    assert!(trips.is_sorted_by_key(|trip| *trip != trips[0]) && trips[0] != trips[trips.len() - 1]);
    let seconds: Vec<u64> =
        own_fixes(&[upload]).iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
    assert_eq!(seconds, (0..500).chain(600..1000).collect::<Vec<_>>());
}

#[test]
fn traces_that_the_server_wants_later_let_the_others_pass() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 20 * 300);
    let mut effects = Vec::new();
    let first = next_upload(&mut recorder, at(6000)).unwrap();
    assert_eq!(first.traces.len(), 16);
    let held = first.traces[..3].to_vec();
    let is_held = |n: u64| held.iter().any(|(held, _)| *held == n).then_some("busy");
    let body = refuse(&first, is_held, true);
    recorder.uploaded(&first, 200, body.as_bytes(), Some(30), at(6001), &mut effects).unwrap();
    let second = uploads(&effects).pop().unwrap();
    assert!(second.traces.iter().all(|(n, _)| is_held(*n).is_none()), "at once, without the three");
    let body = accept(&second);
    effects.clear();
    recorder.uploaded(&second, 200, body.as_bytes(), None, at(6002), &mut effects).unwrap();
    assert_eq!(recorder.status().traces_waiting, 3);
    let third = next_upload(&mut recorder, at(7000)).unwrap();
    assert_eq!(third.traces, held);
    let body = refuse(&third, |_| Some("busy"), true);
    effects.clear();
    recorder.uploaded(&third, 503, body.as_bytes(), Some(50), at(7001), &mut effects).unwrap();
    assert_eq!(next_upload(&mut recorder, at(7050)), None, "nothing was settled: all wait");
}

#[test]
fn a_trace_is_too_old_only_by_the_phones_own_clock() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 50);
    let mut effects = Vec::new();
    let body = problem("captured_too_long_ago", false);
    let upload = next_upload(&mut recorder, at(60)).unwrap();
    recorder.uploaded(&upload, 422, body.as_bytes(), None, at(61), &mut effects).unwrap();
    assert_eq!(recorder.status().traces_waiting, 1, "it is a minute old");
    let week = at(7 * 24 * 3600);
    let upload = next_upload(&mut recorder, week).unwrap();
    recorder.uploaded(&upload, 422, body.as_bytes(), None, week, &mut effects).unwrap();
    assert_eq!(recorder.status().traces_waiting, 0);
    assert_eq!(recorder.status().traces_refused["captured_too_long_ago"], 1);
}

#[test]
fn a_server_that_takes_no_such_sdk_pauses_uploads_and_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 700);
    let mut effects = Vec::new();
    let upload = next_upload(&mut recorder, at(700)).unwrap();
    let body = refuse(&upload, |_| Some("sdk_too_old"), false);
    recorder.uploaded(&upload, 422, body.as_bytes(), None, at(701), &mut effects).unwrap();
    let status = recorder.status();
    assert_eq!((status.traces_waiting, status.uploads_paused.as_deref()), (3, Some("sdk_too_old")));
    let paused = |e: &Effect| matches!(e, Effect::Paused { code, .. } if code == "sdk_too_old");
    assert!(effects.iter().any(paused));
    assert_eq!(next_upload(&mut recorder, at(3600)), None);
    let again = next_upload(&mut recorder, at(8 * 3600)).unwrap();
    assert_eq!(again.traces, upload.traces);
    let body = accept(&again);
    recorder.uploaded(&again, 200, body.as_bytes(), None, at(8 * 3600), &mut effects).unwrap();
    let status = recorder.status();
    assert_eq!((status.traces_waiting, status.uploads_paused), (0, None));
}

fn policy(min_sdk: &str, max_batch: usize, max_upload_bytes: usize) -> String {
    let network = NetworkId::of_name("test");
    format!(
        r#"{{"network_id":"{network}","server_time_ms":{START_MS},"trace_versions":[1],
        "min_sdk":"{min_sdk}","max_batch":{max_batch},"max_upload_bytes":{max_upload_bytes}}}"#
    )
}

/// A tick, and whether it asks for the server's policy.
fn asks(recorder: &mut Recorder, second: u64) -> (bool, Option<Upload>) {
    let mut effects = Vec::new();
    recorder.flush().unwrap();
    recorder.tick(at(second), &mut effects).unwrap();
    let asked = effects.contains(&Effect::FetchPolicy { path: "/v1/policy" });
    (asked, uploads(&effects).pop())
}

#[test]
fn the_servers_policy_is_asked_for_and_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 1000);
    let (asked, upload) = asks(&mut recorder, 1000);
    assert!(asked && upload.unwrap().traces.len() == 4);
    let mut effects = Vec::new();
    recorder.policy_answered(
        200,
        policy("9.0.0", 2, 1 << 20).as_bytes(),
        None,
        at(1001),
        &mut effects,
    );
    let paused = |e: &Effect| matches!(e, Effect::Paused { code, .. } if code == "sdk_too_old");
    assert!(effects.iter().any(paused), "{effects:?}");
    assert_eq!(recorder.status().uploads_paused.as_deref(), Some("sdk_too_old"));
    assert_eq!(recorder.status().server_policy.unwrap().min_sdk.to_string(), "9.0.0");
    recorder.upload_failed("no network", at(1002), &mut effects);
    assert_eq!(asks(&mut recorder, 10_000), (false, None), "it costs no further upload");
    let (asked, upload) = asks(&mut recorder, 1001 + 7 * 3600);
    assert!(asked && upload.is_none());
    let later = 1002 + 7 * 3600;
    effects.clear();
    recorder.policy_answered(
        200,
        policy("0.1.0", 2, 1 << 20).as_bytes(),
        None,
        at(later),
        &mut effects,
    );
    let upload = uploads(&effects).pop().unwrap();
    assert_eq!(upload.traces.len(), 2, "as many as the server takes at once");
    assert_eq!(recorder.status().uploads_paused, None);
    recorder.upload_failed("no network", at(later), &mut effects);
    let day = later + 26 * 3600;
    assert!(asks(&mut recorder, day).0, "once a day");
    effects.clear();
    recorder.upload_failed("no network", at(day), &mut effects);
    recorder.policy_answered(
        200,
        policy("0.1.0", 9, 1).as_bytes(),
        None,
        at(day + 1),
        &mut effects,
    );
    let (_, upload) = asks(&mut recorder, day + 3600);
    assert_eq!(upload.unwrap().traces.len(), 1, "a trace alone always goes");
}

#[test]
fn a_policy_that_is_none_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 1000);
    assert!(asks(&mut recorder, 1000).0);
    let mut effects = Vec::new();
    recorder.policy_answered(200, b"<html>sign in</html>", None, at(1001), &mut effects);
    assert_eq!((effects, recorder.status().server_policy), (vec![], None));
    recorder.withdraw_consent().unwrap();
    let body = policy("9.0.0", 1, 1);
    recorder.policy_answered(200, body.as_bytes(), None, at(1001), &mut Vec::new());
    assert_eq!(recorder.status().server_policy, None);
}

#[test]
fn a_refused_sdk_asks_what_the_server_takes() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 50);
    let (_, upload) = asks(&mut recorder, 50);
    let (upload, mut effects) = (upload.unwrap(), Vec::new());
    recorder.policy_answered(
        200,
        policy("0.1.0", 9, 1 << 20).as_bytes(),
        None,
        at(51),
        &mut effects,
    );
    let body = refuse(&upload, |_| Some("sdk_too_old"), false);
    effects.clear();
    recorder.uploaded(&upload, 422, body.as_bytes(), None, at(52), &mut effects).unwrap();
    assert!(effects.contains(&Effect::FetchPolicy { path: "/v1/policy" }), "{effects:?}");
    effects.clear();
    recorder.policy_answered(
        200,
        policy("0.1.0", 9, 1 << 20).as_bytes(),
        None,
        at(53),
        &mut effects,
    );
    assert_eq!(uploads(&effects), [], "the refusal stands until its pause is over");
}

#[test]
fn a_number_that_is_taken_is_left_for_another() {
    for code in ["sequence_taken", "sequence_closed"] {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = after_a_drive(dir.path(), 700);
        let mut effects = Vec::new();
        let mut upload = next_upload(&mut recorder, at(700)).unwrap();
        let want = own_fixes(std::slice::from_ref(&upload));
        let mut now = 700;
        for _ in 0..4 {
            let body = refuse(&upload, |_| Some(code), false);
            effects.clear();
            recorder.uploaded(&upload, 409, body.as_bytes(), None, at(now), &mut effects).unwrap();
            let resealed = |e: &&Effect| matches!(e, Effect::Resealed { .. });
            assert_eq!(effects.iter().filter(resealed).count(), 3);
            now += 3600;
            let next = next_upload(&mut recorder, at(now)).unwrap();
            let highest = upload.traces.iter().map(|(n, _)| *n).max();
            assert!(next.traces.iter().all(|(n, _)| Some(*n) > highest));
            upload = next;
        }
        assert_eq!(own_fixes(std::slice::from_ref(&upload)), want);
        for signed in SignedTrace::read_batch(&upload.request.body).unwrap() {
            signed.verify(&signer().public_key()).unwrap();
        }
        drop(recorder);
        let mut recorder = Recorder::new(config(dir.path()), signer());
        recorder.grant_consent(&mut effects).unwrap();
        assert_eq!(next_upload(&mut recorder, at(now)).unwrap().traces, upload.traces);
    }
}

#[test]
fn a_restored_folder_does_not_lead_to_numbers_used_before() {
    let dir = tempfile::tempdir().unwrap();
    drop(after_a_drive(dir.path(), 50));
    let saved = tempfile::tempdir().unwrap();
    copy(&dir.path().join("journal"), &saved.path().join("journal"));
    let mut numbers = Vec::new();
    for (start, folder) in [(1000, dir.path()), (2000, saved.path())] {
        let mut recorder = Recorder::new(config(folder), signer());
        let mut effects = Vec::new();
        recorder.grant_consent(&mut effects).unwrap();
        recorder.start_trip(at(start), &mut effects).unwrap();
        drive(&mut recorder, start..start + 700, &mut effects);
        recorder.stop_trip(&mut effects).unwrap();
        let upload = next_upload(&mut recorder, at(start + 700)).unwrap();
        numbers.extend(upload.traces.iter().skip(1).map(|(n, _)| *n));
    }
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|w| w[0] < w[1]), "{numbers:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn an_upload_without_an_answer_goes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = after_a_drive(dir.path(), 50);
    let mut effects = Vec::new();
    let first = next_upload(&mut recorder, at(50)).unwrap();
    recorder.tick(at(100), &mut effects).unwrap();
    assert_eq!(effects, [Effect::WakeAt(at(170).now_ms)]);
    effects.clear();
    recorder.tick(at(170), &mut effects).unwrap();
    assert!(effects.contains(&Effect::Delayed("no_answer".to_owned())), "{effects:?}");
    let again = next_upload(&mut recorder, at(1200)).unwrap();
    assert_eq!(again, first);
    // Both are answered after all.
    for _ in 0..2 {
        let body = accept(&first);
        recorder.uploaded(&first, 200, body.as_bytes(), None, at(1201), &mut effects).unwrap();
    }
    assert_eq!(recorder.status().traces_received, 1);
}

#[test]
fn another_devices_files_are_set_aside_and_recording_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(after_a_drive(dir.path(), 50));
    let journal = dir.path().join("journal");
    fs::write(journal.join("00000007.hxj"), "no journal at all, but long enough").unwrap();
    fs::write(journal.join("00000008.hxj"), [0; 4096]).unwrap();
    let other = Arc::new(SoftwareSigner::from_seed(&[6; 32]));
    let mut recorder = Recorder::new(config(dir.path()), other);
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    assert_eq!(effects, [Effect::SetAside { segments: 2 }]);
    let status = recorder.status();
    assert_eq!((status.segments_set_aside, status.traces_waiting), (2, 0));
    recorder.start_trip(at(0), &mut effects).unwrap();
    drive(&mut recorder, 0..50, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    assert_eq!(recorder.status().traces_waiting, 1);
    drop(recorder);
    // The first key comes back: its files were renamed, not lost, and nothing is in its way.
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let aside = fs::read_dir(&journal).unwrap().map(|f| f.unwrap().file_name());
    let aside: Vec<_> = aside.filter(|name| name.to_string_lossy().contains("foreign")).collect();
    assert_eq!(aside.len(), 3, "{aside:?}");
}

mod receipts {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hexmile_trace::{DeviceId, KeyId, Receipt, ReceiptBody};

    fn server() -> SoftwareSigner {
        SoftwareSigner::from_seed(&[9; 32])
    }

    fn receipt(sequence: u64, trace: TraceId, key: &SoftwareSigner) -> Receipt {
        let body = ReceiptBody {
            network: NetworkId::of_name("test"),
            trace,
            device: DeviceId::of_key(&signer().public_key()),
            sequence,
            received_at_ms: START_MS,
            salt: [3; 16],
            key: KeyId::of_key(&key.public_key()),
        };
        Receipt::sign(body, key).unwrap()
    }

    fn answer(upload: &Upload, make: impl Fn(u64, TraceId) -> Receipt) -> String {
        let result = |(sequence, trace): &(u64, TraceId)| {
            let r = make(*sequence, *trace);
            let b = r.body;
            // A key's name has the length and the form of a network's.
            let key = NetworkId(b.key.0);
            format!(
                r#"{{"trace_id":"{trace}","status":"accepted","receipt":{{"network":"{}","trace_id":"{}",
                "device_id":"{}","sequence":{},"received_at_ms":{},"salt":"{}","key_id":"{key}",
                "signature":"{}"}}}}"#,
                b.network,
                b.trace,
                b.device,
                b.sequence,
                b.received_at_ms,
                STANDARD.encode(b.salt),
                STANDARD.encode(r.signature),
            )
        };
        let results: Vec<String> = upload.traces.iter().map(result).collect();
        format!(r#"{{"results":[{}]}}"#, results.join(","))
    }

    #[test]
    fn a_trace_is_done_when_its_receipt_verifies_and_the_receipt_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        drop(after_a_drive(dir.path(), 700));
        let pinned =
            RecorderConfig { server_keys: vec![server().public_key()], ..config(dir.path()) };
        let mut recorder = Recorder::new(pinned, signer());
        let mut effects = Vec::new();
        recorder.grant_consent(&mut effects).unwrap();
        let mut now = 700;
        let forged = SoftwareSigner::from_seed(&[8; 32]);
        let lies: [&dyn Fn(u64, TraceId) -> Receipt; 3] = [
            &|sequence, trace| receipt(sequence, trace, &forged),
            &|sequence, trace| receipt(sequence + 1, trace, &server()),
            &|sequence, _| receipt(sequence, TraceId([0; 32]), &server()),
        ];
        for (n, lie) in lies.iter().enumerate() {
            let upload = next_upload(&mut recorder, at(now)).unwrap();
            let body = answer(&upload, lie);
            recorder.uploaded(&upload, 200, body.as_bytes(), None, at(now), &mut effects).unwrap();
            let status = recorder.status();
            assert_eq!((status.traces_waiting, status.receipts_invalid), (3, 3 * (n as u64 + 1)));
            now += 3600;
        }
        let upload = next_upload(&mut recorder, at(now)).unwrap();
        let body = answer(&upload, |sequence, trace| receipt(sequence, trace, &server()));
        recorder.uploaded(&upload, 200, body.as_bytes(), None, at(now), &mut effects).unwrap();
        assert_eq!(recorder.status().traces_waiting, 0);
        let want: Vec<Receipt> =
            upload.traces.iter().map(|(n, trace)| receipt(*n, *trace, &server())).collect();
        assert_eq!(recorder.receipts().unwrap(), want);
        drop(recorder);
        let mut recorder = Recorder::new(config(dir.path()), signer());
        recorder.grant_consent(&mut effects).unwrap();
        assert_eq!(recorder.receipts().unwrap(), want);
    }
}
