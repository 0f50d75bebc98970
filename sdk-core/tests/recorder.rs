//! The life of a drive, with a server that answers, fails, lies or is not there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, sync::Arc};

use hexmile_sdk_core::{
    DropReason, Effect, EndTrim, JournalError, Moment, Recorded, Recorder, RecorderConfig,
    RecorderError, SealLimits, Upload,
};
use hexmile_trace::{
    Fix, NetworkId, Provider, RawFix, SignedTrace,
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
        recorder.record(&fix(second), at(second), effects).unwrap();
    }
}

fn uploads(effects: &[Effect]) -> Vec<Upload> {
    let upload = |e: &Effect| if let Effect::Upload(u) = e { Some(u.clone()) } else { None };
    effects.iter().filter_map(upload).collect()
}

fn next_upload(recorder: &mut Recorder, moment: Moment) -> Option<Upload> {
    let mut effects = Vec::new();
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
    let recorded = recorder.record(&fix(0), at(0), &mut effects).unwrap();
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
    let refused = br#"{"code":"signature_invalid","temporary":false}"#;
    recorder.uploaded(&third, 403, refused, None, at(9001), &mut effects).unwrap();
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
    let refused = br#"{"code":"trace_malformed","temporary":false}"#;
    effects.clear();
    recorder.uploaded(&batch, 400, refused, None, at(701), &mut effects).unwrap();
    while let Some(upload) = uploads(&effects).pop() {
        assert_eq!(upload.traces.len(), 1);
        effects.clear();
        let (status, body) = if upload.traces[0].1 == guilty {
            (400, String::from_utf8_lossy(refused).into_owned())
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
    assert_eq!(seconds, want);
}

/// Cuts the journal at every byte: what was sealed before the cut is there, nothing is invented.
#[test]
fn a_journal_cut_anywhere_gives_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
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
        let dir = tempfile::tempdir().unwrap();
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
    let dir = tempfile::tempdir().unwrap();
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
        let dir = tempfile::tempdir().unwrap();
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
    let other = Arc::new(SoftwareSigner::from_seed(&[6; 32]));
    let error = Recorder::new(config(dir.path()), other).grant_consent(&mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Foreign { .. })), "{error}");
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
        let _ = recorder.record(&fix(second), at(second), &mut effects);
    }
    assert!(matches!(recorder.stop_trip(&mut effects), Err(RecorderError::Sign(_))));
    assert_eq!(recorder.status().traces_waiting, 0);
    key.1.store(true, Ordering::SeqCst);
    let upload = next_upload(&mut recorder, at(701)).unwrap();
    assert_eq!(own_fixes(&[upload]).len(), 700);
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
        let _ = recorder.record(&fix(second), at(second), &mut effects);
    }
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(1001)).unwrap();
    let want: Vec<Fix> = (0..1000).map(|s| Fix::quantise(&fix(s)).unwrap()).collect();
    assert_eq!(own_fixes(&[upload]), want);
    assert_eq!(recorder.status().traces_dropped, 0);
}
