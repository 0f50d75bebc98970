//! The life of a drive, with a server that answers, fails, lies or is not there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod drives;
mod folders;
mod inquiries;
mod journal;
mod own_data;
mod places;
mod policy;
mod predecessors;
mod privacy;
mod radio;
mod receipts;

use std::{fs, path::Path, sync::Arc};

use hexmile_sdk_core::{
    DropReason, Effect, EndTrim, JournalError, Moment, Privacy, Recorded, Recorder, RecorderConfig,
    RecorderError, SealLimits, Upload, Zone,
};
use hexmile_trace::{
    Fix, NetworkId, Provider, RawFix, SignedTrace, TraceId,
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
        recorder.record(&fix(second), at(second).now_ms);
        recorder.seal(at(second), effects).unwrap();
    }
}

fn uploads(effects: &[Effect]) -> Vec<Upload> {
    let upload = |e: &Effect| if let Effect::Upload(u) = e { Some(u.clone()) } else { None };
    effects.iter().filter_map(upload).collect()
}

fn next_upload(recorder: &mut Recorder, moment: Moment) -> Option<Upload> {
    let mut effects = Vec::new();
    // What the tick would seal must be on disk before it leaves.
    recorder.seal(moment, &mut effects).unwrap();
    recorder.flush().unwrap();
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

/// A problem as the server tells it.
fn problem(code: &str, temporary: bool) -> String {
    format!(r#"{{"type":"urn:hexmile:problem:{code}","code":"{code}","temporary":{temporary}}}"#)
}

/// One problem a trace.
fn refuse(upload: &Upload, code: impl Fn(u64) -> Option<&'static str>, temporary: bool) -> String {
    let result = |(sequence, id): &(u64, TraceId)| match code(*sequence) {
        Some(code) => {
            let problem = problem(code, temporary);
            format!(r#"{{"trace_id":"{id}","status":"refused","problem":{problem}}}"#)
        }
        None => format!(
            r#"{{"trace_id":"{id}","status":"accepted","receipt":{{"received_at_ms":{START_MS}}}}}"#
        ),
    };
    let results: Vec<String> = upload.traces.iter().map(result).collect();
    format!(r#"{{"results":[{}]}}"#, results.join(","))
}

/// Fixes of their own in what was uploaded, in order.
fn own_fixes(uploads: &[Upload]) -> Vec<Fix> {
    let traces = uploads.iter().flat_map(|u| SignedTrace::read_batch(&u.request.body).unwrap());
    traces.flat_map(|t| t.decode().unwrap().own_fixes().to_vec()).collect()
}

/// A folder for a test that opens thousands of journals: in memory where there is such a place, so
/// that no disk is waited for.
fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
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

/// A recorder whose driver agreed, and whose first trip has begun.
fn on_a_trip(config: RecorderConfig, signer: Arc<dyn Signer>) -> Recorder {
    let mut recorder = Recorder::new(config, signer);
    recorder.grant_consent(&mut Vec::new()).unwrap();
    recorder.start_trip(at(0), &mut Vec::new()).unwrap();
    recorder
}

/// A recorder that has driven for so many seconds, and stopped.
fn after_a_drive(dir: &Path, seconds: u64) -> Recorder {
    let mut recorder = on_a_trip(config(dir), signer());
    let mut effects = Vec::new();
    drive(&mut recorder, 0..seconds, &mut effects);
    recorder.stop_trip(&mut effects).unwrap();
    recorder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
