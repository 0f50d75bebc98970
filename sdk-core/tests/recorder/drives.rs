//! From consent to a sealed drive, over crashes and key stores that fail.

use super::*;

#[test]
fn without_consent_no_byte_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(config(dir.path()), signer());
    let mut effects = Vec::new();
    let error = recorder.start_trip(at(0), &mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::NoConsent));
    let recorded = recorder.record(&fix(0), at(0));
    assert_eq!(recorded, Recorded::Dropped(DropReason::NoConsent));
    recorder.tick(at(1), &mut effects).unwrap();
    assert_eq!(effects, []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_drive_is_sealed_uploaded_and_settled() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = on_a_trip(config(dir.path()), signer());
    let mut effects = Vec::new();
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

#[test]
fn a_key_store_that_fails_delays_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = on_a_trip(config(dir.path()), key.clone());
    for second in 0..700 {
        recorder.record(&fix(second), at(second));
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
    let mut recorder = on_a_trip(config(dir.path()), signer());
    for second in 0..6000 {
        recorder.record(&fix(second), at(second));
    }
    let count = |r: &Recorder| (r.status().traces_unsealed, r.status().traces_waiting);
    assert_eq!(count(&recorder), (20, 0));
    recorder.stop_trip(&mut effects).unwrap();
    assert_eq!(count(&recorder), (5, 16), "what is left waits for a tick");
    recorder.tick(at(6000), &mut effects).unwrap();
    assert_eq!(count(&recorder), (0, 21));
}

/// A key store that is locked for longer than a trace may be, and then a crash.
#[test]
fn a_long_open_run_is_recovered_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = on_a_trip(config(dir.path()), key);
    for second in 0..1000 {
        recorder.record(&fix(second), at(second));
    }
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let upload = next_upload(&mut recorder, at(1001)).unwrap();
    let want: Vec<Fix> = (0..1000).map(|s| Fix::quantise(&fix(s)).unwrap()).collect();
    assert_eq!(own_fixes(&[upload]), want);
    assert_eq!(recorder.status().traces_dropped, 0);
}

#[test]
fn a_trip_that_ended_while_the_key_store_failed_survives_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = on_a_trip(config(dir.path()), key);
    for second in 0..500 {
        recorder.record(&fix(second), at(second));
    }
    assert!(recorder.stop_trip(&mut effects).is_err());
    // The next trip begins all the same, and the crash comes in the middle of it.
    assert!(matches!(
        recorder.start_trip(at(600), &mut effects),
        Err(RecorderError::Sign(_)) | Ok(())
    ));
    assert!(recorder.status().recording);
    for second in 600..1000 {
        recorder.record(&fix(second), at(second));
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
