//! What a phone decides.
//!
//! **Owns** the life of a drive on the phone: consent, the filter, the trip, the zones, hours and ends
//! that are cut away before anything is signed, the journal, sealing and signing, when to upload and
//! what the answer means.
//!
//! **Must never know** a location API, an HTTP stack, a key store's internals or a clock: the host
//! calls in with fixes, answers and the time, and carries out the [`Effect`]s that come back. Its
//! one effect of its own is the journal.
//!
//! Start at [`Recorder`]. The life of a drive:
//!
//! 1. `grant_consent`: the journal opens; before, nothing is read or written.
//! 2. `start_trip`, then `record` for every fix. With [`RecorderConfig::follow_motion`] trips begin and
//!    end by themselves: the host hands on what the platform notices ([`Recorder::hint`]), and asks for
//!    the locations that [`Effect::Locate`] names, for none while the phone is parked. A fix is kept, held back or dropped, and counted.
//!    What lies in a zone or in quiet hours ([`Privacy`]) is dropped. Elsewhere the first 500 m of
//!    path are dropped, and the last 500 m are held back until they are not the last, and until the
//!    phone is 300 m away from them; they wait in memory alone.
//! 3. Kept fixes go into the journal. When there are enough, or they grow old, they are due: the next
//!    `tick` (or `seal`) makes a `Trace` of them, signs it, and writes it into the journal. `record`
//!    neither signs nor waits for the disk.
//! 4. `tick` hands out [`Effect::Upload`] once the traces are on disk; the host posts it and reports back. Without an answer
//!    the same traces go again: the server knows a repeat. A trace is given up only where a Hexmile
//!    server says that it will never be taken, and for its own sake; what is wrong with the app or the
//!    server pauses uploads, and shows in [`Status`].
//!    With the first upload of a run, and once a day, it hands out [`Effect::FetchPolicy`]; what the
//!    server asks there is obeyed and shown.
//! 5. `stop_trip` forgets what is held back, and seals the rest.
//! 6. `withdraw_consent`: what was not sealed never will be, whatever happens next. `erase` deletes
//!    the journal, and leaves a signed request that the server erase the account ([`Effect::Erase`]):
//!    the one file that there may be without consent, until the server has answered.
//!
//! Call `tick` every few seconds while a trip is under way, at each [`Effect::WakeAt`], and when the
//! app comes to life. After a crash, `grant_consent` finds all of it again in the journal, and the
//! next call seals it.

/// The words that the core and its host share: fixes, ids, keys and signers.
pub use hexmile_trace as trace;

mod capture;
pub mod enrol;
mod journal;
pub mod me;
mod motion;
mod recorder;
mod upload;

pub use capture::{
    DropReason, EndTrim, FilterLimits, Privacy, PrivacyError, QuietHours, Recorded, SealLimits,
    Zone,
};
pub use journal::JournalError;
pub use motion::{Activity, Hint, LocationRequest, MotionState};
pub use recorder::{
    Effect, Moment, Recorder, RecorderConfig, RecorderError, SDK_VERSION, Status, Upload,
};
pub use upload::ServerPolicy;
