//! Files that were cut, flipped, filled up, or are another device's.

use super::*;

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

#[test]
fn a_host_that_never_ticks_fills_neither_memory_nor_disk() {
    let dir = quick_dir();
    let mut recorder = on_a_trip(config(dir.path()), signer());
    let mut effects = Vec::new();
    for second in 0..70_000 {
        recorder.record(&fix(second), at(second).now_ms);
        if second % 5000 == 0 {
            recorder.flush().unwrap();
        }
    }
    let status = recorder.status();
    assert!(status.fixes_dropped.get(&DropReason::NoRoom).is_some_and(|n| *n > 30_000));
    assert!(status.journal_bytes < 2_000_000, "{}", status.journal_bytes);
    for second in 70_000..70_010 {
        recorder.tick(at(second), &mut effects).unwrap();
    }
    assert_eq!(recorder.record(&fix(70_010), at(70_010).now_ms), Recorded::Kept);
}
