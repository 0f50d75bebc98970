//! Whether the phone is being driven, from what the platform notices without satellites, and which
//! locations to ask for.
//!
//! [`Motion`] is a pure state machine. Parked, it wants no satellites at all; a hint makes it look, and a
//! hint that can only mean a drive, or a fix at a speed that nobody walks, begins one. A drive ends when
//! the phone has stayed where it is.

use hexmile_trace::{Fix, Position, RawFix};

/// What the platform noticed; each is cheap to have while nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The motion sensor woke, the platform saw a significant change of place, or the phone left the
    /// region around the place where it was parked.
    Moved,
    /// The platform's activity recognition changed its mind.
    Activity(Activity),
    /// The phone connected to a car (projection, hands-free), or lost it.
    Car {
        /// Whether it is connected.
        connected: bool,
    },
    /// The battery changed.
    Power {
        /// Whether it is low, by the platform's own measure.
        low: bool,
        /// Whether it is being charged.
        charging: bool,
    },
}

/// What the platform takes the phone's bearer to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Staying.
    Still,
    /// Walking or running.
    OnFoot,
    /// In a car, a bus or a train, or on a motorcycle.
    InVehicle,
}

/// Where the phone is in the life of a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MotionState {
    /// No drive, and no satellites.
    Parked,
    /// Something moved: looking whether it is a drive.
    Starting,
    /// A drive.
    Driving,
}

/// Which locations the host asks the platform for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationRequest {
    /// None.
    Off,
    /// On foot in the middle of a drive: whatever is cheap.
    LowPower,
    /// In streets, or while looking whether a drive has begun.
    Urban,
    /// At speed on a road without many turns.
    Highway,
    /// The battery is low, and is not being charged.
    LowBattery,
}

impl LocationRequest {
    /// Time between two fixes, milliseconds; 0 for none at all. Never so long that two fixes would not
    /// be joined.
    pub const fn interval_ms(self) -> u32 {
        match self {
            Self::Off => 0,
            Self::LowPower => 15_000,
            Self::Urban => 1000,
            Self::Highway => 2000,
            Self::LowBattery => 5000,
        }
    }

    /// Whether satellites are wanted, or what Wi-Fi and cell towers tell is enough.
    pub const fn wants_satellites(self) -> bool {
        matches!(self, Self::Urban | Self::Highway | Self::LowBattery)
    }
}

/// How long to look for a drive after a hint that may mean anything, milliseconds.
const LOOK_MS: u64 = 90_000;
/// Slowest speed that is a drive and no walk, metres per second.
const DRIVE_MPS: f64 = 4.0;
/// Longest time between two fixes that show a speed, milliseconds.
const PACE_MS: u64 = 20_000;
/// Shortest distance between two fixes that shows a speed, metres; or twice their accuracy.
const CLEAR_M: f64 = 25.0;
/// Least accurate fix that says anything about movement, metres.
const ACCURACY_M: f64 = 100.0;
/// A phone that stays within so many metres, or its accuracy, is not moving.
const STAY_M: f64 = 60.0;
/// How long it stays until the drive is over, milliseconds: longer than a red light or a ferry's queue.
const STAY_MS: u64 = 5 * 60_000;
/// The same where the driver was seen to leave the car.
const LEFT_CAR_MS: u64 = 60_000;
/// Speeds at which the highway's rate begins and ends, metres per second.
const HIGHWAY_MPS: [f64; 2] = [23.0, 18.0];

/// Whether the driver may have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// The car was switched off, or lost the phone.
    CarOff,
    /// The phone's bearer walks.
    OnFoot,
}

/// A fix as far as it matters here.
#[derive(Clone, Copy, Debug)]
struct Seen {
    position: Position,
    time_ms: u64,
}

/// Follows the phone.
#[derive(Clone, Debug)]
pub(crate) struct Motion {
    state: MotionState,
    /// When the state, or the place where the phone stays, was last new, by the phone's clock.
    since_ms: u64,
    last: Option<Seen>,
    /// Where the phone stays.
    place: Option<Position>,
    highway: bool,
    leaving: Leaving,
    low_battery: bool,
}

impl Motion {
    pub(crate) const fn new() -> Self {
        Self {
            state: MotionState::Parked,
            since_ms: 0,
            last: None,
            place: None,
            highway: false,
            leaving: Leaving::No,
            low_battery: false,
        }
    }

    pub(crate) const fn state(&self) -> MotionState {
        self.state
    }

    /// Which locations to ask for now.
    pub(crate) const fn request(&self) -> LocationRequest {
        match self.state {
            MotionState::Parked => LocationRequest::Off,
            MotionState::Driving if matches!(self.leaving, Leaving::OnFoot) => {
                LocationRequest::LowPower
            }
            _ if self.low_battery => LocationRequest::LowBattery,
            MotionState::Driving if self.highway => LocationRequest::Highway,
            _ => LocationRequest::Urban,
        }
    }

    fn enter(&mut self, state: MotionState, now_ms: u64) {
        self.state = state;
        self.since_ms = now_ms;
        self.place = None;
        self.last = None;
        self.highway = false;
    }

    pub(crate) fn hint(&mut self, hint: Hint, now_ms: u64) {
        match hint {
            Hint::Moved => self.look(now_ms),
            Hint::Activity(activity) => {
                match activity {
                    // Who stays may sit in the car, or stand beside it.
                    Activity::Still => {}
                    Activity::OnFoot => self.leaving = Leaving::OnFoot,
                    Activity::InVehicle => self.drive(now_ms),
                }
            }
            Hint::Car { connected: true } => self.drive(now_ms),
            Hint::Car { connected: false } => self.leaving = Leaving::CarOff,
            Hint::Power { low, charging } => self.low_battery = low && !charging,
        }
    }

    fn look(&mut self, now_ms: u64) {
        match self.state {
            MotionState::Parked => self.enter(MotionState::Starting, now_ms),
            MotionState::Starting => self.since_ms = now_ms,
            MotionState::Driving => {}
        }
    }

    fn drive(&mut self, now_ms: u64) {
        self.leaving = Leaving::No;
        if self.state != MotionState::Driving {
            self.enter(MotionState::Driving, now_ms);
        }
    }

    /// Looks at a fix, whatever becomes of it otherwise.
    pub(crate) fn observe(&mut self, raw: &RawFix, now_ms: u64) {
        let Ok(fix) = Fix::quantise(raw) else { return };
        if raw.accuracy_m.is_some_and(|accuracy_m| accuracy_m > ACCURACY_M) {
            return;
        }
        let (position, time_ms) = (fix.position(), fix.time_ms());
        let pace_mps = self.pace_mps(position, time_ms, raw.accuracy_m.unwrap_or(0.0));
        let speed_mps = raw.speed_mps.filter(|speed| speed.is_finite()).or(pace_mps);
        let drives = speed_mps.is_some_and(|speed| speed >= DRIVE_MPS);
        match self.state {
            // A speed that a receiver only tells is not enough: the phone must have got somewhere.
            MotionState::Starting if drives && pace_mps.is_some_and(|p| p >= DRIVE_MPS / 2.0) => {
                self.drive(now_ms);
            }
            MotionState::Parked | MotionState::Starting => {}
            MotionState::Driving => {
                if let Some(speed_mps) = speed_mps {
                    self.highway = speed_mps >= HIGHWAY_MPS[usize::from(self.highway)];
                }
                if drives {
                    self.leaving = Leaving::No;
                }
                let stay_m = raw.accuracy_m.map_or(STAY_M, |accuracy_m| accuracy_m.max(STAY_M));
                let stays = self.place.is_some_and(|place| place.distance_m(position) <= stay_m);
                if !stays {
                    self.place = Some(position);
                    self.since_ms = now_ms;
                }
            }
        }
    }

    /// The speed since the last fix that was clearly elsewhere, metres per second; `None` while the
    /// phone is not clearly away from it. A fix that the platform replays from a cache is too far away
    /// in time.
    fn pace_mps(&mut self, position: Position, time_ms: u64, accuracy_m: f64) -> Option<f64> {
        let last = *self.last.get_or_insert(Seen { position, time_ms });
        let passed_ms = time_ms.checked_sub(last.time_ms).filter(|ms| *ms <= PACE_MS);
        let moved_m = last.position.distance_m(position);
        if passed_ms.is_some() && moved_m <= CLEAR_M.max(2.0 * accuracy_m) {
            return None;
        }
        self.last = Some(Seen { position, time_ms });
        let passed_ms = passed_ms.filter(|ms| *ms > 0)?;
        Some(moved_m * 1000.0 / passed_ms as f64)
    }

    /// Time passed.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        // A clock that was set back: nobody knows how long it took.
        self.since_ms = self.since_ms.min(now_ms);
        let stay_ms = match self.state {
            MotionState::Parked => return,
            MotionState::Starting => LOOK_MS,
            MotionState::Driving if self.leaving != Leaving::No => LEFT_CAR_MS,
            MotionState::Driving => STAY_MS,
        };
        if now_ms - self.since_ms >= stay_ms {
            self.enter(MotionState::Parked, now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
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
        for hint in
            [Hint::Moved, Hint::Activity(Activity::InVehicle), Hint::Car { connected: true }]
        {
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
        let old =
            RawFix { longitude_deg: 1.0, time_ms: START_MS as i64 - 3_600_000, ..phone.fix() };
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
        let all =
            [LocationRequest::LowPower, LocationRequest::Highway, LocationRequest::LowBattery];
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
}
