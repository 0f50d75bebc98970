//! A phone whose app starts, drives, waits and dies, on a network that loses, delays, doubles and cuts.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use hexmile_sdk_core::{
    Conditions, Connection, Effect, EndTrim, Moment, Recorded, Recorder, RecorderConfig,
    SealLimits, Upload,
};
use hexmile_trace::{
    Fix, NetworkId, RawFix, TraceId,
    sign::{Signer, SoftwareSigner},
};
use tempfile::TempDir;

use crate::{
    Random, Tally,
    server::{Server, problem},
};

const START_MS: u64 = 1_700_000_000_000;

/// An answer on its way.
struct Answer {
    upload: Upload,
    status: u16,
    body: Vec<u8>,
    retry_after_s: Option<u32>,
}

pub(crate) struct Phone {
    random: Random,
    dir: TempDir,
    signer: Arc<SoftwareSigner>,
    economy: bool,
    recorder: Option<Recorder>,
    server: Server,
    now_ms: u64,
    connection: Connection,
    /// Fixes so far; each has a latitude of its own.
    metre: i32,
    /// Latitudes of the fixes that were kept.
    kept: BTreeSet<i32>,
    received: BTreeSet<TraceId>,
    /// Answers that come later, or never.
    late: Vec<Answer>,
    /// No upload may leave before, by the server's own word.
    quiet_until_ms: u64,
    faults: bool,
    tally: Tally,
}

impl Phone {
    pub(crate) fn new(mut random: Random) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&random.next().to_le_bytes());
        let signer = Arc::new(SoftwareSigner::from_seed(&seed));
        // In memory where there is such a place, so that no disk is waited for.
        let dir = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let economy = random.percent(50);
        Self {
            server: Server::new(network(), signer.public_key()),
            random,
            dir,
            signer,
            economy,
            recorder: None,
            now_ms: START_MS,
            connection: Connection::Unknown,
            metre: 0,
            kept: BTreeSet::new(),
            received: BTreeSet::new(),
            late: Vec::new(),
            quiet_until_ms: 0,
            faults: true,
            tally: Tally::default(),
        }
    }

    fn config(&self) -> RecorderConfig {
        let dir: PathBuf = self.dir.path().join("journal");
        let config = if self.economy {
            RecorderConfig::economy(dir, network())
        } else {
            RecorderConfig::live(dir, network())
        };
        RecorderConfig {
            trim: EndTrim::Off,
            seal: SealLimits { max_age_ms: 30_000 },
            max_batch: 3,
            server_keys: vec![Server::public_key()],
            ..config
        }
    }

    fn moment(&mut self) -> Moment {
        Moment { now_ms: self.now_ms, random: self.random.next() }
    }

    fn recorder(&mut self) -> &mut Recorder {
        self.recorder.as_mut().unwrap()
    }

    /// The app starts, drives or not, waits, and dies.
    pub(crate) fn session(&mut self) {
        self.begin();
        self.connect();
        if self.random.percent(80) {
            self.drive();
        }
        for _ in 0..self.random.below(6) {
            if self.random.percent(30) {
                self.connect();
            }
            let wait_ms = [1_000, 10_000, 130_000, 1_200_000][self.random.below(4) as usize];
            self.pass(wait_ms);
        }
        self.recorder = None;
        // Nobody is there to hear them.
        self.late.clear();
        self.now_ms += 1000 + self.random.below(7_200_000);
    }

    fn begin(&mut self) {
        let mut recorder = Recorder::new(self.config(), self.signer.clone());
        recorder.grant_consent(&mut Vec::new()).unwrap();
        self.recorder = Some(recorder);
        self.quiet_until_ms = 0;
    }

    fn connect(&mut self) {
        let connections = [Connection::Cellular, Connection::Wifi, Connection::None];
        self.connection = connections[self.random.below(3) as usize];
        self.tell();
    }

    fn tell(&mut self) {
        let conditions = Conditions { connection: self.connection, ..Conditions::default() };
        let (mut effects, moment) = (Vec::new(), self.moment());
        self.recorder().set_conditions(conditions, moment, &mut effects);
        self.carry_out(effects);
    }

    fn drive(&mut self) {
        let (mut effects, moment) = (Vec::new(), self.moment());
        self.recorder().start_trip(moment, &mut effects).unwrap();
        self.carry_out(effects);
        for second in 0..20 + self.random.below(90) {
            self.now_ms += 1000;
            self.record();
            if second % 10 == 0 {
                self.tick();
            }
        }
        if self.random.percent(70) {
            let mut effects = Vec::new();
            self.recorder().stop_trip(&mut effects).unwrap();
            self.carry_out(effects);
        }
    }

    /// Northwards at some 11 m/s.
    fn record(&mut self) {
        self.metre += 1;
        let raw = RawFix {
            time_ms: self.now_ms as i64,
            latitude_deg: f64::from(self.metre) * 1e-4,
            ..RawFix::default()
        };
        let moment = self.moment();
        let recorded = self.recorder().record(&raw, moment);
        assert_eq!(recorded, Recorded::Kept);
        self.kept.insert(Fix::quantise(&raw).unwrap().parts().lat_e6);
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        if !self.late.is_empty() && self.random.percent(70) {
            let which = self.random.below(self.late.len() as u64) as usize;
            let answer = self.late.swap_remove(which);
            self.hear(&answer);
        }
        self.tick();
    }

    fn tick(&mut self) {
        let (mut effects, moment) = (Vec::new(), self.moment());
        let recorder = self.recorder();
        recorder.seal(moment, &mut effects).unwrap();
        // The disk is quick, so that a failure can be run again.
        recorder.flush().unwrap();
        recorder.tick(moment, &mut effects).unwrap();
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Upload(upload) => self.send(&upload),
                Effect::FetchPolicy { .. } => {
                    assert_ne!(self.connection, Connection::None, "asked for without a connection");
                    let moment = self.moment();
                    self.recorder().policy_failed(moment);
                }
                Effect::Inquire(inquiry) => {
                    assert_ne!(self.connection, Connection::None, "asked for without a connection");
                    let moment = self.moment();
                    self.recorder().inquiry_failed(&inquiry, moment);
                }
                Effect::Received { trace, .. } => {
                    assert!(self.server.has(trace), "received, but by whom?");
                    assert!(self.received.insert(trace), "received twice");
                }
                Effect::Refused { code, .. } => panic!("given up: {code}"),
                Effect::Resealed { .. } => panic!("a number was used twice"),
                _ => {}
            }
        }
    }

    /// The network and the server do something with an upload.
    fn send(&mut self, upload: &Upload) {
        assert_ne!(self.connection, Connection::None, "sent without a connection");
        assert!(self.now_ms >= self.quiet_until_ms, "sent before the server wants to hear of it");
        self.tally.requests += 1;
        let dice = if self.faults { self.random.below(100) } else { 0 };
        let fate = match dice {
            0..40 => "answered",
            40..46 => "request lost",
            46..53 => "answer lost",
            53..57 => "host never reports",
            57..63 => "answer cut short",
            63..69 => "answer late",
            69..73 => "request doubled",
            73..77 => "answer doubled",
            77..82 => "429",
            82..87 => "503",
            87..90 => "504 after all",
            90..94 => "busy for some",
            94..97 => "receipt forged",
            _ => "a stranger answers",
        };
        *self.tally.fates.entry(fate).or_default() += 1;
        let body = &upload.request.body;
        let now_ms = self.now_ms;
        let taken = match fate {
            "request lost" | "429" | "503" | "a stranger answers" => String::new(),
            "busy for some" => {
                let random = &mut self.random;
                self.server.take(body, now_ms, || random.percent(50))
            }
            _ => self.server.take(body, now_ms, || false),
        };
        let answer = |status, body: String, retry_after_s| Answer {
            upload: upload.clone(),
            status,
            body: body.into_bytes(),
            retry_after_s,
        };
        match fate {
            "request lost" | "answer lost" => self.fail(),
            "host never reports" => {}
            "answer cut short" => {
                let cut = self.random.below(taken.len() as u64) as usize;
                let cut = taken[..cut].to_owned();
                self.hear(&answer(200, cut, None));
            }
            "answer late" => self.late.push(answer(200, taken, None)),
            "request doubled" => {
                let again = self.server.take(body, now_ms, || false);
                self.hear(&answer(200, again, None));
            }
            "answer doubled" => {
                self.hear(&answer(200, taken.clone(), None));
                self.hear(&answer(200, taken, None));
            }
            "429" | "503" => {
                let (status, code) = if fate == "429" { (429, "too_many") } else { (503, "busy") };
                let retry_s = self.random.below(900) as u32;
                self.quiet_until_ms = self.now_ms + u64::from(retry_s) * 1000;
                self.hear(&answer(status, problem(code, true), Some(retry_s)));
            }
            "504 after all" => self.hear(&answer(504, "<html>gateway timeout</html>".into(), None)),
            "receipt forged" => {
                self.hear(&answer(200, taken.replace("\"salt\":\"A", "\"salt\":\"B"), None));
            }
            "a stranger answers" => self.hear(&answer(200, "<html>sign in</html>".into(), None)),
            _ => self.hear(&answer(200, taken, None)),
        }
    }

    fn fail(&mut self) {
        let (mut effects, moment) = (Vec::new(), self.moment());
        self.recorder().upload_failed("lost", moment, &mut effects);
        self.carry_out(effects);
    }

    fn hear(&mut self, answer: &Answer) {
        if answer.status == 200 {
            // What settles something shows that the server is well again.
            self.quiet_until_ms = 0;
        }
        let (mut effects, moment) = (Vec::new(), self.moment());
        let Answer { upload, status, body, retry_after_s } = answer;
        let recorder = self.recorder.as_mut().unwrap();
        recorder.uploaded(upload, *status, body, *retry_after_s, moment, &mut effects).unwrap();
        self.carry_out(effects);
    }

    /// The faults end, and everything must have arrived.
    pub(crate) fn finish(mut self) -> Tally {
        self.faults = false;
        self.begin();
        self.connection = Connection::Wifi;
        self.tell();
        for _ in 0..40 {
            self.pass(3_600_000);
        }
        let status = self.recorder().status();
        assert_eq!((status.traces_waiting, status.traces_dropped), (0, 0), "{status:?}");
        let arrived: BTreeSet<i32> = self.server.fixes.keys().copied().collect();
        assert_eq!(self.kept.difference(&arrived).next(), None, "lost");
        assert_eq!(arrived.difference(&self.kept).next(), None, "made up");
        assert_eq!(self.server.fixes.values().find(|n| **n > 1), None, "doubled");
        assert_eq!(self.received.len(), self.server.traces(), "every trace is known to be there");
        self.tally.fixes = self.kept.len() as u64;
        self.tally.traces = self.server.traces() as u64;
        self.tally
    }
}

fn network() -> NetworkId {
    NetworkId::of_name("test")
}
