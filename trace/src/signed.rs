//! Signed traces, and several of them in one request.
//!
//! On the wire: payload length (u32, little endian), payload, 64 bytes of signature; a batch is
//! one after another. The media type is [`MEDIA_TYPE`] for both.

use crate::{
    Trace, TraceId,
    payload::{self, MAX_PAYLOAD, PayloadError},
    sign::{Domain, PublicKey, SIGNATURE_LEN, SignError, SignatureError, Signer},
};

/// Media type of one or many signed traces.
pub const MEDIA_TYPE: &str = "application/vnd.hexmile.trace";
/// Largest signed trace in bytes.
pub const MAX_SIGNED_TRACE: usize = 4 + MAX_PAYLOAD + SIGNATURE_LEN;
/// Most signed traces in a batch.
pub const MAX_BATCH: usize = 64;

/// A payload and the signature over it, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTrace {
    payload: Vec<u8>,
    signature: [u8; SIGNATURE_LEN],
}

/// Why bytes are no signed trace, or no batch of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// No bytes at all.
    #[error("the body is empty")]
    Empty,
    /// The bytes end before the trace does.
    #[error("trace {index} is cut short: {missing} more bytes are needed")]
    Truncated {
        /// Which one of the batch, from 0.
        index: usize,
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// A length beyond [`MAX_PAYLOAD`].
    #[error("trace {index} claims a payload of {len} bytes, and at most {MAX_PAYLOAD} are allowed")]
    TooLarge {
        /// Which one of the batch, from 0.
        index: usize,
        /// The length claimed.
        len: usize,
    },
    /// More than [`MAX_BATCH`].
    #[error("more than {MAX_BATCH} traces in one batch")]
    TooMany,
}

impl SignedTrace {
    /// Encodes and signs a trace.
    ///
    /// # Errors
    /// The key store did not sign.
    pub fn seal(trace: &Trace, signer: &dyn Signer) -> Result<Self, SignError> {
        let payload = payload::encode(trace);
        let signature = signer.sign(Domain::Trace, &payload)?;
        Ok(Self { payload, signature })
    }

    /// The signed bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature.
    pub const fn signature(&self) -> &[u8; SIGNATURE_LEN] {
        &self.signature
    }

    /// The id: a hash of the payload, whoever signed it.
    pub fn id(&self) -> TraceId {
        TraceId::of_payload(&self.payload)
    }

    /// Decodes the payload without looking at the signature.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn decode(&self) -> Result<Trace, PayloadError> {
        Self::decode_payload(&self.payload)
    }

    /// Decodes payload bytes whose signature was verified before, such as those of a store.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn decode_payload(payload: &[u8]) -> Result<Trace, PayloadError> {
        payload::decode(payload)
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        key.verify(Domain::Trace, &self.payload, &self.signature)
    }

    /// Bytes on the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.payload.len() + SIGNATURE_LEN);
        out.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.payload);
        out.extend_from_slice(&self.signature);
        out
    }

    /// Reads one signed trace, with nothing after it.
    ///
    /// # Errors
    /// [`EnvelopeError`]; [`EnvelopeError::TooMany`] where bytes follow.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let (trace, rest) = Self::read(bytes, 0)?;
        if rest.is_empty() { Ok(trace) } else { Err(EnvelopeError::TooMany) }
    }

    /// Reads a batch of 1 to [`MAX_BATCH`] signed traces; all or none.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn read_batch(mut bytes: &[u8]) -> Result<Vec<Self>, EnvelopeError> {
        if bytes.is_empty() {
            return Err(EnvelopeError::Empty);
        }
        let mut traces = Vec::new();
        while !bytes.is_empty() {
            if traces.len() == MAX_BATCH {
                return Err(EnvelopeError::TooMany);
            }
            let (trace, rest) = Self::read(bytes, traces.len())?;
            traces.push(trace);
            bytes = rest;
        }
        Ok(traces)
    }

    fn read(bytes: &[u8], index: usize) -> Result<(Self, &[u8]), EnvelopeError> {
        let truncated =
            |need: usize, have: usize| EnvelopeError::Truncated { index, missing: need - have };
        let (len, rest) =
            bytes.split_first_chunk::<4>().ok_or_else(|| truncated(4, bytes.len()))?;
        let len = u32::from_le_bytes(*len) as usize;
        if len > MAX_PAYLOAD {
            return Err(EnvelopeError::TooLarge { index, len });
        }
        let need = len + SIGNATURE_LEN;
        let (payload, rest) =
            rest.split_at_checked(len).ok_or_else(|| truncated(need, rest.len()))?;
        let (signature, rest) = rest
            .split_first_chunk::<SIGNATURE_LEN>()
            .ok_or_else(|| truncated(SIGNATURE_LEN, rest.len()))?;
        Ok((Self { payload: payload.to_vec(), signature: *signature }, rest))
    }
}
