//! Whether the phone is being driven, from what the platform notices without satellites, and which
//! locations to ask for.
//!
//! [`Motion`] is a pure state machine. Parked, it wants no satellites at all; a hint makes it look, and a
//! hint that can only mean a drive, or a fix at a speed that nobody walks, begins one. A drive ends when
//! the phone has stayed where it is.

#[cfg(test)]
mod synthetic_drives;

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

    /// Goes on with a drive that an earlier process followed until then.
    pub(crate) fn resume(&mut self, until_ms: u64) {
        self.enter(MotionState::Driving, until_ms);
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
