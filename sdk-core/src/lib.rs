//! What a phone decides.
//!
//! **Owns** the life of a drive on the phone: consent, the filter, the trip, the zones, hours and ends
//! that are cut away before anything is signed, the journal, sealing and signing, when to upload and
//! what the answer means.
//!
//! **Must never know** a location API, an HTTP stack, a key store's internals or a clock: the host
//! calls in with fixes, answers and the time, and carries out the [`Effect`]s that come back. Its
//! effects of its own are the journal, and the keys of trips that it asks of the host's
//! [`SecretStore`](secrets::SecretStore).
//!
//! Start at [`Recorder`]. The life of a drive:
//!
//! 1. `grant_consent`: the journal opens; before, nothing is read or written.
//! 2. `start_trip`, then `record` for every fix. With [`RecorderConfig::follow_motion`] trips begin and
//!    end by themselves: the host hands on what the platform notices ([`Recorder::hint`]), and asks for
//!    the locations that [`Effect::Locate`] names, for none while the phone is parked. A fix is kept, held back or dropped, and counted.
//!    What lies in a zone or in quiet hours ([`Privacy`]) is dropped. Elsewhere the first 500 m of
//!    path are dropped, and the last 500 m are held back until they are not the last, and until the
//!    phone is 300 m away from them; they wait in a file under the trip's key, which nothing can read once
//!    the key is destroyed.
//! 3. Kept fixes go into the journal. When there are enough, or they grow old, they are due: the next
//!    `tick` (or `seal`) makes a `Trace` of them, signs it, and writes it into the journal. `record`
//!    neither writes nor signs: every four seconds of fixes it hands them to a thread that does, and what
//!    went wrong is told by the next `tick`.
//! 4. `tick` hands out [`Effect::Upload`] once the traces are on disk; the host posts it and reports back. Without an answer
//!    the same traces go again: the server knows a repeat. A trace is given up only where a Hexmile
//!    server says that it will never be taken, and for its own sake; what is wrong with the app or the
//!    server pauses uploads, and shows in [`Status`].
//!    With the first upload of a run, and once a day, it hands out [`Effect::FetchPolicy`]; what the
//!    server asks there is obeyed and shown.
//!    The driver's and the app's own [`UploadRules`] stand beside the server's: live or economy, Wi-Fi
//!    alone, roaming, battery, bytes of the data plan. The host tells what the phone is like
//!    ([`Recorder::set_conditions`]), and [`Status::uploads_wait`] says what uploads wait for.
//! 5. `stop_trip` destroys the trip's key, forgets what is held back, and seals the rest.
//! 6. What became of it, the driver sees: [`Status`], receipts, verdicts and earnings that
//!    [`Effect::Inquire`] asks for where that is nearly free, the cells of their own drives, and all of it
//!    as a file ([`Recorder::export`]).
//! 7. `withdraw_consent`: what was not sealed never will be, whatever happens next. `erase` deletes
//!    the journal, and leaves a signed request that the server erase the account ([`Effect::Erase`]):
//!    the one file that there may be without consent, until the server has answered.
//!
//! Joining, a recovery code, a second phone and a lost one are the subject of [`enrol`]. Places that the
//! driver comes back to are found by themselves ([`Effect::PlaceFound`]), and hidden from then on.
//!
//! Call `tick` every few seconds while a trip is under way, at each [`Effect::WakeAt`], and when the
//! app comes to life. After a crash, `grant_consent` finds all of it again, but for the last five seconds at
//! most. The trip goes on ([`Effect::TripResumed`]) where fixes come within five minutes; otherwise it ends
//! where it was, as with `stop_trip`.

// What phones load leaves `{:?}` empty.
#![cfg_attr(not(test), warn(clippy::use_debug))]

/// The words that the core and its host share: fixes, ids, keys and signers.
pub use hexmile_trace as trace;

mod capture;
mod cells;
pub mod enrol;
mod export;
mod journal;
mod json;
pub mod me;
mod motion;
mod recorder;
pub mod secrets;
mod upload;

pub use capture::{
    DropReason, EndTrim, FilterLimits, Privacy, PrivacyError, QuietHours, Recorded, SealLimits,
    Zone,
};
pub use export::ExportFormat;
pub use journal::JournalError;
pub use motion::{Activity, Hint, LocationRequest, MotionState};
pub use recorder::{
    Effect, HeldLoss, Moment, Recorder, RecorderConfig, RecorderError, SDK_VERSION, Status,
    TripStatus, Upload,
};
pub use upload::{
    Conditions, Connection, Earnings, EpochEarnings, Inquiry, ServerPolicy, Subject, TraceVerdict,
    UploadHold, UploadMode, UploadRules, UploadWait,
};
