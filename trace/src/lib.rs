//! Fixes, traces and signed traces: the wire format that phones and the server share.
//!
//! **Owns** the words everything else is said in: a [`Fix`] and its quantisation, identifiers,
//! positions and distances, the [`Trace`] with its bounds, the FlatBuffers payload with its
//! entropy-coded columns, signing and verifying, [`Receipt`]s, and the messages that accounts and
//! devices sign to [`enrol`].
//!
//! **Must never know** a clock, a random source, a file or a network; nor what a trace is worth or
//! whether it is honest. Its arithmetic is the same on every machine.
//!
//! Start at [`SignedTrace`]: `seal` on the phone, `verify` and `decode` on the server. `FORMAT.md`
//! beside this crate specifies the bytes of version 1, which is frozen, and
//! `vectors/v1.txt` shows them one by one.
//!
//! Reading is total: any bytes give a trace or an error. It allocates, in all, at most 96 bytes for
//! each byte read (300 fixes that say next to nothing), and at most 3 for each byte and 12 KiB
//! for each trace. And it is strict: a trace has one payload, a signature one form and a key one
//! name, so that no second id can be made of what was signed once.
//!
//! ```
//! use hexmile_trace::{sign::*, *};
//!
//! let key = SoftwareSigner::from_seed(&[7; 32]);
//! let fix = Fix::quantise(&RawFix {
//!     time_ms: 1_700_000_000_000,
//!     latitude_deg: 47.3769,
//!     longitude_deg: 8.5417,
//!     ..RawFix::default()
//! })?;
//! let header = TraceHeader {
//!     alg: Alg::Ed25519,
//!     device: DeviceId::of_key(&key.public_key()),
//!     network: NetworkId::of_name("example"),
//!     sequence: 0,
//!     trip: TripId([1; 8]),
//!     sdk_version: SdkVersion::new(0, 1, 0),
//!     clock_offset_ms: None,
//!     context: false,
//!     checkpoint: None,
//! };
//! let signed = SignedTrace::seal(&Trace::new(header, vec![fix])?, &key)?;
//! let received = SignedTrace::from_bytes(&signed.to_bytes())?;
//! received.verify(&key.public_key())?;
//! assert_eq!(received.decode()?.fixes(), [fix]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a fix costs
//!
//! Columns of 10 traces of 300 fixes, real 1 Hz driving of two phones on a highway; "in all" adds the
//! same header, signature and framing to each, 0.62 bytes a fix. Each was written, read and
//! compared by `cargo bench -p hexmile-fixtures --bench hexmile -- codecs`, which makes this table anew.
//!
//! | columns by | B/fix | in all | write, us/fix | read, us/fix |
//! |---|---|---|---|---|
//! | **this codec**: dead reckoning, running scale, adaptive rANS | **2.70** | **3.31** | **0.15** | **0.13** |
//! | second difference, varint, brotli 11 | 3.23 | 3.85 | 78 | 0.10 |
//! | second difference, varint, zstd 19 | 3.42 | 4.04 | 0.68 | 0.12 |
//! | second difference, Laplace of running scale, constriction's range coder | 3.54 | 4.16 | 0.29 | 0.93 |
//! | second difference, Golomb-Rice | 3.75 | 4.37 | 0.28 | 0.10 |
//! | first difference, varint, brotli 11 | 4.00 | 4.62 | 78 | 0.12 |
//! | Pcodec | 4.42 | 5.04 | 1.07 | 0.09 |
//! | first difference, varint, zstd 19 | 4.56 | 5.18 | 0.88 | 0.12 |
//! | second difference, bits packed in blocks of 32 | 5.25 | 5.87 | 0.04 | 0.06 |
//! | first difference, Laplace of running scale, constriction | 5.69 | 6.31 | 0.28 | 1.06 |
//! | first difference, bits packed in blocks of 32 | 6.00 | 6.62 | 0.04 | 0.05 |
//! | first difference, Golomb-Rice | 6.22 | 6.84 | 0.28 | 0.09 |
//! | second difference, varint | 8.14 | 8.76 | 0.03 | 0.05 |
//! | FlatBuffers structs, brotli 11 | 10.03 | 10.65 | 96 | 0.17 |
//! | first difference, varint | 10.83 | 11.45 | 0.03 | 0.04 |
//! | FlatBuffers structs, zstd 19 | 12.01 | 12.63 | 5.3 | 0.14 |
//! | FlatBuffers structs | 32.00 | 32.62 | 0.02 | 0.03 |
//!
//! What each part of this codec gives, in all, when it alone is taken out or exchanged:
//!
//! | instead | B/fix |
//! |---|---|
//! | positions as the last step again, without speed and course | 3.53 |
//! | binary decisions in unary, each with a fast and a slow estimate, by a range coder (0.25 and 0.29 us/fix) | 3.43 |
//! | one distribution a column rather than four | 3.41 |
//! | a running scale over 16 values rather than 4 | 3.39 |
//! | speed and course as the last value, without a trend | 3.36 |
//! | distributions that stay as they begin | 3.36 |
//! | positions corrected by a quarter of what the last prediction missed | 3.34 |

// What phones load leaves `{:?}` empty.
#![cfg_attr(not(test), warn(clippy::use_debug))]

mod codec;
pub mod enrol;
mod fix;
mod geodesy;
mod ids;
mod payload;
mod receipt;
pub mod sign;
mod signed;
mod trace;

pub use fix::{Fix, FixError, FixFlags, FixParts, Provider, RawFix};
pub use geodesy::{EARTH_RADIUS_M, Position};
pub use ids::{AccountId, DeviceId, NetworkId, ParseIdError, TraceId, TripId};
pub use payload::{FORMAT_VERSION, MAX_PAYLOAD, PayloadError};
pub use receipt::{KeyId, RECEIPT_BODY_LEN, Receipt, ReceiptBody};
pub use signed::{EnvelopeError, MAX_BATCH, MAX_SIGNED_TRACE, MEDIA_TYPE, SignedTrace};
pub use trace::{
    CheckpointRef, MAX_FIXES, MAX_JOIN_CM, MAX_JOIN_MS, MAX_SEQUENCE, MAX_SPAN_MS, SdkVersion,
    Trace, TraceError, TraceHeader,
};
