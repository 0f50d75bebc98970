//! What the platform notices, and which locations to ask it for.

use hexmile_sdk_core as core;

/// What the platform noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Hint {
    /// The motion sensor woke, the platform saw a significant change of place, or the phone left the
    /// region around the place where it was parked.
    Moved,
    /// The platform takes its bearer to stay.
    Still,
    /// To walk or run.
    OnFoot,
    /// To be in a vehicle.
    InVehicle,
    /// The phone connected to a car, or lost it.
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

impl From<Hint> for core::Hint {
    fn from(hint: Hint) -> Self {
        match hint {
            Hint::Moved => Self::Moved,
            Hint::Still => Self::Activity(core::Activity::Still),
            Hint::OnFoot => Self::Activity(core::Activity::OnFoot),
            Hint::InVehicle => Self::Activity(core::Activity::InVehicle),
            Hint::Car { connected } => Self::Car { connected },
            Hint::Power { low, charging } => Self::Power { low, charging },
        }
    }
}

/// Where the phone is in the life of a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum MotionState {
    /// No drive, and no satellites.
    Parked,
    /// Something moved: looking whether it is a drive.
    Starting,
    /// A drive.
    Driving,
}

impl From<core::MotionState> for MotionState {
    fn from(state: core::MotionState) -> Self {
        match state {
            core::MotionState::Parked => Self::Parked,
            core::MotionState::Starting => Self::Starting,
            core::MotionState::Driving => Self::Driving,
        }
    }
}

/// Which locations to ask the platform for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LocationRequest {
    /// Time between two fixes, milliseconds; 0 for no location at all.
    pub interval_ms: u32,
    /// Whether satellites are wanted, or what Wi-Fi and cell towers tell is enough.
    pub satellites: bool,
}

impl From<core::LocationRequest> for LocationRequest {
    fn from(request: core::LocationRequest) -> Self {
        Self { interval_ms: request.interval_ms(), satellites: request.wants_satellites() }
    }
}
