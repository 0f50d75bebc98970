//! A phone that counts by itself what its radio does.

use std::{collections::VecDeque, path::PathBuf};

use super::*;

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Answered,
    Lost,
    Busy,
    /// The host never reports.
    Silence,
}

/// A phone whose host ticks every few seconds and when it is told to, and counts by itself what its
/// radio does.
pub(super) struct Phone {
    pub(super) config: RecorderConfig,
    pub(super) recorder: Recorder,
    pub(super) now_ms: u64,
    pub(super) conditions: Conditions,
    pub(super) fates: Vec<Fate>,
    pub(super) wake_at: Option<u64>,
    pub(super) tick_s: u64,
    pub(super) metres: f64,
    /// Capture times that wait to be released, and when those that were became so.
    pub(super) held: VecDeque<u64>,
    pub(super) released: BTreeMap<u64, u64>,
    pub(super) kept: u64,
    pub(super) active_ms: u64,
    pub(super) wake_ups: Vec<u64>,
    /// When each upload on a cellular connection left, and its bytes.
    pub(super) uploads: Vec<(u64, usize)>,
    pub(super) sent: BTreeMap<u64, u64>,
    pub(super) latest_ms: u64,
}

impl Phone {
    pub(super) fn new(config: RecorderConfig) -> Self {
        let mut recorder = Recorder::new(config.clone(), signer());
        recorder.grant_consent(&mut Vec::new()).unwrap();
        let mut phone = Self {
            config,
            recorder,
            now_ms: START_MS,
            conditions: CELLULAR,
            fates: Vec::new(),
            wake_at: None,
            tick_s: 5,
            metres: 0.0,
            held: VecDeque::new(),
            released: BTreeMap::new(),
            kept: 0,
            active_ms: 0,
            wake_ups: Vec::new(),
            uploads: Vec::new(),
            sent: BTreeMap::new(),
            latest_ms: 0,
        };
        phone.set(CELLULAR);
        phone
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now_ms: self.now_ms, random: self.now_ms.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
    }

    pub(super) fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
        let (mut effects, moment) = (Vec::new(), self.moment());
        self.recorder.set_conditions(conditions, moment, &mut effects);
        self.carry_out(effects);
    }

    pub(super) fn start(&mut self) {
        let (mut effects, moment) = (Vec::new(), self.moment());
        self.recorder.start_trip(moment, &mut effects).unwrap();
        self.carry_out(effects);
    }

    pub(super) fn stop(&mut self) {
        let mut effects = Vec::new();
        self.recorder.stop_trip(&mut effects).unwrap();
        self.held.clear();
        self.carry_out(effects);
    }

    pub(super) fn restart(&mut self) {
        let unused = RecorderConfig { journal_dir: PathBuf::from("unused"), ..self.config.clone() };
        drop(std::mem::replace(&mut self.recorder, Recorder::new(unused, signer())));
        self.recorder = Recorder::new(self.config.clone(), signer());
        self.recorder.grant_consent(&mut Vec::new()).unwrap();
        self.kept = 0;
        self.held.clear();
        self.set(self.conditions);
    }

    /// So many seconds at a speed, with a fix each where a trip is under way.
    pub(super) fn go(&mut self, seconds: u64, speed_mps: f64) {
        for _ in 0..seconds {
            self.now_ms += 1000;
            self.metres += speed_mps;
            if self.recorder.status().recording {
                self.fix(speed_mps);
            }
            let woken = self.wake_at.take_if(|at| *at <= self.now_ms).is_some();
            if woken || (self.now_ms / 1000).is_multiple_of(self.tick_s) {
                self.tick();
            }
        }
    }

    fn fix(&mut self, speed_mps: f64) {
        let raw = RawFix {
            time_ms: self.now_ms as i64,
            latitude_deg: 10.0 + self.metres / 111_195.0,
            speed_mps: Some(speed_mps),
            ..fix(0)
        };
        let recorded = self.recorder.record(&raw, self.moment());
        if matches!(recorded, Recorded::Kept | Recorded::Held) {
            self.held.push_back(self.now_ms);
        }
        let kept = self.recorder.status().fixes_kept;
        for _ in self.kept..kept {
            self.released.extend(self.held.pop_front().map(|fix| (fix, self.now_ms)));
        }
        self.kept = kept;
    }

    fn tick(&mut self) {
        let (mut effects, moment) = (Vec::new(), self.moment());
        // The disk is quick, so that every run is the same.
        self.recorder.seal(moment, &mut effects).unwrap();
        self.recorder.flush().unwrap();
        self.recorder.tick(moment, &mut effects).unwrap();
        self.carry_out(effects);
    }

    fn use_radio(&mut self, request: bool) {
        if self.conditions.connection == Connection::Wifi && !self.conditions.metered {
            return;
        }
        if request && self.now_ms.abs_diff(self.active_ms) >= TAIL_MS {
            self.wake_ups.push(self.now_ms);
        }
        self.active_ms = self.now_ms;
    }

    pub(super) fn carry_out(&mut self, mut effects: Vec<Effect>) {
        while !effects.is_empty() {
            let moment = self.moment();
            match effects.remove(0) {
                Effect::WakeAt(ms) => {
                    self.wake_at = Some(self.wake_at.map_or(ms, |at| at.min(ms)));
                }
                Effect::FetchPolicy { .. } => {
                    self.use_radio(true);
                    self.recorder.policy_failed(moment);
                }
                Effect::Inquire(inquiry) => {
                    self.use_radio(true);
                    let body = br#"{"status":"pending"}"#;
                    let recorder = &mut self.recorder;
                    recorder.inquiry_answered(&inquiry, 200, body, None, moment, &mut effects);
                }
                Effect::Upload(upload) => self.upload(&upload, &mut effects),
                _ => {}
            }
        }
    }

    fn upload(&mut self, upload: &Upload, effects: &mut Vec<Effect>) {
        self.use_radio(true);
        if self.conditions.connection == Connection::Cellular {
            self.uploads.push((self.now_ms, upload.request.body.len()));
        }
        for fix in own_fixes(std::slice::from_ref(upload)) {
            let released = self.released.get(&fix.time_ms()).copied().unwrap_or(self.now_ms);
            self.latest_ms = self.latest_ms.max(self.now_ms.saturating_sub(released));
            self.sent.entry(fix.time_ms()).or_insert(self.now_ms);
        }
        let (moment, busy) = (self.moment(), problem("busy", true));
        match self.fates.pop().unwrap_or(Fate::Answered) {
            Fate::Silence => {}
            Fate::Lost => {
                self.use_radio(false);
                self.recorder.upload_failed("lost", moment, effects);
            }
            Fate::Busy => {
                self.use_radio(false);
                let body = busy.as_bytes();
                self.recorder.uploaded(upload, 503, body, Some(7), moment, effects).unwrap();
            }
            Fate::Answered => {
                self.use_radio(false);
                let body = accept(upload);
                self.recorder
                    .uploaded(upload, 200, body.as_bytes(), None, moment, effects)
                    .unwrap();
            }
        }
    }

    pub(super) fn wait(&self) -> Option<(UploadHold, Option<u64>)> {
        self.recorder.status().uploads_wait.map(|wait| (wait.why, wait.until_ms))
    }

    pub(super) fn assert_four_an_hour(&self) {
        for five in self.wake_ups.windows(5) {
            assert!(five[4] - five[0] >= 3_600_000, "{five:?}");
        }
    }
}
