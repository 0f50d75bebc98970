//! A disk that fills up, or fails, at any time.

use std::{collections::BTreeSet, sync::Arc};

use hexmile_trace::{NetworkId, RawFix, SignedTrace, TraceId, sign::SoftwareSigner};

use super::{Effect, Moment, Recorder, RecorderConfig, RecorderError, Upload};
use crate::{EndTrim, Recorded};

const START_MS: u64 = 1_700_000_000_000;

fn at(second: u64) -> Moment {
    Moment { now_ms: START_MS + second * 1000, random: second }
}

/// A recorder on a trip.
fn recording(dir: &tempfile::TempDir) -> Recorder {
    let network = NetworkId::of_name("test");
    let config = RecorderConfig {
        trim: EndTrim::Off,
        ..RecorderConfig::new(dir.path().join("journal"), network)
    };
    let mut recorder = Recorder::new(config, Arc::new(SoftwareSigner::from_seed(&[5; 32])));
    recorder.grant_consent(&mut Vec::new()).unwrap();
    recorder.start_trip(at(0), &mut Vec::new()).unwrap();
    recorder
}

/// Records a fix, and writes it as a tick does.
fn record(recorder: &mut Recorder, second: u64) -> Result<(), RecorderError> {
    let time_ms = at(second).now_ms.cast_signed();
    let fix = RawFix { time_ms, latitude_deg: 1.0, ..RawFix::default() };
    assert_eq!(recorder.record(&fix, at(second)), Recorded::Kept);
    recorder.write()
}

fn upload(recorder: &mut Recorder, second: u64) -> Option<Upload> {
    let mut effects = Vec::new();
    recorder.seal(at(second), &mut effects).unwrap();
    recorder.flush().unwrap();
    recorder.tick(at(second), &mut effects).unwrap();
    effects.into_iter().find_map(|effect| match effect {
        Effect::Upload(upload) => Some(upload),
        _ => None,
    })
}

/// The server has it all.
fn accept(upload: &Upload) -> String {
    let result = |(_, trace): &(u64, TraceId)| {
        format!(r#"{{"trace_id":"{trace}","status":"accepted","receipt":{{"received_at_ms":1}}}}"#)
    };
    let results: Vec<String> = upload.traces.iter().map(result).collect();
    format!(r#"{{"results":[{}]}}"#, results.join(","))
}

/// A disk that is full does not make a phone upload the same trace for ever.
#[test]
fn a_receipt_that_cannot_be_written_ends_the_upload_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = recording(&dir);
    for second in 0..100 {
        record(&mut recorder, second).unwrap();
    }
    recorder.stop_trip(&mut Vec::new()).unwrap();
    let upload_1 = upload(&mut recorder, 100).unwrap();
    assert!(upload_1.traces.len() > 1);
    recorder.journal.as_mut().unwrap().break_writes();
    let mut effects = Vec::new();
    let body = accept(&upload_1);
    let done = recorder.uploaded(&upload_1, 200, body.as_bytes(), None, at(101), &mut effects);
    assert!(matches!(done, Err(RecorderError::Journal(_))), "the host is told");
    assert_eq!(recorder.status().traces_received, upload_1.traces.len() as u64);
    assert_eq!(upload(&mut recorder, 102), None);
}

/// A run that is sealed takes its own fixes off the open ones and no other, written late or not.
#[test]
fn a_crash_after_a_full_disk_loses_nothing() {
    for (from, until) in [(20, 40), (40, 50), (44, 46), (45, 100)] {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = recording(&dir);
        for second in 0..130 {
            if second == from {
                recorder.journal.as_mut().unwrap().break_writes();
            }
            if second == until {
                recorder.journal.as_mut().unwrap().mend_writes();
            }
            let _ = record(&mut recorder, second);
            let _ = recorder.seal(at(second), &mut Vec::new());
        }
        drop(recorder);
        let sent = upload(&mut recording(&dir), 400).unwrap();
        let traces = SignedTrace::read_batch(&sent.request.body).unwrap();
        let fixes = traces.iter().flat_map(|t| t.decode().unwrap().own_fixes().to_vec());
        let times: Vec<u64> = fixes.map(|f| (f.time_ms() - START_MS) / 1000).collect();
        assert_eq!(times, (0..130).collect::<Vec<_>>(), "full from {from} to {until}");
    }
}

/// Wherever in a drive the disk fills up and has room again, the host is told, and once there is room
/// all of the drive is sealed, each fix once; after a crash, too.
#[test]
fn a_full_disk_delays_and_loses_nothing_of_a_drive_that_outlasts_it() {
    for (from, until) in [(0, 1), (0, 60), (20, 40), (40, 50), (44, 46), (45, 200), (90, 299)] {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = recording(&dir);
        for second in 0..300 {
            if second == from {
                recorder.journal.as_mut().unwrap().break_writes();
            }
            if second == until {
                recorder.journal.as_mut().unwrap().mend_writes();
            }
            let full = (from..until).contains(&second);
            assert_eq!(record(&mut recorder, second).is_err(), full, "second {second}");
        }
        recorder.stop_trip(&mut Vec::new()).unwrap();
        for crash in [false, true] {
            if crash {
                drop(recorder);
                recorder = recording(&dir);
            }
            let sent = upload(&mut recorder, 400).unwrap();
            let traces = SignedTrace::read_batch(&sent.request.body).unwrap();
            let fixes = traces.iter().flat_map(|t| t.decode().unwrap().own_fixes().to_vec());
            let times: Vec<u64> = fixes.map(|f| (f.time_ms() - START_MS) / 1000).collect();
            let once: BTreeSet<u64> = times.iter().copied().collect();
            assert_eq!(once.len(), times.len(), "full from {from} to {until}, crash {crash}");
            assert_eq!(once.len(), 300, "full from {from} to {until}, crash {crash}");
        }
    }
}
