//! A trace as FlatBuffers bytes: the payload that is signed.

use flatbuffers::{FlatBufferBuilder, InvalidFlatbuffer, VerifierOptions};
use hexmile_trace_flatbuffers as fb;

use crate::{
    CheckpointRef, DeviceId, FixError, MAX_FIXES, NetworkId, SdkVersion, Trace, TraceError,
    TraceHeader, TripId, codec, sign::Alg,
};

/// The format version that this crate writes.
pub const FORMAT_VERSION: u8 = 1;
/// Largest payload in bytes; 300 fixes of noise stay below it.
pub const MAX_PAYLOAD: usize = 16 * 1024;

/// Why bytes are no payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Larger than [`MAX_PAYLOAD`].
    #[error("a payload of {0} bytes, and at most {MAX_PAYLOAD} are allowed")]
    TooLarge(usize),
    /// Not a buffer of the schema.
    #[error("not a trace: {0}")]
    Malformed(String),
    /// A version that this crate does not read.
    #[error("trace format version {0} is not known; this side reads version {FORMAT_VERSION}")]
    Version(u8),
    /// An unknown signature algorithm.
    #[error("signature algorithm {0} is not known")]
    Alg(u8),
    /// A fix out of range.
    #[error("fix {index}: {error}")]
    Fix {
        /// Its index, from 0.
        index: usize,
        /// What is wrong with it.
        error: FixError,
    },
    /// Bytes that say what they say in another way than [`encode`](crate::SignedTrace::seal) does:
    /// of all the buffers and columns that could hold a trace, one is its payload.
    #[error("not the bytes that an encoder writes for this trace")]
    NotCanonical,
    /// Bounds of a trace.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

impl From<InvalidFlatbuffer> for PayloadError {
    fn from(error: InvalidFlatbuffer) -> Self {
        // The library's text names the table and field, over several lines.
        let text = error.to_string();
        Self::Malformed(text.lines().next().unwrap_or_default().to_owned())
    }
}

/// Encodes a trace.
pub(crate) fn encode(trace: &Trace) -> Vec<u8> {
    let fixes = trace.fixes();
    let columns = codec::encode(fixes);
    wrap(trace.header(), fixes.len() as u16, fixes[0].time_ms(), &columns).finished_data().to_vec()
}

/// Puts columns and what stands beside them into a buffer of the schema.
fn wrap(
    header: &TraceHeader,
    fix_count: u16,
    first_time_ms: u64,
    columns: &[u8],
) -> FlatBufferBuilder<'static> {
    let mut builder = FlatBufferBuilder::with_capacity(columns.len() + 256);
    let columns = builder.create_vector(columns);
    let checkpoint = header.checkpoint.map(|c| fb::Checkpoint::new(c.tree_size, &c.root));
    let table = fb::Payload::create(
        &mut builder,
        &fb::PayloadArgs {
            version: FORMAT_VERSION,
            alg: header.alg as u8,
            context: header.context,
            fix_count,
            sdk_version: header.sdk_version.as_u32(),
            clock_offset_ms: header.clock_offset_ms,
            sequence: header.sequence,
            first_time_ms,
            device: Some(&fb::Bytes16::new(&header.device.0)),
            network: Some(&fb::Bytes8::new(&header.network.0)),
            trip: Some(&fb::Bytes8::new(&header.trip.0)),
            checkpoint: checkpoint.as_ref(),
            columns: Some(columns),
        },
    );
    builder.finish(table, Some(fb::PAYLOAD_IDENTIFIER));
    builder
}

/// Decodes and checks a payload. Total and bounded: time and memory grow with at most
/// [`MAX_PAYLOAD`] bytes and [`MAX_FIXES`] fixes, whatever the bytes say; what is allocated, the
/// crate's front door says.
pub(crate) fn decode(bytes: &[u8]) -> Result<Trace, PayloadError> {
    if bytes.len() > MAX_PAYLOAD {
        return Err(PayloadError::TooLarge(bytes.len()));
    }
    // The smallest buffer that can hold a root offset and an identifier; the library asserts it.
    if bytes.len() < 8 || !fb::payload_buffer_has_identifier(bytes) {
        return Err(PayloadError::Malformed("the file identifier HXM1 is missing".to_owned()));
    }
    let limits = VerifierOptions {
        max_depth: 2,
        max_tables: 1,
        max_apparent_size: MAX_PAYLOAD,
        ..VerifierOptions::default()
    };
    let table = fb::root_as_payload_with_opts(&limits, bytes)?;
    if table.version() != FORMAT_VERSION {
        return Err(PayloadError::Version(table.version()));
    }
    let header = TraceHeader {
        alg: Alg::from_u8(table.alg()).ok_or(PayloadError::Alg(table.alg()))?,
        device: DeviceId(table.device().bytes().into()),
        network: NetworkId(table.network().bytes().into()),
        sequence: table.sequence(),
        trip: TripId(table.trip().bytes().into()),
        sdk_version: SdkVersion::from_u32(table.sdk_version()),
        clock_offset_ms: table.clock_offset_ms(),
        context: table.context(),
        checkpoint: table
            .checkpoint()
            .map(|c| CheckpointRef { tree_size: c.tree_size(), root: c.root().into() }),
    };
    let count = usize::from(table.fix_count());
    if count > MAX_FIXES {
        return Err(TraceError::TooManyFixes(count).into());
    }
    let (columns, first_time_ms) = (table.columns().bytes(), table.first_time_ms());
    // A buffer may be laid out in many ways, and its id is a hash of its bytes.
    if wrap(&header, table.fix_count(), first_time_ms, columns).finished_data() != bytes {
        return Err(PayloadError::NotCanonical);
    }
    let fixes = codec::decode(columns, count, first_time_ms).map_err(|error| match error {
        codec::DecodeError::NotCanonical => PayloadError::NotCanonical,
        codec::DecodeError::Fix(index, error) => PayloadError::Fix { index, error },
    })?;
    Ok(Trace::new(header, fixes)?)
}
