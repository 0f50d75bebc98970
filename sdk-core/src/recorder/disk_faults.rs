//! A disk that fills up, or fails, at any time.

use std::{collections::BTreeSet, sync::Arc};

use hexmile_trace::{NetworkId, Position, RawFix, SignedTrace, TraceId, sign::SoftwareSigner};

use super::{Effect, Moment, Recorder, RecorderConfig, RecorderError, Upload};
use crate::{EndTrim, Privacy, Recorded, Zone};

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
    assert_eq!(recorder.record(&fix, at(second).now_ms), Recorded::Kept);
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

/// The seconds of what is of a trace's own, in an upload.
fn seconds(upload: &Upload) -> Vec<u64> {
    let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
    let fixes = traces.iter().flat_map(|t| t.decode().unwrap().own_fixes().to_vec());
    fixes.map(|f| (f.time_ms() - START_MS) / 1000).collect()
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
        assert_eq!(seconds(&sent), (0..130).collect::<Vec<_>>(), "full from {from} to {until}");
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
            let times = seconds(&sent);
            let once: BTreeSet<u64> = times.iter().copied().collect();
            assert_eq!(once.len(), times.len(), "full from {from} to {until}, crash {crash}");
            assert_eq!(once.len(), 300, "full from {from} to {until}, crash {crash}");
        }
    }
}

/// The driver sets a zone where they are, and takes it back, while the disk is full.
#[test]
fn a_zone_that_was_set_while_the_disk_was_full_is_obeyed_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = recording(&dir);
    for second in 0..10 {
        record(&mut recorder, second).unwrap();
    }
    recorder.journal.as_mut().unwrap().break_writes();
    let centre = Position::from_e6(1_000_000, 0).unwrap();
    let zone = Privacy::new(vec![Zone::Circle { centre, radius_m: 100 }]).unwrap();
    recorder.set_privacy(zone).unwrap_err();
    let _ = recorder.set_privacy(Privacy::default());
    recorder.journal.as_mut().unwrap().mend_writes();
    for second in 10..60 {
        record(&mut recorder, second).unwrap();
        recorder.seal(at(second), &mut Vec::new()).unwrap();
    }
    assert_eq!(recorder.status().traces_waiting, 1);
    drop(recorder);
    let sent = upload(&mut recording(&dir), 400).unwrap();
    assert_eq!(seconds(&sent), (10..60).collect::<Vec<_>>());
}

/// Two writes would leave both on a disk that has room for one: the server would get the fixes twice.
#[test]
fn a_trace_that_is_sealed_anew_takes_the_place_of_the_other_in_one_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = recording(&dir);
    for second in 0..20 {
        record(&mut recorder, second).unwrap();
    }
    recorder.stop_trip(&mut Vec::new()).unwrap();
    let refused = upload(&mut recorder, 20).unwrap();
    let [(_, trace)] = refused.traces[..] else { panic!("{refused:?}") };
    let body = format!(
        r#"{{"results":[{{"trace_id":"{trace}","status":"refused","problem":{{"code":"sequence_taken",
        "type":"urn:hexmile:problem:sequence_taken","temporary":false}}}}]}}"#
    );
    let writes = |recorder: &Recorder| recorder.journal.as_ref().unwrap().writes();
    let before = writes(&recorder);
    let mut effects = Vec::new();
    recorder.uploaded(&refused, 409, body.as_bytes(), None, at(21), &mut effects).unwrap();
    let resealed =
        effects.iter().any(|e| matches!(e, Effect::Resealed { was, .. } if *was == trace));
    assert!(resealed, "{effects:?}");
    assert_eq!(writes(&recorder) - before, 1);
    drop(recorder);
    let again = upload(&mut recording(&dir), 400).unwrap();
    assert_eq!(seconds(&again), (0..20).collect::<Vec<_>>(), "and each fix waits once");
}
