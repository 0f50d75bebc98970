//! Records and enums that cross the border.

use hexmile_sdk_core as core;

use crate::{Inquiry, LocationRequest, MotionState, Place, TraceVerdict, TripStatus};

/// A POST for the host's HTTP stack.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Request {
    /// Path on the server.
    pub path: String,
    /// `Content-Type`.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

impl From<core::enrol::Request> for Request {
    fn from(request: core::enrol::Request) -> Self {
        Self {
            path: request.path.to_owned(),
            content_type: request.content_type.to_owned(),
            body: request.body,
        }
    }
}

/// A request without a body for the host's HTTP stack, signed by a key of the account.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SignedRequest {
    /// Method, in capitals.
    pub method: String,
    /// Path on the server.
    pub path: String,
    /// Value of the `Authorization` header.
    pub authorization: String,
    /// When it was signed, Unix milliseconds.
    pub signed_at_ms: u64,
}

impl From<core::me::SignedRequest> for SignedRequest {
    fn from(request: core::me::SignedRequest) -> Self {
        let core::me::SignedRequest { method, path, authorization, signed_at_ms } = request;
        Self { method, path, authorization, signed_at_ms }
    }
}

impl From<SignedRequest> for core::me::SignedRequest {
    fn from(request: SignedRequest) -> Self {
        let SignedRequest { method, path, authorization, signed_at_ms } = request;
        Self { method, path, authorization, signed_at_ms }
    }
}

/// An upload in the hands of the host; it is handed back with its answer.
#[derive(Debug, uniffi::Object)]
pub struct Upload(pub(crate) core::Upload);

#[uniffi::export]
impl Upload {
    /// What to send.
    pub fn request(&self) -> Request {
        self.0.request.clone().into()
    }

    /// Ids of the traces in it, hexadecimal.
    pub fn traces(&self) -> Vec<String> {
        self.0.traces.iter().map(|(_, trace)| trace.to_string()).collect()
    }
}

/// What the host must do or show, in order.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Effect {
    /// Send this, and hand the answer back.
    Upload {
        /// The upload.
        upload: std::sync::Arc<Upload>,
    },
    /// Send this, and hand the answer to `erasure_answered` or `erasure_failed`.
    Erase {
        /// The request.
        request: SignedRequest,
    },
    /// GET this, and hand the answer to `inquiry_answered` or `inquiry_failed`.
    Inquire {
        /// The question.
        inquiry: std::sync::Arc<Inquiry>,
    },
    /// The server's rules have judged a trace.
    Judged {
        /// What they said.
        verdict: TraceVerdict,
    },
    /// The account's earnings were told: `earnings`.
    Earned,
    /// The server holds nothing of the account any more.
    Erased,
    /// The server will not erase the account for the request that was signed; it was given up.
    ErasureRefused {
        /// Stable code.
        code: String,
    },
    /// Ask the platform for these locations from now on, in place of those before.
    Locate {
        /// Which.
        request: LocationRequest,
    },
    /// GET this from the server, and hand the answer to `policy_answered` or `policy_failed`.
    FetchPolicy {
        /// Path on the server.
        path: String,
    },
    /// Call `tick` at this time, Unix milliseconds, or soon after.
    WakeAt {
        /// When.
        unix_ms: u64,
    },
    /// A trace was sealed.
    Sealed {
        /// Its id, hexadecimal.
        trace: String,
    },
    /// The server has it.
    Received {
        /// Its id, hexadecimal.
        trace: String,
        /// When, by the server's clock, Unix milliseconds.
        received_at_ms: u64,
    },
    /// The server will never take it.
    Refused {
        /// Its id, hexadecimal.
        trace: String,
        /// Stable code.
        code: String,
    },
    /// An upload failed and will be tried again.
    Delayed {
        /// Stable code, or the host's words.
        why: String,
    },
    /// The server takes nothing that this app sends; what waits is kept.
    Paused {
        /// Stable code.
        code: String,
        /// When uploads are tried again, Unix milliseconds.
        until_ms: u64,
    },
    /// A trace was sealed anew, under another id.
    Resealed {
        /// Its id so far, hexadecimal.
        was: String,
        /// Its id from now on, hexadecimal.
        now: String,
    },
    /// The driver comes back to this place, and it has a zone from now on (`known_places`).
    PlaceFound {
        /// Where.
        place: Place,
    },
    /// The places that were known cannot be read any more; they are learned anew.
    PlacesLost,
    /// The trip that was under way when the app died goes on: hand on its fixes. It ends by itself where
    /// none comes within a few minutes of the last.
    TripResumed {
        /// Its id, hexadecimal.
        trip: String,
    },
    /// What was held back at the end of a trip when the app died is lost, or part of it.
    HeldLost {
        /// Stable code.
        reason: String,
    },
    /// What is held back cannot be kept on disk for now: if the app died, it would be lost.
    HeldInMemory {
        /// In words.
        why: String,
    },
    /// Files in the journal's folder belong to another device key or version, and were renamed.
    SetAside {
        /// How many.
        segments: u64,
    },
}

impl From<core::Effect> for Effect {
    fn from(effect: core::Effect) -> Self {
        match effect {
            core::Effect::Upload(upload) => Self::Upload { upload: Upload(upload).into() },
            core::Effect::Erase(request) => Self::Erase { request: request.into() },
            core::Effect::Inquire(inquiry) => Self::Inquire { inquiry: Inquiry(inquiry).into() },
            core::Effect::Judged(verdict) => Self::Judged { verdict: verdict.into() },
            core::Effect::Earned => Self::Earned,
            core::Effect::Erased => Self::Erased,
            core::Effect::ErasureRefused { code } => Self::ErasureRefused { code },
            core::Effect::FetchPolicy { path } => Self::FetchPolicy { path: path.to_owned() },
            core::Effect::Locate(request) => Self::Locate { request: request.into() },
            core::Effect::WakeAt(unix_ms) => Self::WakeAt { unix_ms },
            core::Effect::Sealed(trace) => Self::Sealed { trace: trace.to_string() },
            core::Effect::Received { trace, received_at_ms } => {
                Self::Received { trace: trace.to_string(), received_at_ms }
            }
            core::Effect::Refused { trace, code } => {
                Self::Refused { trace: trace.to_string(), code }
            }
            core::Effect::Delayed(why) => Self::Delayed { why },
            core::Effect::Paused { code, until_ms } => Self::Paused { code, until_ms },
            core::Effect::Resealed { was, now } => {
                Self::Resealed { was: was.to_string(), now: now.to_string() }
            }
            core::Effect::PlaceFound(position) => Self::PlaceFound { place: position.into() },
            core::Effect::PlacesLost => Self::PlacesLost,
            core::Effect::TripResumed(trip) => Self::TripResumed { trip: trip.to_string() },
            core::Effect::HeldLost(loss) => Self::HeldLost { reason: loss.code().to_owned() },
            core::Effect::HeldInMemory { why } => Self::HeldInMemory { why },
            core::Effect::SetAside { segments } => Self::SetAside { segments },
        }
    }
}

/// Why a call failed; what could be kept was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum RecorderError {
    /// The journal's folder or disk.
    #[error("{reason}")]
    Journal {
        /// In words.
        reason: String,
    },
    /// The key store.
    #[error("{reason}")]
    Sign {
        /// In words.
        reason: String,
    },
    /// The secret store.
    #[error("{reason}")]
    Secret {
        /// In words.
        reason: String,
    },
    /// The driver has not agreed to recording.
    #[error("the driver has not agreed to recording")]
    NoConsent,
    /// An argument that cannot be used.
    #[error("{reason}")]
    Argument {
        /// In words.
        reason: String,
    },
}

impl From<core::RecorderError> for RecorderError {
    fn from(error: core::RecorderError) -> Self {
        let reason = error.to_string();
        match error {
            core::RecorderError::Sign(_) => Self::Sign { reason },
            core::RecorderError::Secret(_) => Self::Secret { reason },
            core::RecorderError::NoConsent => Self::NoConsent,
            core::RecorderError::Resolution(_) | core::RecorderError::Export(_) => {
                Self::Argument { reason }
            }
            _ => Self::Journal { reason },
        }
    }
}

/// How often something happened, by its stable code.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Count {
    /// The code.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// Counts, each code once.
fn counts(of: impl Iterator<Item = (String, u64)>) -> Vec<Count> {
    of.map(|(code, count)| Count { code, count }).collect()
}

/// What a driver may want to see.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// Whether the driver has agreed.
    pub consent: bool,
    /// Whether a trip is under way.
    pub recording: bool,
    /// The trip under way.
    pub trip: Option<TripStatus>,
    /// Whether the phone is being driven, where the recorder follows its motion.
    pub motion: Option<MotionState>,
    /// Fixes that joined a trace, or wait to.
    pub fixes_kept: u64,
    /// Fixes dropped, by stable code.
    pub fixes_dropped: Vec<Count>,
    /// Stretches that were held back when the app died, and are lost in whole or in part, by stable code.
    pub held_lost: Vec<Count>,
    /// Why what is held back waits in memory alone, if it does, in words.
    pub held_in_memory: Option<String>,
    /// Whether the key of the known places cannot be read; all fixes are dropped until then.
    pub places_locked: bool,
    /// Traces to be, that wait for a tick or for the key store.
    pub traces_unsealed: u64,
    /// Traces that wait for a receipt.
    pub traces_waiting: u64,
    /// Traces with a receipt.
    pub traces_received: u64,
    /// Traces refused for good, by stable code.
    pub traces_refused: Vec<Count>,
    /// Traces dropped because the journal was full or damaged.
    pub traces_dropped: u64,
    /// Receipts that did not verify; their traces go again.
    pub receipts_invalid: u64,
    /// Oldest SDK that the server takes, as `major.minor.patch`, where it was told.
    pub min_sdk: Option<String>,
    /// Why uploads pause, if they do; the server's stable code.
    pub uploads_paused: Option<String>,
    /// Why the traces that wait do not leave, if something holds them up; a stable code.
    pub uploads_wait: Option<String>,
    /// Until when, Unix milliseconds, where time alone ends it.
    pub uploads_wait_until_ms: Option<u64>,
    /// Files of another device key or version found in the journal's folder.
    pub segments_set_aside: u64,
    /// Bytes found in the journal that meant nothing.
    pub damaged_bytes: u64,
    /// Bytes on disk of the traces that wait for a receipt.
    pub bytes_queued: u64,
    /// Bytes handed to the host for upload.
    pub bytes_uploaded: u64,
    /// Requests to erase an account that the server has not answered.
    pub erasures_waiting: u64,
    /// Bytes on disk.
    pub journal_bytes: u64,
}

impl From<core::Status> for Status {
    fn from(status: core::Status) -> Self {
        let dropped = status.fixes_dropped.into_iter().map(|(r, n)| (r.code().to_owned(), n));
        let lost = status.held_lost.into_iter().map(|(r, n)| (r.code().to_owned(), n));
        Self {
            consent: status.consent,
            recording: status.recording,
            trip: status.trip.map(TripStatus::from),
            motion: status.motion.map(MotionState::from),
            fixes_kept: status.fixes_kept,
            fixes_dropped: counts(dropped),
            held_lost: counts(lost),
            held_in_memory: status.held_in_memory,
            places_locked: status.places_locked,
            traces_unsealed: status.traces_unsealed as u64,
            traces_waiting: status.traces_waiting as u64,
            traces_received: status.traces_received,
            traces_refused: counts(status.traces_refused.into_iter()),
            traces_dropped: status.traces_dropped,
            receipts_invalid: status.receipts_invalid,
            min_sdk: status.server_policy.map(|policy| policy.min_sdk.to_string()),
            uploads_paused: status.uploads_paused,
            uploads_wait: status.uploads_wait.map(|wait| wait.why.code().to_owned()),
            uploads_wait_until_ms: status.uploads_wait.and_then(|wait| wait.until_ms),
            segments_set_aside: status.segments_set_aside,
            damaged_bytes: status.damaged_bytes,
            bytes_queued: status.bytes_queued,
            bytes_uploaded: status.bytes_uploaded,
            erasures_waiting: status.erasures_waiting as u64,
            journal_bytes: status.journal_bytes,
        }
    }
}
