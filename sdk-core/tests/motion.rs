//! A day of a phone that follows its own motion: parked, driven, parked.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use hexmile_sdk_core::{
    Effect, EndTrim, Hint, LocationRequest, Moment, MotionState, Recorder, RecorderConfig,
};
use hexmile_trace::{NetworkId, RawFix, sign::SoftwareSigner};

const START_MS: u64 = 1_700_000_000_000;

/// A host that asks for locations as it is told, and ticks every five seconds.
struct Host {
    recorder: Recorder,
    request: LocationRequest,
    second: u64,
    north_m: f64,
    fixes: u64,
}

impl Host {
    fn new(dir: &std::path::Path, follow_motion: bool) -> Self {
        let config = RecorderConfig {
            follow_motion,
            trim: EndTrim::Off,
            ..RecorderConfig::new(dir.join("journal"), NetworkId::of_name("test"))
        };
        let signer = Arc::new(SoftwareSigner::from_seed(&[5; 32]));
        let recorder = Recorder::new(config, signer);
        Self { recorder, request: LocationRequest::Off, second: 0, north_m: 0.0, fixes: 0 }
    }

    fn moment(&self) -> Moment {
        Moment { now_ms: START_MS + self.second * 1000, random: self.second }
    }

    fn carry_out(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Locate(request) = effect {
                self.request = *request;
            }
        }
    }

    fn hint(&mut self, hint: Hint) {
        let (moment, mut effects) = (self.moment(), Vec::new());
        self.recorder.hint(hint, moment, &mut effects).unwrap();
        self.carry_out(&effects);
    }

    fn go(&mut self, seconds: u64, speed_mps: f64) {
        for _ in 0..seconds {
            self.second += 1;
            self.north_m += speed_mps;
            let moment = self.moment();
            let interval_s = u64::from(self.request.interval_ms()) / 1000;
            if interval_s > 0 && self.second.is_multiple_of(interval_s) {
                self.fixes += 1;
                let raw = RawFix {
                    time_ms: moment.now_ms as i64,
                    latitude_deg: self.north_m / 111_195.0,
                    accuracy_m: Some(5.0),
                    speed_mps: Some(speed_mps),
                    ..RawFix::default()
                };
                self.recorder.record(&raw, moment);
            }
            if self.second.is_multiple_of(5) {
                let mut effects = Vec::new();
                self.recorder.tick(moment, &mut effects).unwrap();
                self.carry_out(&effects);
            }
        }
    }
}

#[test]
fn a_day_is_two_drives_and_no_fix_between_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::new(dir.path(), true);
    host.hint(Hint::Moved);
    assert_eq!(host.recorder.status().motion, Some(MotionState::Parked), "no consent, no motion");
    host.recorder.grant_consent(&mut Vec::new()).unwrap();
    host.go(600, 0.0);
    for drive in 1..=2 {
        assert_eq!(host.request, LocationRequest::Off);
        let before = host.fixes;
        host.hint(Hint::Moved);
        host.go(30, 9.0);
        assert!(host.recorder.status().recording, "drive {drive} is under way within 30 s");
        host.go(600, 12.0);
        assert!(host.fixes > before + 600);
        host.go(400, 0.0);
        let status = host.recorder.status();
        assert!(!status.recording && status.motion == Some(MotionState::Parked));
        let parked = host.fixes;
        host.go(3600, 0.0);
        assert_eq!(host.fixes, parked, "parked, the host is told to ask for no location");
    }
    host.hint(Hint::Car { connected: true });
    assert!(host.recorder.status().recording);
    host.recorder.withdraw_consent().unwrap();
    let status = host.recorder.status();
    assert_eq!((status.recording, status.motion), (false, Some(MotionState::Parked)));
}

#[test]
fn a_host_that_says_when_is_not_overruled() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::new(dir.path(), false);
    let mut effects = Vec::new();
    host.recorder.grant_consent(&mut effects).unwrap();
    host.hint(Hint::Car { connected: true });
    assert!(!host.recorder.status().recording);
    host.recorder.start_trip(host.moment(), &mut effects).unwrap();
    host.request = LocationRequest::Urban;
    host.go(1200, 0.0);
    assert!(host.recorder.status().recording && host.recorder.status().motion.is_none());
    assert_eq!(host.request, LocationRequest::Urban);
}
