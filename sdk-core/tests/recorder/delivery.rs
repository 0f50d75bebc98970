//! What the server answers, and what becomes of a trace by it.

use super::*;

#[test]
fn a_failed_upload_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = on_a_trip(config(dir.path()), signer());
    let mut effects = Vec::new();
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
    assert_eq!(recorder.status().traces_refused.get("signature_invalid"), Some(&1));
    assert_eq!(next_upload(&mut recorder, at(20_000)), None, "for good is for good");
}

#[test]
fn a_batch_refused_whole_costs_the_guilty_trace_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = on_a_trip(config(dir.path()), signer());
    let mut effects = Vec::new();
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
    assert_eq!(status.traces_refused.get("trace_malformed"), Some(&1));
}

#[test]
fn a_wrong_address_costs_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = on_a_trip(config(dir.path()), signer());
    let mut effects = Vec::new();
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
    assert_eq!(recorder.status().traces_refused.get("captured_too_long_ago"), Some(&1));
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
