//! What never leaves the phone: ends, known places, what was open at a withdrawal.

use super::{folders::trimmed, *};

#[test]
fn the_ends_of_a_trip_stay_on_the_phone() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let trimmed = RecorderConfig { trim: EndTrim::Metres(500), ..config(dir.path()) };
    let mut recorder = on_a_trip(trimmed, signer());
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
    let mut recorder = on_a_trip(private, signer());
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
    let mut recorder = on_a_trip(trimmed, signer());
    drive(&mut recorder, 0..60, &mut effects);
    recorder.set_privacy(zones()).unwrap();
    drive(&mut recorder, 60..300, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let fixes = own_fixes(&[next_upload(&mut recorder, at(300)).unwrap()]);
    assert_eq!((fixes[0].time_ms() - START_MS) / 1000, edge.unwrap());
}

#[test]
fn what_was_open_when_the_driver_withdrew_is_never_sealed() {
    for crash in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut effects = Vec::new();
        let mut recorder = on_a_trip(config(dir.path()), signer());
        drive(&mut recorder, 0..400, &mut effects);
        recorder.withdraw_consent().unwrap();
        assert!(!recorder.status().consent && !recorder.status().recording);
        let dropped = recorder.record(&fix(400), at(400).now_ms);
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

/// The app may die between noting the driver's withdrawal and telling the recorder, or could not open it.
#[test]
fn a_withdrawal_without_consent_forgets_what_an_earlier_run_left_open() {
    for (crash, trim) in [(false, false), (true, false), (false, true)] {
        let dir = tempfile::tempdir().unwrap();
        let config = || if trim { trimmed(dir.path()) } else { config(dir.path()) };
        let held = || {
            let files = fs::read_dir(dir.path().join("journal")).unwrap();
            files
                .filter(|f| f.as_ref().unwrap().path().extension() == Some("held".as_ref()))
                .count()
        };
        let mut effects = Vec::new();
        let mut recorder = on_a_trip(config(), signer());
        drive(&mut recorder, 0..400, &mut effects);
        recorder.flush().unwrap();
        drop(recorder);
        assert_eq!(held(), usize::from(trim));
        let mut recorder = Recorder::new(config(), signer());
        recorder.withdraw_consent().unwrap();
        recorder.withdraw_consent().unwrap();
        assert!(!recorder.status().consent && held() == 0);
        if crash {
            recorder = Recorder::new(config(), signer());
        }
        effects.clear();
        recorder.grant_consent(&mut effects).unwrap();
        assert_eq!(effects, [], "no trip goes on");
        let uploaded = next_upload(&mut recorder, at(500)).map(|upload| own_fixes(&[upload]).len());
        assert_eq!(uploaded, Some(300), "the trace sealed before, and nothing else");
    }
    // Of who never agreed there is nothing to forget, and nothing is written.
    let dir = tempfile::tempdir().unwrap();
    Recorder::new(config(dir.path()), signer()).withdraw_consent().unwrap();
    assert!(!dir.path().join("journal").exists());
}

#[test]
fn a_withdrawal_covers_what_the_key_store_still_had_to_sign() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = on_a_trip(config(dir.path()), key.clone());
    for second in 0..700 {
        recorder.record(&fix(second), at(second).now_ms);
    }
    let _ = recorder.stop_trip(&mut effects);
    let _ = recorder.start_trip(at(700), &mut effects);
    recorder.withdraw_consent().unwrap();
    key.1.store(true, Ordering::SeqCst);
    recorder.grant_consent(&mut effects).unwrap();
    assert_eq!(next_upload(&mut recorder, at(800)), None);
}

/// Seconds of what is uploaded, trace by trace.
fn runs(upload: &Upload) -> Vec<Vec<u64>> {
    let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
    let seconds = |fixes: &[Fix]| fixes.iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
    traces.iter().map(|t| seconds(t.decode().unwrap().fixes())).collect()
}

/// A zone that is set in mid-trip reaches what waits for the key store, what has joined the trace to be,
/// and the journal; what was sealed before stays.
#[test]
fn a_zone_set_in_mid_trip_reaches_all_that_is_not_sealed() {
    let around = |second: u64| {
        let centre = Fix::quantise(&fix(second)).unwrap().position();
        Zone::Circle { centre, radius_m: 40 }
    };
    for crash in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut effects = Vec::new();
        let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(true)));
        let mut recorder = on_a_trip(config(dir.path()), key.clone());
        drive(&mut recorder, 0..310, &mut effects);
        key.1.store(false, Ordering::SeqCst);
        for second in 310..700 {
            recorder.record(&fix(second), at(second).now_ms);
        }
        // Sealed, waiting for the key store, at the seam and in the open run.
        let zones = [100, 400, 599, 650].map(around).to_vec();
        recorder.set_privacy(Privacy::new(zones).unwrap()).unwrap();
        let status = recorder.status();
        assert_eq!(status.fixes_dropped[&DropReason::Zone], 15, "2 seconds before and after each");
        assert_eq!(status.fixes_kept, 700 - 15);
        key.1.store(true, Ordering::SeqCst);
        if crash {
            recorder = Recorder::new(config(dir.path()), signer());
            recorder.grant_consent(&mut effects).unwrap();
        }
        for second in 700..720 {
            recorder.record(&fix(second), at(second).now_ms);
        }
        recorder.stop_trip(&mut effects).unwrap();
        let runs = runs(&next_upload(&mut recorder, at(720)).unwrap());
        let all: Vec<u64> = runs.concat();
        for second in [400, 599, 650] {
            let hidden = second - 2..=second + 2;
            assert!(!all.iter().any(|s| hidden.contains(s)), "{second}, crash {crash}");
            assert!(
                !runs.iter().any(|r| r[0] < second && r[r.len() - 1] > second),
                "through {second}"
            );
        }
        assert!(all.contains(&100), "what was sealed stays");
        let mut own = all.clone();
        own.dedup();
        let until = if crash { 700 } else { 720 };
        let hidden = |s: &u64| [400, 599, 650].iter().any(|z| s.abs_diff(*z) <= 2);
        let want: Vec<u64> = (0..until).filter(|s| !hidden(s)).collect();
        assert_eq!(own, want, "crash {crash}");
    }
}

/// A second in a zone is a cut in the journal, too: after a crash nothing is joined through it.
#[test]
fn a_crash_joins_nothing_through_a_zone() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let centre = Fix::quantise(&fix(20)).unwrap().position();
    let privacy = Privacy::new(vec![Zone::Circle { centre, radius_m: 20 }]).unwrap();
    let private = || RecorderConfig { privacy: privacy.clone(), ..config(dir.path()) };
    let key = Arc::new(Stubborn(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
    let mut recorder = on_a_trip(private(), key);
    for second in 0..40 {
        recorder.record(&fix(second), at(second).now_ms);
    }
    drop(recorder);
    let mut recorder = Recorder::new(private(), signer());
    recorder.grant_consent(&mut effects).unwrap();
    let runs = runs(&next_upload(&mut recorder, at(50)).unwrap());
    assert_eq!(runs, [(0..19).collect::<Vec<_>>(), (22..40).collect()]);
}
