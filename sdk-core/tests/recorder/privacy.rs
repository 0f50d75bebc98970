//! What never leaves the phone: ends, known places, what was open at a withdrawal.

use super::*;

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
