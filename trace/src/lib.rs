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
//! for each trace. And it is strict: a trace has one payload, a signature one form, a key one name, so that
//! no second id can be made of what was signed once.
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
