//! The UniFFI mirror of the SDK core, and nothing else.
//!
//! **Owns** the types that cross the border to Swift and Kotlin: immutable records and enums under names
//! of their own, and a `Recorder` that may be called from any thread. Each is a plain conversion from
//! or to its namesake in `hexmile-sdk-core`.
//!
//! **Must never know** anything that the core does not: there is no logic here. The platform's idiom
//! (streams, sealed results, closing) belongs to the Kotlin and Swift packages on top.
//!
//! Start at [`Recorder`]. Calls return the [`Effect`]s that the host carries out.

// What phones load leaves `{:?}` empty.
#![cfg_attr(not(test), warn(clippy::use_debug))]

mod crossing;
mod enrol;
mod insight;
mod motion;
mod packed;
mod privacy;
mod radio;
mod recorder;
mod records;
mod secrets;
mod signer;

pub use enrol::{AccountOverview, Attestation, EnrolError, Invitation, KnownDevice, RecoveryCode};
pub use insight::{Earnings, EpochEarnings, ExportFormat, Inquiry, TraceVerdict, TripStatus};
pub use motion::{Hint, LocationRequest, MotionState};
pub use packed::drop_reasons;
pub use privacy::{Place, QuietHours, Zone};
pub use radio::{Conditions, Connection, UploadMode, UploadRules};
pub use recorder::{Moment, Recorder, RecorderConfig};
pub use records::{Count, Effect, RecorderError, Request, SignedRequest, Status, Upload};
pub use secrets::{HostSecrets, SecretFailure, folder_secrets};
pub use signer::{HostSigner, KeyAlgorithm, SignFailure, SignPurpose, software_signer};

uniffi::setup_scaffolding!("hexmile");
