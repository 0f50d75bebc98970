//! Timelines of a phone whose host asks for locations as it is told.

use super::*;
use MotionState::{Driving, Parked, Starting};
use proptest::prelude::*;

const START_MS: u64 = 1_700_000_000_000;

/// A phone on a synthetic drive, with a host that asks for locations as it is told to.
struct Phone {
    motion: Motion,
    second: u64,
    east_m: f64,
    fixes: u64,
}

impl Phone {
    fn new() -> Self {
        Self { motion: Motion::new(), second: 0, east_m: 0.0, fixes: 0 }
    }

    fn now_ms(&self) -> u64 {
        START_MS + self.second * 1000
    }

    fn hint(&mut self, hint: Hint) {
        self.motion.hint(hint, self.now_ms());
    }

    fn fix(&self) -> RawFix {
        // A receiver that wanders by a few metres.
        let noise_m = (self.second * 7 % 11) as f64;
        RawFix {
            time_ms: self.now_ms() as i64,
            longitude_deg: (self.east_m + noise_m) / 111_195.0,
            accuracy_m: Some(8.0),
            ..RawFix::default()
        }
    }

    /// Goes on at a speed until a state is reached; how many seconds it took, `None` for never.
    fn until(&mut self, state: MotionState, speed_mps: f64, limit_s: u64) -> Option<u64> {
        for passed in 0..limit_s {
            if self.motion.state() == state {
                return Some(passed);
            }
            self.second += 1;
            self.east_m += speed_mps;
            let interval_s = u64::from(self.motion.request().interval_ms()) / 1000;
            if interval_s > 0 && self.second.is_multiple_of(interval_s) {
                self.fixes += 1;
                self.motion.observe(&self.fix(), self.now_ms());
            }
            if self.second.is_multiple_of(5) {
                self.motion.tick(self.now_ms());
            }
        }
        None
    }
}

#[test]
fn a_drive_starts_within_half_a_minute_of_any_hint_and_ends_where_the_phone_stays() {
    for hint in [Hint::Moved, Hint::Activity(Activity::InVehicle), Hint::Car { connected: true }] {
        let mut phone = Phone::new();
        phone.hint(hint);
        let took = phone.until(Driving, 8.0, 60);
        assert!(took.is_some_and(|s| s <= 30), "{hint:?}: {took:?}");
        assert_eq!(phone.until(Parked, 8.0, 1800), None, "{hint:?}: a drive goes on");
        let stayed = phone.until(Parked, 0.0, 3600).unwrap();
        assert!((240..=330).contains(&stayed), "{hint:?}: {stayed} s");
    }
}

#[test]
fn a_parked_phone_asks_for_no_satellites_and_gets_none() {
    let mut phone = Phone::new();
    assert_eq!(phone.motion.request(), LocationRequest::Off);
    assert_eq!(phone.until(Driving, 0.0, 8 * 3600), None);
    assert_eq!(phone.fixes, 0);
    // Neither what is charged at night nor who walks about the house is a drive.
    phone.hint(Hint::Power { low: true, charging: true });
    phone.hint(Hint::Activity(Activity::OnFoot));
    phone.hint(Hint::Activity(Activity::Still));
    assert_eq!(phone.motion.state(), Parked);
}

#[test]
fn a_false_alarm_ends_by_itself() {
    for speed_mps in [0.0, 1.4, 2.5] {
        let mut phone = Phone::new();
        phone.hint(Hint::Moved);
        assert_eq!(phone.motion.state(), Starting);
        let looked = phone.until(Parked, speed_mps, 600).unwrap();
        assert!(looked <= 95, "{looked} s at {speed_mps} m/s");
    }
    // A fix of a cache, from another town, is no speed.
    let mut phone = Phone::new();
    phone.hint(Hint::Moved);
    let old = RawFix { longitude_deg: 1.0, time_ms: START_MS as i64 - 3_600_000, ..phone.fix() };
    phone.motion.observe(&old, START_MS);
    assert_eq!(phone.until(Driving, 0.0, 600), None);
}

#[test]
fn who_leaves_the_car_has_arrived_and_who_is_in_a_jam_has_not() {
    let mut phone = Phone::new();
    phone.hint(Hint::Car { connected: true });
    phone.until(Parked, 12.0, 300);
    assert_eq!(phone.until(Parked, 0.0, 200), None, "a jam of three minutes");
    assert_eq!(phone.until(Parked, 0.5, 600), None, "one that creeps");
    phone.until(Parked, 12.0, 60);
    phone.hint(Hint::Car { connected: false });
    let took = phone.until(Parked, 0.3, 300).unwrap();
    assert!(took <= 80, "{took} s");
    // A lost connection is no arrival while the car goes on.
    let mut phone = Phone::new();
    phone.hint(Hint::Car { connected: true });
    phone.until(Parked, 12.0, 300);
    phone.hint(Hint::Car { connected: false });
    assert_eq!(phone.until(Parked, 12.0, 900), None);
    // Nor is one who seems to walk, at the speed of a car.
    phone.hint(Hint::Activity(Activity::OnFoot));
    assert_eq!(phone.motion.request(), LocationRequest::LowPower);
    assert_eq!(phone.until(Parked, 12.0, 900), None);
    assert_eq!(phone.motion.request(), LocationRequest::Urban);
}

#[test]
fn the_rate_follows_speed_and_battery() {
    let mut phone = Phone::new();
    phone.hint(Hint::Activity(Activity::InVehicle));
    let mut at = |speed_mps| {
        phone.until(Parked, speed_mps, 60);
        phone.motion.request()
    };
    assert_eq!(at(10.0), LocationRequest::Urban);
    assert_eq!(at(33.0), LocationRequest::Highway);
    assert_eq!(at(13.0), LocationRequest::Urban);
    for (low, charging, want) in [
        (true, false, LocationRequest::LowBattery),
        (true, true, LocationRequest::Urban),
        (false, false, LocationRequest::Urban),
    ] {
        phone.hint(Hint::Power { low, charging });
        assert_eq!(phone.motion.request(), want);
    }
    let all = [LocationRequest::LowPower, LocationRequest::Highway, LocationRequest::LowBattery];
    assert!(all.iter().all(|r| r.interval_ms() <= 30_000), "fixes are still joined");
}

fn any_hint() -> impl Strategy<Value = Hint> {
    prop_oneof![
        Just(Hint::Moved),
        prop_oneof![Just(Activity::Still), Just(Activity::OnFoot), Just(Activity::InVehicle)]
            .prop_map(Hint::Activity),
        any::<bool>().prop_map(|connected| Hint::Car { connected }),
        any::<(bool, bool)>().prop_map(|(low, charging)| Hint::Power { low, charging }),
    ]
}

proptest! {
    #[test]
    fn whatever_happened_satellites_end_when_the_phone_stays(
        calls in proptest::collection::vec((any_hint(), any::<u64>(), any::<i64>(), any::<f64>()), 0..40),
    ) {
        let mut phone = Phone::new();
        for (hint, now_ms, time_ms, number) in calls {
            phone.motion.hint(hint, now_ms);
            let raw = RawFix { time_ms, longitude_deg: number, speed_mps: Some(number), ..RawFix::default() };
            phone.motion.observe(&raw, now_ms);
            phone.motion.tick(now_ms);
        }
        phone.motion.tick(phone.now_ms());
        prop_assert!(phone.until(Parked, 0.0, 700).is_some(), "{:?}", phone.motion);
    }
}
