//! Random sequences of calls against a server that loses answers, with crashes, withdrawals and a key
//! store that comes and goes: nothing recorded is lost, doubled, or sent against the driver's will.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hexmile_sdk_core::{
    Conditions, Connection, Effect, EndTrim, ExportFormat, Moment, Recorded, Recorder,
    RecorderConfig, SealLimits, Upload,
};
use hexmile_trace::{
    NetworkId, RawFix, SignedTrace, TraceId,
    sign::{Domain, PublicKey, SIGNATURE_LEN, SignError, Signer, SoftwareSigner},
};
use proptest::prelude::*;

const START_MS: u64 = 1_700_000_000_000;

/// A key store that may be locked.
struct KeyStore(SoftwareSigner, AtomicBool);

impl Signer for KeyStore {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn sign(&self, domain: Domain, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], SignError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(SignError("locked".to_owned()));
        }
        self.0.sign(domain, message)
    }
}

#[derive(Clone, Debug)]
enum Call {
    Grant,
    Withdraw,
    Start,
    Stop,
    /// So many fixes, so many seconds apart.
    Drive(u16, u8),
    /// A fix that is none.
    Nonsense,
    Tick(u16),
    Lock(bool),
    /// The phone's connection is another.
    Connect(Connection),
    /// The driver looks at what there is, and takes it along.
    Look,
    /// The process dies and comes back; so many bytes of the newest file are lost with the power.
    Crash(u8),
}

/// What the server does with an upload.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Accept,
    /// Accepts, and the answer is lost.
    AcceptUnheard,
    Busy,
    /// Takes every second trace, and wants the others later.
    Half,
    /// Says that every new number is taken.
    Taken,
    Unreachable,
    /// The host never reports.
    Silence,
    /// Another server's page.
    Stranger,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => Just(Call::Grant),
        1 => Just(Call::Withdraw),
        3 => Just(Call::Start),
        2 => Just(Call::Stop),
        6 => (1..200_u16, prop_oneof![1..3_u8, 1..40_u8]).prop_map(|(n, step)| Call::Drive(n, step)),
        1 => Just(Call::Nonsense),
        5 => (1..4000_u16).prop_map(Call::Tick),
        1 => any::<bool>().prop_map(Call::Lock),
        2 => connection().prop_map(Call::Connect),
        1 => Just(Call::Look),
        4 => prop_oneof![7 => Just(0), 1 => 1..200_u8].prop_map(Call::Crash),
    ]
}

fn connection() -> impl Strategy<Value = Connection> {
    prop_oneof![Just(Connection::None), Just(Connection::Wifi), Just(Connection::Cellular)]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Accept),
        1 => Just(Answer::AcceptUnheard),
        1 => Just(Answer::Busy),
        1 => Just(Answer::Half),
        1 => Just(Answer::Taken),
        1 => Just(Answer::Unreachable),
        1 => Just(Answer::Silence),
        1 => Just(Answer::Stranger),
    ]
}

#[derive(Default)]
struct Server {
    traces: BTreeSet<TraceId>,
    numbers: BTreeMap<u64, TraceId>,
    /// Capture times, with how often each came.
    times: BTreeMap<u64, u32>,
}

impl Server {
    fn result(&mut self, trace: &SignedTrace, answer: Answer, at: usize) -> String {
        let id = trace.id();
        let problem = |code: &str, temporary: bool| {
            format!(
                r#"{{"trace_id":"{id}","status":"refused","problem":{{"type":"urn:hexmile:problem:{code}",
                "code":"{code}","temporary":{temporary}}}}}"#
            )
        };
        match answer {
            Answer::Half if at % 2 == 1 => return problem("busy", true),
            Answer::Taken if !self.traces.contains(&id) => return problem("sequence_taken", false),
            _ => {}
        }
        let status = if self.traces.insert(id) {
            let opened = trace.decode().unwrap();
            self.numbers.entry(opened.header().sequence).or_insert(id);
            for fix in opened.own_fixes() {
                *self.times.entry(fix.time_ms()).or_default() += 1;
            }
            "accepted"
        } else {
            "duplicate"
        };
        let receipt = format!(r#"{{"received_at_ms":{START_MS}}}"#);
        format!(r#"{{"trace_id":"{id}","status":"{status}","receipt":{receipt}}}"#)
    }

    fn answer(&mut self, upload: &Upload, answer: Answer) -> String {
        let traces = SignedTrace::read_batch(&upload.request.body).unwrap();
        let results = traces.iter().enumerate().map(|(at, trace)| self.result(trace, answer, at));
        format!(r#"{{"results":[{}]}}"#, results.collect::<Vec<_>>().join(","))
    }
}

struct World {
    folder: PathBuf,
    key: Arc<KeyStore>,
    recorder: Recorder,
    server: Server,
    answers: Vec<Answer>,
    now_ms: u64,
    random: u64,
    trip: bool,
    connection: Connection,
    /// Kept fixes that must arrive.
    owed: BTreeSet<u64>,
    /// Kept fixes that may arrive: of a trip that was withdrawn, or lost with the power.
    free: BTreeSet<u64>,
    torn: bool,
}

fn recorder(folder: &std::path::Path, key: &Arc<KeyStore>) -> Recorder {
    let config = RecorderConfig {
        trim: EndTrim::Off,
        seal: SealLimits { max_age_ms: 100_000 },
        max_batch: 4,
        ..RecorderConfig::new(folder.to_owned(), NetworkId::of_name("test"))
    };
    Recorder::new(config, key.clone())
}

impl World {
    fn moment(&mut self) -> Moment {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Moment { now_ms: self.now_ms, random: self.random }
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        while let Some(effect) = effects.pop() {
            let Effect::Upload(upload) = effect else { continue };
            assert_ne!(self.connection, Connection::None, "sent without a connection");
            let answer = self.answers.pop().unwrap_or(Answer::Accept);
            let moment = self.moment();
            let (status, body) = match answer {
                Answer::Silence => continue,
                Answer::AcceptUnheard => {
                    self.server.answer(&upload, answer);
                    self.recorder.upload_failed("lost", moment, &mut effects);
                    continue;
                }
                Answer::Unreachable => {
                    self.recorder.upload_failed("unreachable", moment, &mut effects);
                    continue;
                }
                Answer::Busy => (503, r#"{"code":"busy","temporary":true}"#.to_owned()),
                Answer::Stranger => (200, "<html>".to_owned()),
                Answer::Accept | Answer::Half | Answer::Taken => {
                    (200, self.server.answer(&upload, answer))
                }
            };
            // A key store that is locked shows here; what it costs is judged at the end.
            let _ = self.recorder.uploaded(
                &upload,
                status,
                body.as_bytes(),
                None,
                moment,
                &mut effects,
            );
        }
    }

    fn call(&mut self, call: &Call) {
        let mut effects = Vec::new();
        let consent = self.recorder.status().consent;
        match call {
            Call::Grant => self.recorder.grant_consent(&mut effects).unwrap(),
            Call::Withdraw => {
                self.recorder.withdraw_consent().unwrap();
                self.trip = false;
                self.free.append(&mut self.owed);
            }
            Call::Start => {
                let moment = self.moment();
                let _ = self.recorder.start_trip(moment, &mut effects);
                self.trip = consent;
            }
            Call::Stop => {
                let _ = self.recorder.stop_trip(&mut effects);
                self.trip = false;
            }
            Call::Drive(fixes, step) => {
                for _ in 0..*fixes {
                    self.now_ms += u64::from(*step) * 1000;
                    let raw = RawFix {
                        time_ms: self.now_ms as i64,
                        latitude_deg: (self.now_ms / 1000 % 100_000) as f64 / 1e4,
                        ..RawFix::default()
                    };
                    let moment = self.moment();
                    let recorded = self.recorder.record(&raw, moment);
                    let kept = recorded == Recorded::Kept;
                    assert_eq!(kept, self.trip, "a fix is kept on a trip, and on a trip alone");
                    if kept {
                        self.owed.insert(self.now_ms);
                    }
                }
            }
            Call::Nonsense => {
                let raw = RawFix { latitude_deg: f64::NAN, time_ms: i64::MIN, ..RawFix::default() };
                let moment = self.moment();
                self.recorder.record(&raw, moment);
            }
            Call::Tick(seconds) => {
                self.now_ms += u64::from(*seconds) * 1000;
                let moment = self.moment();
                let _ = self.recorder.seal(moment, &mut effects);
                // What is sealed leaves with this tick or the next, as the disk is quick or slow; here
                // it always is, so that a failure can be run again.
                self.recorder.flush().unwrap();
                let _ = self.recorder.tick(moment, &mut effects);
            }
            Call::Connect(connection) => {
                let conditions = Conditions { connection: *connection, ..Conditions::default() };
                self.connection = *connection;
                let moment = self.moment();
                self.recorder.set_conditions(conditions, moment, &mut effects);
            }
            Call::Look => {
                let (mut gpx, mut json) = (Vec::new(), Vec::new());
                let exported = self.recorder.export(ExportFormat::Gpx, &mut gpx);
                assert_eq!(exported.is_ok(), consent);
                assert_eq!(self.recorder.own_cells(10).is_ok(), consent);
                if consent {
                    self.recorder.export(ExportFormat::Json, &mut json).unwrap();
                    serde_json::from_slice::<serde_json::Value>(&json).unwrap();
                }
            }
            Call::Lock(locked) => self.key.1.store(*locked, Ordering::SeqCst),
            Call::Crash(torn) => {
                self.crash(*torn);
                if consent {
                    self.recorder.grant_consent(&mut effects).unwrap();
                }
            }
        }
        assert_eq!(self.recorder.status().recording, self.trip);
        self.carry_out(effects);
    }

    fn crash(&mut self, torn: u8) {
        self.trip = false;
        self.connection = Connection::Unknown;
        // The old process is gone before the new one opens the folder.
        let unused = recorder(&self.folder.join("unused"), &self.key);
        drop(std::mem::replace(&mut self.recorder, unused));
        if torn > 0
            && let Ok(files) = std::fs::read_dir(&self.folder)
        {
            let files = files.map(|file| file.unwrap().path());
            let segments = files.filter(|path| path.extension().is_some_and(|e| e == "hxj"));
            if let Some(newest) = segments.max() {
                let file = std::fs::OpenOptions::new().write(true).open(newest).unwrap();
                let len = file.metadata().unwrap().len();
                file.set_len(len.saturating_sub(u64::from(torn))).unwrap();
                self.torn = true;
                self.free.append(&mut self.owed);
            }
        }
        self.recorder = recorder(&self.folder, &self.key);
    }

    fn finish(&mut self) {
        self.key.1.store(false, Ordering::SeqCst);
        self.answers.clear();
        self.call(&Call::Grant);
        self.call(&Call::Stop);
        self.call(&Call::Connect(Connection::Wifi));
        for _ in 0..40 {
            self.call(&Call::Tick(3600));
        }
        let status = self.recorder.status();
        assert_eq!(status.traces_waiting, 0, "{status:?}");
        let arrived: BTreeSet<u64> = self.server.times.keys().copied().collect();
        assert!(self.owed.is_subset(&arrived), "lost: {:?}", self.owed.difference(&arrived).next());
        let known: BTreeSet<u64> = self.owed.union(&self.free).copied().collect();
        assert!(arrived.is_subset(&known), "made up: {:?}", arrived.difference(&known).next());
        if !self.torn {
            let doubled = self.server.times.iter().find(|(_, n)| **n > 1);
            assert_eq!(doubled, None, "doubled");
            assert_eq!(self.server.numbers.len(), self.server.traces.len(), "a number used twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_sent_against_the_drivers_will(
        calls in proptest::collection::vec(call(), 1..60),
        answers in proptest::collection::vec(answer(), 0..30),
        seed: u64,
    ) {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let folder = dir.path().join("journal");
        let key = Arc::new(KeyStore(SoftwareSigner::from_seed(&[5; 32]), AtomicBool::new(false)));
        let mut world = World {
            recorder: recorder(&folder, &key),
            folder,
            key,
            server: Server::default(),
            answers,
            now_ms: START_MS,
            random: seed,
            trip: false,
            connection: Connection::Unknown,
            owed: BTreeSet::new(),
            free: BTreeSet::new(),
            torn: false,
        };
        world.call(&Call::Grant);
        for call in &calls {
            world.call(call);
        }
        world.finish();
    }
}
