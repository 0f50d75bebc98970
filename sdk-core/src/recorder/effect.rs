//! What the recorder tells its host: errors, effects, uploads, status.

use litemap::LiteMap;

use hexmile_trace::{Position, TraceError, TraceId, TripId, sign::SignError};

use crate::{
    capture::DropReason,
    enrol::Request,
    journal::JournalError,
    me::SignedRequest,
    motion::{LocationRequest, MotionState},
    secrets::SecretError,
    upload::{Inquiry, ServerPolicy, TraceVerdict, UploadWait},
};

/// Why a call failed; what could be kept was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key store. What could not be signed is kept, and tried again at the next call.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No sequence number is left to seal a trace anew with.
    #[error("a trace could not be sealed anew: {0}")]
    Number(TraceError),
    /// The host's secret store. What was to be destroyed is, with a later call; its file is gone.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Cells are told at H3's resolutions 10 and 11 alone.
    #[error("cells are told at resolutions 10 and 11, not {0}")]
    Resolution(u8),
    /// What was to be exported cannot be written.
    #[error("the export cannot be written: {0}")]
    Export(#[from] std::io::Error),
    /// The driver has not agreed to recording.
    #[error("the driver has not agreed to recording")]
    NoConsent,
}

/// What the host must do or show, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this, and hand the answer to [`Recorder::uploaded`](crate::Recorder::uploaded) or
    /// [`Recorder::upload_failed`](crate::Recorder::upload_failed).
    Upload(Upload),
    /// Send this, and hand the answer to
    /// [`Recorder::erasure_answered`](crate::Recorder::erasure_answered) or
    /// [`Recorder::erasure_failed`](crate::Recorder::erasure_failed).
    Erase(SignedRequest),
    /// The server holds nothing of the account any more.
    Erased,
    /// The server will not erase the account for the request that was signed; it was given up.
    ErasureRefused {
        /// Stable code.
        code: String,
    },
    /// The driver comes back to this place, and it has a zone from now on
    /// ([`Recorder::known_places`](crate::Recorder::known_places)).
    PlaceFound(Position),
    /// The places that were known cannot be read any more: their key is gone. They are learned anew;
    /// those that the driver set hold.
    PlacesLost,
    /// Ask the platform for these locations from now on, in place of those before. After a
    /// withdrawal of consent, for none.
    Locate(LocationRequest),
    /// GET this from the server, and hand the answer to
    /// [`Recorder::policy_answered`](crate::Recorder::policy_answered) or
    /// [`Recorder::policy_failed`](crate::Recorder::policy_failed).
    FetchPolicy {
        /// Path on the server.
        path: &'static str,
    },
    /// GET this from the server, and hand the answer to
    /// [`Recorder::inquiry_answered`](crate::Recorder::inquiry_answered) or
    /// [`Recorder::inquiry_failed`](crate::Recorder::inquiry_failed).
    Inquire(Inquiry),
    /// The server's rules have judged a trace.
    Judged(TraceVerdict),
    /// The account's earnings were told: [`Recorder::earnings`](crate::Recorder::earnings).
    Earned,
    /// Call [`Recorder::tick`](crate::Recorder::tick) at this time, Unix milliseconds, or soon after.
    WakeAt(u64),
    /// A trace was sealed and waits to be uploaded.
    Sealed(TraceId),
    /// The server has it.
    Received {
        /// Which trace.
        trace: TraceId,
        /// When, by the server's clock, Unix milliseconds.
        received_at_ms: u64,
    },
    /// The server will never take it, and it was given up.
    Refused {
        /// Which trace.
        trace: TraceId,
        /// Stable code.
        code: String,
    },
    /// An upload, or some of its traces, failed and will be tried again.
    Delayed(String),
    /// The server takes nothing that this app sends: its SDK is too old, or it is set up for another
    /// network. What waits is kept.
    Paused {
        /// Stable code.
        code: String,
        /// When uploads are tried again, Unix milliseconds.
        until_ms: u64,
    },
    /// A trace was sealed anew, because its number was taken or its version is no longer.
    Resealed {
        /// Its id so far.
        was: TraceId,
        /// Its id from now on.
        now: TraceId,
    },
    /// The trip that was under way when the app died goes on: hand on its fixes. It ends by itself where
    /// none comes within a few minutes of the last.
    TripResumed(TripId),
    /// What was held back at the end of a trip when the app died is lost, or part of it.
    HeldLost(HeldLoss),
    /// What is held back cannot be kept on disk for now: if the app died, it would be lost.
    HeldInMemory {
        /// In words.
        why: String,
    },
    /// Files in the journal's folder belong to another device key or another version. They were
    /// renamed, and recording goes on without them.
    SetAside {
        /// How many.
        segments: u64,
    },
}

/// Why the stretch that was held back at the end of a trip could not be read after a crash; the codes are
/// stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HeldLoss {
    /// The secret store has no key for it.
    KeyMissing,
    /// The secret store is locked.
    KeyLocked,
    /// The secret store failed.
    KeyFailed,
    /// The file, or part of it, means nothing under the key.
    Damaged,
    /// The file cannot be read.
    Unreadable,
}

impl HeldLoss {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KeyMissing => "key_missing",
            Self::KeyLocked => "key_locked",
            Self::KeyFailed => "key_failed",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An upload in the hands of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What to send.
    pub request: Request,
    /// Which traces it holds, with their sequence numbers.
    pub traces: Vec<(u64, TraceId)>,
}

/// The trip under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TripStatus {
    /// When its first fix was captured, Unix milliseconds.
    pub started_ms: Option<u64>,
    /// Path so far, metres: all of it, with what is cut away at the ends and in zones.
    pub distance_m: u64,
    /// Fixes that wait at its end until it lies elsewhere.
    pub fixes_held: usize,
}

/// What a driver may want to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the driver has agreed to recording.
    pub consent: bool,
    /// Whether a trip is under way.
    pub recording: bool,
    /// The trip under way.
    pub trip: Option<TripStatus>,
    /// Whether the phone is being driven, where the recorder follows its motion.
    pub motion: Option<MotionState>,
    /// Fixes that joined a trace, or wait to. Fewer, where a zone takes some of them back.
    pub fixes_kept: u64,
    /// Fixes dropped, by reason.
    pub fixes_dropped: LiteMap<DropReason, u64>,
    /// Stretches that were held back when the app died, and are lost in whole or in part, by reason.
    pub held_lost: LiteMap<HeldLoss, u64>,
    /// Why what is held back waits in memory alone, if it does, in words.
    pub held_in_memory: Option<String>,
    /// Whether the key of the known places cannot be read: since every place may be one of them, all
    /// fixes are dropped as in a zone until then.
    pub places_locked: bool,
    /// Traces to be, that wait for a tick or for the key store.
    pub traces_unsealed: usize,
    /// Traces that wait for a receipt.
    pub traces_waiting: usize,
    /// Traces with a receipt.
    pub traces_received: u64,
    /// Traces that the server refused for good, by code.
    pub traces_refused: LiteMap<String, u64>,
    /// Traces dropped because the journal was full or damaged.
    pub traces_dropped: u64,
    /// Receipts that did not verify under the server's keys; their traces go again.
    pub receipts_invalid: u64,
    /// What the server asked of phones when it was last asked.
    pub server_policy: Option<ServerPolicy>,
    /// Why uploads pause, if they do; the server's stable code.
    pub uploads_paused: Option<String>,
    /// Why the traces that wait do not leave, by the last look, if something holds them up.
    pub uploads_wait: Option<UploadWait>,
    /// Files of another device key or version that were found in the journal's folder.
    pub segments_set_aside: u64,
    /// Bytes found in the journal that meant nothing.
    pub damaged_bytes: u64,
    /// Bytes on disk of the traces that wait for a receipt.
    pub bytes_queued: u64,
    /// Bytes handed to the host for upload, repeats included.
    pub bytes_uploaded: u64,
    /// Requests to erase an account that the server has not answered.
    pub erasures_waiting: usize,
    /// Bytes on disk.
    pub journal_bytes: u64,
}
