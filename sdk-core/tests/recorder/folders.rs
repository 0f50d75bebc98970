//! Folders that cannot be written, that vanish, or that two processes want; clocks that jump.

use std::process::{Command, Output};

use hexmile_sdk_core::secrets::FolderSecrets;

use super::*;

/// A folder that exists and in which nothing can be written, for a superuser, too.
fn read_only(dir: &Path) -> std::path::PathBuf {
    let folder = dir.join("read-only");
    fs::create_dir(&folder).unwrap();
    let mut permissions = fs::metadata(&folder).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&folder, permissions).unwrap();
    if cfg!(target_os = "linux") && fs::write(folder.join("probe"), "").is_ok() {
        return "/proc/self".into();
    }
    folder
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_consent_is_not_taken_for_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let shut = read_only(dir.path());
    for journal_dir in [shut.clone(), shut.join("x")] {
        let shut = RecorderConfig { journal_dir, ..config(dir.path()) };
        let mut recorder = Recorder::new(shut, signer());
        let error = recorder.grant_consent(&mut effects).unwrap_err();
        assert!(matches!(error, RecorderError::Journal(JournalError::Io { .. })), "{error}");
        assert!(!recorder.status().consent);
        let error = recorder.start_trip(at(0), &mut effects).unwrap_err();
        assert!(matches!(error, RecorderError::NoConsent), "{error}");
        let recorded = recorder.record(&fix(0), at(0).now_ms);
        assert_eq!(recorded, Recorded::Dropped(DropReason::NoConsent));
        recorder.withdraw_consent().unwrap();
        assert_eq!(effects, []);
    }
}

#[test]
fn a_folder_that_vanishes_is_told_and_what_is_not_sealed_is_written_again() {
    for crash in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut effects = Vec::new();
        let mut recorder = on_a_trip(config(dir.path()), signer());
        drive(&mut recorder, 0..400, &mut effects);
        recorder.flush().unwrap();
        assert_eq!(recorder.status().traces_waiting, 1);
        fs::remove_dir_all(dir.path().join("journal")).unwrap();
        recorder.record(&fix(400), at(400).now_ms);
        let flushed = recorder.flush();
        assert!(matches!(flushed, Err(RecorderError::Journal(_))), "{flushed:?}");
        for second in 401..410 {
            recorder.record(&fix(second), at(second).now_ms);
            let _ = recorder.tick(at(second), &mut effects);
            let _ = recorder.flush();
        }
        recorder.tick(at(410), &mut effects).unwrap();
        let status = recorder.status();
        assert_eq!(
            (status.traces_waiting, status.traces_dropped),
            (0, 1),
            "sealed there, and counted"
        );
        if crash {
            drop(recorder);
            recorder = Recorder::new(config(dir.path()), signer());
            recorder.grant_consent(&mut effects).unwrap();
        }
        recorder.stop_trip(&mut effects).unwrap();
        let upload = next_upload(&mut recorder, at(1000)).unwrap();
        let seconds: Vec<u64> =
            own_fixes(&[upload]).iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
        assert_eq!(seconds, (300..410).collect::<Vec<_>>(), "crash {crash}");
    }
}

/// Something cleans up large files, and leaves the folder with its lock.
#[test]
fn a_segment_that_vanishes_alone_is_told_and_recording_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let mut recorder = on_a_trip(config(dir.path()), signer());
    drive(&mut recorder, 0..20, &mut effects);
    recorder.flush().unwrap();
    fs::remove_file(dir.path().join("journal/00000001.hxj")).unwrap();
    recorder.record(&fix(20), at(20).now_ms);
    recorder.flush().unwrap_err();
    for second in 21..30 {
        recorder.record(&fix(second), at(second).now_ms);
        let _ = recorder.tick(at(second), &mut effects);
    }
    recorder.flush().unwrap();
    recorder.tick(at(30), &mut effects).unwrap();
    let mut other = Recorder::new(config(dir.path()), signer());
    let error = other.grant_consent(&mut effects).unwrap_err();
    assert!(matches!(error, RecorderError::Journal(JournalError::Busy { .. })), "still its own");
    drop(recorder);
    other.grant_consent(&mut effects).unwrap();
    let upload = next_upload(&mut other, at(1000)).unwrap();
    let seconds: Vec<u64> =
        own_fixes(&[upload]).iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
    assert_eq!(seconds, (0..30).collect::<Vec<_>>());
}

/// What another process does with a journal; no test of its own.
#[test]
fn as_another_process() {
    let Ok(dir) = std::env::var("HEXMILE_TEST_FOLDER") else { return };
    let dir = Path::new(&dir);
    let mut effects = Vec::new();
    let mut recorder = Recorder::new(trimmed(dir), signer());
    match recorder.grant_consent(&mut effects) {
        Err(RecorderError::Journal(JournalError::Busy { .. })) => std::process::exit(3),
        granted => granted.unwrap(),
    }
    recorder.start_trip(at(0), &mut effects).unwrap();
    for second in 0..100 {
        recorder.record(&fix(second), at(second).now_ms);
        recorder.tick(at(second), &mut effects).unwrap();
    }
    recorder.flush().unwrap();
    std::process::abort();
}

pub(super) fn trimmed(dir: &Path) -> RecorderConfig {
    RecorderConfig {
        trim: EndTrim::default(),
        learn_places: false,
        secrets: Arc::new(FolderSecrets::new(dir.join("keys"))),
        ..config(dir)
    }
}

fn another_process(dir: &Path) -> Output {
    let test = std::env::current_exe().unwrap();
    let mut command = Command::new(test);
    command.args(["--exact", "folders::as_another_process", "--nocapture"]);
    command.env("HEXMILE_TEST_FOLDER", dir).output().unwrap()
}

#[test]
fn two_processes_never_share_a_journal_and_one_that_dies_leaves_it_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut effects = Vec::new();
    let died = another_process(dir.path());
    assert!(!died.status.success() && died.status.code() != Some(3), "{died:?}");
    let mut recorder = Recorder::new(trimmed(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    assert!(matches!(effects[..], [Effect::TripResumed(_)]), "{effects:?}");
    assert_eq!(another_process(dir.path()).status.code(), Some(3), "busy, and told so");
    drive(&mut recorder, 110..200, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    let fixes = own_fixes(&[next_upload(&mut recorder, at(200)).unwrap()]);
    let seconds: Vec<u64> = fixes.iter().map(|f| (f.time_ms() - START_MS) / 1000).collect();
    assert_eq!(seconds, (34..100).chain(110..166).collect::<Vec<_>>(), "nothing of it is lost");
    assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 0, "its key is destroyed");
}

/// The phone's clock is set back or forward by an hour in mid-trip, and the app dies after it.
#[test]
fn a_clock_that_jumps_loses_and_doubles_nothing() {
    for jump_ms in [-3_600_000, 3_600_000_i64] {
        for crash in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut effects = Vec::new();
            let config = trimmed(dir.path());
            let mut recorder = on_a_trip(config.clone(), signer());
            let by = |second: u64| if second >= 100 { jump_ms } else { 0 };
            for second in 0..200 {
                let raw = RawFix {
                    time_ms: fix(second).time_ms + by(second),
                    provider: Provider::Fused,
                    ..fix(second)
                };
                let now_ms = at(second).now_ms.saturating_add_signed(by(second));
                let moment = Moment { now_ms, ..at(second) };
                recorder.record(&raw, moment.now_ms);
                recorder.seal(moment, &mut effects).unwrap();
                if crash && second == 110 {
                    recorder.flush().unwrap();
                    recorder = Recorder::new(self::config(&dir.path().join("unused")), signer());
                    assert!(!recorder.status().consent);
                    recorder = Recorder::new(config.clone(), signer());
                    recorder.grant_consent(&mut effects).unwrap();
                }
            }
            recorder.stop_trip(&mut effects).unwrap();
            effects.clear();
            let now_ms = at(200).now_ms.saturating_add_signed(jump_ms);
            let moment = Moment { now_ms: now_ms + 3_600_000, ..at(200) };
            let upload = next_upload(&mut recorder, moment).unwrap();
            let norths: Vec<i32> =
                own_fixes(&[upload]).iter().map(|f| f.position().lat_e6()).collect();
            let want: Vec<i32> =
                (34..166).map(|s| Fix::quantise(&fix(s)).unwrap().position().lat_e6()).collect();
            assert_eq!(norths, want, "by {jump_ms}, crash {crash}");
        }
    }
}
