//! What the recorder tells its host: errors, effects, uploads, status.

use std::collections::BTreeMap;

use hexmile_trace::{TraceId, sign::SignError};

use crate::{capture::DropReason, enrol::Request, journal::JournalError};

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
    /// An upload failed and will be tried again.
    Delayed(String),
}

/// An upload in the hands of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What to send.
    pub request: Request,
    /// Which traces it holds, with their sequence numbers.
    pub traces: Vec<(u64, TraceId)>,
}

/// What a driver may want to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the driver has agreed to recording.
    pub consent: bool,
    /// Whether a trip is under way.
    pub recording: bool,
    /// Fixes that joined a trace, or wait to.
    pub fixes_kept: u64,
    /// Fixes dropped, by reason.
    pub fixes_dropped: BTreeMap<DropReason, u64>,
    /// Traces that wait for a receipt.
    pub traces_waiting: usize,
    /// Traces with a receipt.
    pub traces_received: u64,
    /// Traces that the server refused for good, by code.
    pub traces_refused: BTreeMap<String, u64>,
    /// Traces dropped because the journal was full or damaged.
    pub traces_dropped: u64,
    /// Bytes handed to the host for upload, repeats included.
    pub bytes_uploaded: u64,
    /// Bytes on disk.
    pub journal_bytes: u64,
}
