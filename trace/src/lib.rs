//! Fixes, traces and signed traces: the wire format that phones and the server share.

mod fix;
mod geodesy;
mod ids;
pub mod sign;

pub use fix::{Fix, FixError, FixFlags, FixParts, Provider, RawFix};
pub use geodesy::{EARTH_RADIUS_M, Position};
pub use ids::{AccountId, DeviceId, NetworkId, ParseIdError, TraceId, TripId};
