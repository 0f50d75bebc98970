//! A trace: a bounded run of fixes of one trip, with its header.

use crate::{DeviceId, Fix, NetworkId, TripId, sign::Alg};

/// Most fixes in a trace.
pub const MAX_FIXES: usize = 300;
/// Longest time between a trace's earliest and latest fix, milliseconds.
pub const MAX_SPAN_MS: u64 = 300_000;
/// Largest sequence number: the largest integer that every JSON reader keeps exact.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;
/// Longest time between two fixes that are still joined, milliseconds.
pub const MAX_JOIN_MS: u64 = 30_000;
/// Longest great-circle distance between two fixes that are still joined, centimetres.
pub const MAX_JOIN_CM: u64 = 50_000;

/// Version of an SDK: `major.minor.patch`, each below 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SdkVersion(u32);

impl SdkVersion {
    /// Packs a version; parts are taken modulo 1024 (major modulo 4096).
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self((major & 0xfff) << 20 | (minor & 0x3ff) << 10 | patch & 0x3ff)
    }

    /// The version of a packed number.
    pub const fn from_u32(packed: u32) -> Self {
        Self(packed)
    }

    /// The packed number.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

impl core::fmt::Display for SdkVersion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}.{}", self.0 >> 20, self.0 >> 10 & 0x3ff, self.0 & 0x3ff)
    }
}

/// A recent checkpoint of the server's log, which a trace may carry to show that it is young.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointRef {
    /// Leaves in the log.
    pub tree_size: u64,
    /// First 16 bytes of the root hash.
    pub root: [u8; 16],
}

/// What a trace says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHeader {
    /// How it is signed.
    pub alg: Alg,
    /// Whose key signs it.
    pub device: DeviceId,
    /// Which network it is for.
    pub network: NetworkId,
    /// Its number among its device's traces, rising, with gaps allowed; one number has one content.
    pub sequence: u64,
    /// Which trip it belongs to.
    pub trip: TripId,
    /// Which SDK sealed it.
    pub sdk_version: SdkVersion,
    /// GNSS or server time less the phone's clock, milliseconds, where known.
    pub clock_offset_ms: Option<i32>,
    /// Whether the first fix repeats the last of the trace before it: it joins the two, and
    /// is not counted again.
    pub context: bool,
    /// A recent checkpoint of the server's log.
    pub checkpoint: Option<CheckpointRef>,
}

/// Why fixes and a header do not make a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// No fix, or a context fix alone.
    #[error("a trace needs at least one fix of its own")]
    Empty,
    /// More than [`MAX_FIXES`].
    #[error("{0} fixes, and at most {MAX_FIXES} are allowed")]
    TooManyFixes(usize),
    /// Beyond [`MAX_SEQUENCE`].
    #[error("sequence number {0}, and at most {MAX_SEQUENCE} is allowed")]
    Sequence(u64),
    /// Longer than [`MAX_SPAN_MS`].
    #[error("the fixes span {0} ms, and at most {MAX_SPAN_MS} ms are allowed")]
    TooLong(u64),
}

/// A header and 1 to [`MAX_FIXES`] fixes that span at most [`MAX_SPAN_MS`]. Their order is the
/// order of recording; whether times rise is for validation to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    header: TraceHeader,
    fixes: Vec<Fix>,
    first_ms: u64,
    last_ms: u64,
}

impl Trace {
    /// Checks the bounds.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn new(header: TraceHeader, fixes: Vec<Fix>) -> Result<Self, TraceError> {
        if header.sequence > MAX_SEQUENCE {
            return Err(TraceError::Sequence(header.sequence));
        }
        if fixes.len() > MAX_FIXES {
            return Err(TraceError::TooManyFixes(fixes.len()));
        }
        if fixes.len() <= usize::from(header.context) {
            return Err(TraceError::Empty);
        }
        let times = || fixes.iter().map(Fix::time_ms);
        let (Some(first_ms), Some(last_ms)) = (times().min(), times().max()) else {
            return Err(TraceError::Empty);
        };
        if last_ms - first_ms > MAX_SPAN_MS {
            return Err(TraceError::TooLong(last_ms - first_ms));
        }
        Ok(Self { header, fixes, first_ms, last_ms })
    }

    /// The header.
    pub const fn header(&self) -> &TraceHeader {
        &self.header
    }

    /// The fixes, the context fix among them.
    pub fn fixes(&self) -> &[Fix] {
        &self.fixes
    }

    /// The fixes that this trace brings: without the context fix.
    pub fn own_fixes(&self) -> &[Fix] {
        &self.fixes[usize::from(self.header.context)..]
    }

    /// Earliest capture time, Unix milliseconds.
    pub const fn first_ms(&self) -> u64 {
        self.first_ms
    }

    /// Latest capture time, Unix milliseconds.
    pub const fn last_ms(&self) -> u64 {
        self.last_ms
    }
}
