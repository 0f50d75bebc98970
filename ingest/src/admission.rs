//! Admission: from bytes on the wire to a durable trace with a receipt, or a refusal.
//!
//! The steps come in one order, and each has its own refusal: size, schema, device, signature,
//! duplicate, device still signed in, oldest SDK, capture window. A repeat gets its first receipt, whatever its age or SDK.

use std::sync::Arc;

use hexmile_trace::{
    EnvelopeError, NetworkId, PayloadError, Receipt, ReceiptBody, SdkVersion, SignedTrace, Trace,
    TraceId,
};

use crate::{
    commit::{Committer, QueueFull},
    config::Config,
    decoded::Decoded,
    environment::Environment,
    keys::ServerKeys,
    metrics::Metrics,
    store::{Commit, Device, NewTrace, Store, StoreError},
};

/// Oldest capture taken, before now, milliseconds.
pub const CAPTURE_WINDOW_MS: u64 = 7 * 24 * 3600 * 1000;
/// How far ahead of the server's a phone's clock may run, milliseconds.
pub const CLOCK_TOLERANCE_MS: u64 = 2 * 60 * 1000;

/// Why an upload is not taken. Data, not failure: counted, and told to the client under a code
/// that never changes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request cannot be cut into traces.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A payload is no trace.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Signed for another network.
    #[error("the trace is for network {found}, and this is network {wanted}")]
    WrongNetwork {
        /// In the trace.
        found: NetworkId,
        /// Served here.
        wanted: NetworkId,
    },
    /// Sealed by an SDK that is no longer taken.
    #[error("SDK {found} is no longer taken; the oldest is {oldest}")]
    SdkTooOld {
        /// In the trace.
        found: SdkVersion,
        /// Taken here.
        oldest: SdkVersion,
    },
    /// The device was never added to an account.
    #[error("the device is not known; add it to an account first")]
    UnknownDevice,
    /// The device was signed out of its account.
    #[error("the device was signed out of its account, and sends nothing more")]
    RevokedDevice,
    /// Not signed by the device's key.
    #[error("the signature is not the device's over this payload")]
    Signature,
    /// Captured too long ago.
    #[error("captured {age_ms} ms ago, and at most {CAPTURE_WINDOW_MS} ms are taken")]
    TooOld {
        /// Age of the earliest own fix.
        age_ms: u64,
    },
    /// Captured in the future.
    #[error(
        "captured {ahead_ms} ms ahead of the server's clock, and at most {CLOCK_TOLERANCE_MS} ms are taken"
    )]
    Future {
        /// Of the latest fix.
        ahead_ms: u64,
    },
    /// The device gave the sequence number to another trace.
    #[error("sequence number {sequence} of this device belongs to trace {by}")]
    SequenceTaken {
        /// The number.
        sequence: u64,
        /// Which trace has it.
        by: TraceId,
    },
    /// The sequence number is below those whose ids are still kept.
    #[error("sequence numbers of this device up to {up_to} are closed")]
    SequenceClosed {
        /// The highest closed one.
        up_to: u64,
    },
    /// The server's key did not sign.
    #[error("the server's key is not available; try again")]
    Key,
    /// Too many uploads wait for the store.
    #[error("too many uploads are waiting; try again")]
    Busy,
    /// The store failed; nothing was taken, and the same upload may be taken later.
    #[error("the store is not available; try again")]
    Unavailable(#[source] StoreError),
}

impl Refusal {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Envelope(EnvelopeError::Empty) => "body_empty",
            Self::Envelope(EnvelopeError::Truncated { .. }) => "trace_truncated",
            Self::Envelope(EnvelopeError::TooLarge { .. })
            | Self::Payload(PayloadError::TooLarge(_)) => "trace_too_large",
            Self::Envelope(_) => "batch_too_large",
            Self::Payload(PayloadError::Version(_)) => "trace_version_unknown",
            Self::Payload(PayloadError::Alg(_)) => "alg_unknown",
            Self::Payload(PayloadError::Fix { .. }) => "fix_out_of_range",
            Self::Payload(PayloadError::Trace(_)) => "trace_out_of_bounds",
            Self::Payload(_) => "trace_malformed",
            Self::WrongNetwork { .. } => "wrong_network",
            Self::SdkTooOld { .. } => "sdk_too_old",
            Self::UnknownDevice => "unknown_device",
            Self::RevokedDevice => "device_revoked",
            Self::Signature => "signature_invalid",
            Self::TooOld { .. } => "captured_too_long_ago",
            Self::Future { .. } => "captured_in_future",
            Self::SequenceTaken { .. } => "sequence_taken",
            Self::SequenceClosed { .. } => "sequence_closed",
            Self::Key => "key_unavailable",
            Self::Busy => "busy",
            Self::Unavailable(_) => "store_unavailable",
        }
    }

    /// HTTP status where this is the answer to the whole request.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Envelope(EnvelopeError::TooLarge { .. } | EnvelopeError::TooMany)
            | Self::Payload(PayloadError::TooLarge(_)) => 413,
            Self::Envelope(_) | Self::Payload(_) => 400,
            Self::UnknownDevice | Self::RevokedDevice | Self::Signature => 403,
            Self::SequenceTaken { .. } | Self::SequenceClosed { .. } => 409,
            Self::Key | Self::Busy | Self::Unavailable(_) => 503,
            _ => 422,
        }
    }

    /// Whether the same bytes may be taken at another time.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Key
                | Self::Busy
                | Self::Unavailable(_)
                | Self::Future { .. }
                | Self::UnknownDevice
                | Self::Envelope(EnvelopeError::Truncated { .. })
        )
    }
}

/// What became of one trace of an upload.
#[derive(Debug)]
pub enum Outcome {
    /// It is durable.
    Accepted(Receipt),
    /// It was durable before: its first receipt.
    Duplicate(Receipt),
    /// It is not taken. The id is there where the bytes could be cut.
    Refused(TraceId, Refusal),
}

/// A trace whose payload, device and signature were checked; only [`Admission`] makes one.
#[derive(Debug)]
struct VerifiedTrace {
    signed: SignedTrace,
    trace: Trace,
    device: Device,
}

/// The admission of one server.
pub struct Admission {
    store: Arc<dyn Store>,
    committer: Committer,
    decoded: Arc<Decoded>,
    keys: ServerKeys,
    environment: Arc<dyn Environment>,
    metrics: Arc<Metrics>,
    network: NetworkId,
    min_sdk: SdkVersion,
}

impl Admission {
    /// Ready to admit to the network, and from the oldest SDK, that are configured.
    pub fn new(
        config: &Config,
        store: Arc<dyn Store>,
        committer: Committer,
        decoded: Arc<Decoded>,
        keys: ServerKeys,
        environment: Arc<dyn Environment>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (network, min_sdk) = (config.network, config.min_sdk);
        Self { store, committer, decoded, keys, environment, metrics, network, min_sdk }
    }

    /// Admits an upload of one or many traces. Each is judged alone; outcomes are in their order.
    ///
    /// # Errors
    /// The body cannot be cut into traces; none is taken.
    pub async fn admit(&self, body: &[u8]) -> Result<Vec<Outcome>, Refusal> {
        let result = self.admit_batch(body).await;
        match &result {
            Ok(outcomes) => outcomes.iter().for_each(|outcome| {
                let code = match outcome {
                    Outcome::Accepted(_) => "accepted",
                    Outcome::Duplicate(_) => "duplicate",
                    Outcome::Refused(_, refusal) => refusal.code(),
                };
                Metrics::count(&self.metrics.traces, code);
            }),
            Err(refusal) => Metrics::count(&self.metrics.traces, refusal.code()),
        }
        result
    }

    async fn admit_batch(&self, body: &[u8]) -> Result<Vec<Outcome>, Refusal> {
        let batch = SignedTrace::read_batch(body)?;
        let mut verified = Vec::with_capacity(batch.len());
        for signed in batch {
            verified.push((signed.id(), self.verify(signed).await));
        }
        // All are handed to the committer before the first is waited for: one commit takes them.
        let mut waiting = Vec::with_capacity(verified.len());
        for (id, verified) in verified {
            waiting.push((
                id,
                match verified {
                    Ok(verified) => self.submit(verified, id).await,
                    Err(refusal) => Err(refusal),
                },
            ));
        }
        let mut outcomes = Vec::with_capacity(waiting.len());
        for (id, step) in waiting {
            outcomes.push(match step {
                Err(refusal) => Outcome::Refused(id, refusal),
                Ok(Step::Known(receipt)) => Outcome::Duplicate(receipt),
                Ok(Step::Submitted(receipt, done)) => {
                    let done = done.await;
                    if !matches!(done, Ok(Commit::New)) {
                        self.decoded.take(id);
                    }
                    settle(id, &receipt, done)
                }
            });
        }
        Ok(outcomes)
    }

    async fn verify(&self, signed: SignedTrace) -> Result<VerifiedTrace, Refusal> {
        let trace = signed.decode()?;
        let header = trace.header();
        if header.network != self.network {
            let (found, wanted) = (header.network, self.network);
            return Err(Refusal::WrongNetwork { found, wanted });
        }
        let device = self
            .store
            .device(header.device)
            .await
            .map_err(Refusal::Unavailable)?
            .ok_or(Refusal::UnknownDevice)?;
        if device.key.alg() != header.alg {
            return Err(Refusal::Signature);
        }
        signed.verify(&device.key).map_err(|_| Refusal::Signature)?;
        Ok(VerifiedTrace { signed, trace, device })
    }

    async fn submit(&self, verified: VerifiedTrace, id: TraceId) -> Result<Step, Refusal> {
        let now_ms = self.environment.now_ms();
        if let Err(refusal) = self.may_be_new(&verified, now_ms) {
            // Of what may be new the commit itself finds a repeat; of the rest only a repeat counts.
            let first = self.store.receipt(id).await.map_err(Refusal::Unavailable)?;
            return first.map(Step::Known).ok_or(refusal);
        }
        let mut salt = [0; 16];
        self.environment.fill_random(&mut salt);
        let body = ReceiptBody {
            network: self.network,
            trace: id,
            device: verified.device.id,
            sequence: verified.trace.header().sequence,
            received_at_ms: now_ms,
            salt,
            key: self.keys.id(),
        };
        let receipt = Receipt::sign(body, self.keys.signer()).map_err(|_| Refusal::Key)?;
        let new = NewTrace {
            account: verified.device.account,
            receipt,
            payload: verified.signed.payload().to_vec(),
        };
        // Before the commit, so that it is there whenever folding comes.
        self.decoded.hold(id, verified.trace, now_ms);
        let done = self.committer.submit(new).map_err(|QueueFull| Refusal::Busy)?;
        Ok(Step::Submitted(Box::new(receipt), done))
    }
}

enum Step {
    Known(Receipt),
    Submitted(Box<Receipt>, crate::commit::Done),
}

fn settle(id: TraceId, receipt: &Receipt, done: Result<Commit, StoreError>) -> Outcome {
    match done {
        Ok(Commit::New) => Outcome::Accepted(*receipt),
        Ok(Commit::Repeat(first)) => Outcome::Duplicate(first),
        Ok(Commit::SequenceTaken(by)) => {
            Outcome::Refused(id, Refusal::SequenceTaken { sequence: receipt.body.sequence, by })
        }
        Ok(Commit::SequenceClosed(up_to)) => {
            Outcome::Refused(id, Refusal::SequenceClosed { up_to })
        }
        Ok(Commit::DeviceRevoked) => Outcome::Refused(id, Refusal::RevokedDevice),
        Ok(Commit::NoDevice) => Outcome::Refused(id, Refusal::UnknownDevice),
        Err(error) => Outcome::Refused(id, Refusal::Unavailable(error)),
    }
}

impl Admission {
    /// Whether a trace that was not taken before may be taken now.
    fn may_be_new(&self, verified: &VerifiedTrace, now_ms: u64) -> Result<(), Refusal> {
        if verified.device.revoked_at_ms.is_some() {
            return Err(Refusal::RevokedDevice);
        }
        let trace = &verified.trace;
        let (found, oldest) = (trace.header().sdk_version, self.min_sdk);
        if found < oldest {
            return Err(Refusal::SdkTooOld { found, oldest });
        }
        capture_window(trace, now_ms)
    }
}

fn capture_window(trace: &Trace, now_ms: u64) -> Result<(), Refusal> {
    let ahead_ms = trace.last_ms().saturating_sub(now_ms);
    if ahead_ms > CLOCK_TOLERANCE_MS {
        return Err(Refusal::Future { ahead_ms });
    }
    let age_ms = now_ms.saturating_sub(trace.first_ms());
    if age_ms > CAPTURE_WINDOW_MS {
        return Err(Refusal::TooOld { age_ms });
    }
    Ok(())
}
