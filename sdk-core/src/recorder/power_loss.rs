//! Power that goes before the disk has what was written.

use std::{fs, sync::Arc};

use hexmile_trace::{NetworkId, RawFix, SignedTrace, sign::SoftwareSigner};

use super::{Effect, Moment, Recorder, RecorderConfig, Upload};
use crate::EndTrim;

const START_MS: u64 = 1_700_000_000_000;

fn at(second: u64) -> Moment {
    Moment { now_ms: START_MS + second * 1000, random: second }
}

fn recorder(dir: &tempfile::TempDir) -> Recorder {
    let config = RecorderConfig {
        trim: EndTrim::Off,
        ..RecorderConfig::new(dir.path().join("journal"), NetworkId::of_name("test"))
    };
    let mut recorder = Recorder::new(config, Arc::new(SoftwareSigner::from_seed(&[5; 32])));
    recorder.grant_consent(&mut Vec::new()).unwrap();
    recorder
}

/// A drive of 100 s whose traces are not yet on disk.
fn unsynced(dir: &tempfile::TempDir) -> Recorder {
    let mut recorder = recorder(dir);
    recorder.journal.as_ref().unwrap().hold_syncs(true);
    recorder.start_trip(at(0), &mut Vec::new()).unwrap();
    for second in 0..100 {
        let time_ms = at(second).now_ms.cast_signed();
        let fix = RawFix { time_ms, latitude_deg: 1.0, ..RawFix::default() };
        recorder.record(&fix, at(second));
    }
    recorder.stop_trip(&mut Vec::new()).unwrap();
    recorder
}

fn tick(recorder: &mut Recorder, second: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    recorder.tick(at(second), &mut effects).unwrap();
    effects
}

fn upload(effects: &[Effect]) -> Option<Upload> {
    effects.iter().find_map(|effect| match effect {
        Effect::Upload(upload) => Some(upload.clone()),
        _ => None,
    })
}

fn times(upload: &Upload) -> Vec<u64> {
    let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
    let fixes = traces.iter().flat_map(|t| t.decode().unwrap().own_fixes().to_vec());
    fixes.map(|fix| (fix.time_ms() - START_MS) / 1000).collect()
}

#[test]
fn a_trace_leaves_only_when_it_is_on_disk_and_no_caller_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = unsynced(&dir);
    assert_eq!(tick(&mut recorder, 101), [Effect::WakeAt(at(102).now_ms)]);
    assert_eq!(recorder.status().traces_waiting, 3);
    recorder.journal.as_ref().unwrap().hold_syncs(false);
    recorder.flush().unwrap();
    assert_eq!(times(&upload(&tick(&mut recorder, 102)).unwrap()), (0..100).collect::<Vec<_>>());
}

/// The server would have two traces of the same fixes if the first had left before.
#[test]
fn fixes_whose_trace_went_with_the_power_are_sealed_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = unsynced(&dir);
    let mut sent = upload(&tick(&mut recorder, 101)).map(|u| times(&u)).unwrap_or_default();
    drop(recorder);
    // Of what was not synced, the disk has the fixes, and not the traces.
    let segment = dir.path().join("journal/00000001.hxj");
    let bytes = fs::read(&segment).unwrap();
    let first_trace = bytes.windows(4).position(|w| w == b"HXM1").unwrap();
    fs::write(&segment, &bytes[..first_trace]).unwrap();
    let mut recorder = self::recorder(&dir);
    recorder.seal(at(200), &mut Vec::new()).unwrap();
    recorder.flush().unwrap();
    let again = upload(&tick(&mut recorder, 201)).unwrap();
    sent.extend(times(&again));
    let mut once = sent.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), sent.len());
    assert!(once.len() > 20);
}

#[test]
fn what_an_earlier_process_left_is_synced_before_it_leaves() {
    let dir = tempfile::tempdir().unwrap();
    drop(unsynced(&dir));
    let mut recorder = recorder(&dir);
    recorder.flush().unwrap();
    assert!(upload(&tick(&mut recorder, 200)).is_some());
}
