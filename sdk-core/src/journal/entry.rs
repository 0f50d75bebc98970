//! What the journal says, entry by entry.

use hexmile_trace::{
    DeviceId, Fix, FixFlags, FixParts, KeyId, NetworkId, Receipt, ReceiptBody, TraceId, TripId,
    sign::SIGNATURE_LEN,
};

use crate::capture::Kept;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// First in every segment, so that older ones can go.
    Opened {
        /// The sequence number that the next trace takes.
        next_sequence: u64,
        /// The trip under way and its context fix, where the segment begins inside one.
        resumed: Option<(TripId, Fix)>,
    },
    /// A trip began.
    TripStarted(TripId),
    /// A segment begins inside a trip, and no context of it goes on.
    TripGoesOn {
        /// Which.
        trip: TripId,
        /// When the last of its fixes that was kept was captured.
        last_ms: u64,
    },
    /// A released fix joined the open run.
    Kept(Kept),
    /// The first fixes of the open run became a trace.
    Sealed {
        /// Its number.
        sequence: u64,
        /// Whether the last fix goes on as context of the next.
        joined: bool,
        /// Fixes of its own, which are no longer open.
        own: u16,
        /// The signed trace, as it goes on the wire.
        bytes: Vec<u8>,
    },
    /// The server gave a receipt, or will never take the trace.
    Settled {
        /// Its number.
        sequence: u64,
        /// Which trace.
        trace: TraceId,
        /// The receipt, where there is one.
        receipt: Option<Receipt>,
    },
    /// The trip ended, and all of it that will be is sealed.
    TripEnded(TripId),
    /// The first fixes of the open run will be no trace.
    Discarded {
        /// Whether the last fix goes on as context of the next.
        joined: bool,
        /// Fixes of its own.
        own: u16,
    },
    /// Of the fixes that are open, counted from the oldest trip's first and with context fixes, these
    /// will be in no trace, and nothing joins what was before and after them.
    Hidden(Vec<Stretch>),
    /// The driver withdrew: what is open is never sealed.
    Withdrawn,
}

/// Fixes in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The first.
    pub(crate) from: u16,
    /// The first after.
    pub(crate) until: u16,
}

const OPENED: u8 = 1;
const TRIP_STARTED: u8 = 2;
const KEPT: u8 = 3;
const SEALED: u8 = 4;
const SETTLED: u8 = 5;
const TRIP_ENDED: u8 = 6;
const DISCARDED: u8 = 7;
const WITHDRAWN: u8 = 8;
const KEPT_APART: u8 = 9;
const TRIP_GOES_ON: u8 = 10;
const HIDDEN: u8 = 11;
/// Bytes of a fix.
pub(super) const FIX_LEN: usize = 8 + 4 + 4 + 2 + 2 + 2 + 4 + 1;
/// Bytes of a settled trace without a receipt.
const SETTLED_LEN: usize = 8 + TraceId::LEN;
/// Bytes of a settled trace with its receipt.
const RECEIPTED_LEN: usize = SETTLED_LEN + RECEIPT_LEN;
/// Bytes of what a receipt adds.
const RECEIPT_LEN: usize = NetworkId::LEN + DeviceId::LEN + 8 + 16 + 8 + SIGNATURE_LEN;
/// Bytes of an opening inside a trip.
const RESUMED_LEN: usize = 8 + TripId::LEN + FIX_LEN;

impl Entry {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Opened { next_sequence, resumed } => {
                out.push(OPENED);
                out.extend_from_slice(&next_sequence.to_le_bytes());
                if let Some((trip, fix)) = resumed {
                    out.extend_from_slice(&trip.0);
                    write_fix(fix, out);
                }
            }
            Self::TripStarted(trip) => {
                out.push(TRIP_STARTED);
                out.extend_from_slice(&trip.0);
            }
            Self::TripGoesOn { trip, last_ms } => {
                out.push(TRIP_GOES_ON);
                out.extend_from_slice(&trip.0);
                out.extend_from_slice(&last_ms.to_le_bytes());
            }
            Self::Kept(Kept { fix, cut }) => {
                out.push(if *cut { KEPT_APART } else { KEPT });
                write_fix(fix, out);
            }
            Self::Sealed { sequence, joined, own, bytes } => {
                out.push(SEALED);
                out.extend_from_slice(&sequence.to_le_bytes());
                out.push(u8::from(*joined));
                out.extend_from_slice(&own.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Settled { sequence, trace, receipt } => {
                out.push(SETTLED);
                out.extend_from_slice(&sequence.to_le_bytes());
                out.extend_from_slice(&trace.0);
                if let Some(receipt) = receipt {
                    write_receipt(receipt, out);
                }
            }
            Self::TripEnded(trip) => {
                out.push(TRIP_ENDED);
                out.extend_from_slice(&trip.0);
            }
            Self::Discarded { joined, own } => {
                out.push(DISCARDED);
                out.push(u8::from(*joined));
                out.extend_from_slice(&own.to_le_bytes());
            }
            Self::Hidden(stretches) => {
                out.push(HIDDEN);
                for Stretch { from, until } in stretches {
                    out.extend_from_slice(&from.to_le_bytes());
                    out.extend_from_slice(&until.to_le_bytes());
                }
            }
            Self::Withdrawn => out.push(WITHDRAWN),
        }
    }

    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let (kind, rest) = body.split_first()?;
        Some(match (*kind, rest.len()) {
            (OPENED, 8 | RESUMED_LEN) => {
                let (next_sequence, rest) = rest.split_first_chunk()?;
                let resumed = match rest.split_first_chunk() {
                    Some((trip, fix)) => Some((TripId(*trip), read_fix(fix)?)),
                    None => None,
                };
                Self::Opened { next_sequence: u64::from_le_bytes(*next_sequence), resumed }
            }
            (TRIP_STARTED, 8) => Self::TripStarted(TripId::from_slice(rest)?),
            (TRIP_GOES_ON, 16) => {
                let (trip, last_ms) = rest.split_first_chunk()?;
                let last_ms = u64::from_le_bytes(last_ms.try_into().ok()?);
                Self::TripGoesOn { trip: TripId(*trip), last_ms }
            }
            (KEPT | KEPT_APART, FIX_LEN) => {
                Self::Kept(Kept { fix: read_fix(rest)?, cut: *kind == KEPT_APART })
            }
            (SEALED, 11..) => {
                let (sequence, rest) = rest.split_first_chunk()?;
                let (joined, rest) = rest.split_first()?;
                let (own, bytes) = rest.split_first_chunk()?;
                Self::Sealed {
                    sequence: u64::from_le_bytes(*sequence),
                    joined: *joined == 1,
                    own: u16::from_le_bytes(*own),
                    bytes: bytes.to_vec(),
                }
            }
            (SETTLED, SETTLED_LEN | RECEIPTED_LEN) => {
                let (sequence, rest) = rest.split_first_chunk()?;
                let (trace, rest) = rest.split_first_chunk()?;
                let (sequence, trace) = (u64::from_le_bytes(*sequence), TraceId(*trace));
                let receipt = read_receipt(rest, sequence, trace);
                Self::Settled { sequence, trace, receipt }
            }
            (TRIP_ENDED, 8) => Self::TripEnded(TripId::from_slice(rest)?),
            (DISCARDED, 3) => {
                let (joined, own) = rest.split_first()?;
                let own = u16::from_le_bytes(own.try_into().ok()?);
                Self::Discarded { joined: *joined == 1, own }
            }
            (HIDDEN, len) if len % 4 == 0 => {
                let (stretches, _) = rest.as_chunks::<4>();
                let stretch = |[a, b, c, d]: &[u8; 4]| Stretch {
                    from: u16::from_le_bytes([*a, *b]),
                    until: u16::from_le_bytes([*c, *d]),
                };
                Self::Hidden(stretches.iter().map(stretch).collect())
            }
            (WITHDRAWN, 0) => Self::Withdrawn,
            _ => return None,
        })
    }
}

pub(super) fn write_fix(fix: &Fix, out: &mut Vec<u8>) {
    let p = fix.parts();
    out.extend_from_slice(&p.time_ms.to_le_bytes());
    out.extend_from_slice(&p.lat_e6.to_le_bytes());
    out.extend_from_slice(&p.lon_e6.to_le_bytes());
    out.extend_from_slice(&p.accuracy_dm.to_le_bytes());
    out.extend_from_slice(&p.speed_cmps.to_le_bytes());
    out.extend_from_slice(&p.course_ddeg.to_le_bytes());
    out.extend_from_slice(&p.altitude_dm.to_le_bytes());
    out.push(p.flags.bits());
}

/// What a receipt says beside number and trace.
fn write_receipt(receipt: &Receipt, out: &mut Vec<u8>) {
    let body = &receipt.body;
    out.extend_from_slice(&body.network.0);
    out.extend_from_slice(&body.device.0);
    out.extend_from_slice(&body.received_at_ms.to_le_bytes());
    out.extend_from_slice(&body.salt);
    out.extend_from_slice(&body.key.0);
    out.extend_from_slice(&receipt.signature);
}

/// The first `N` bytes, taken off the front.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn read_receipt(bytes: &[u8], sequence: u64, trace: TraceId) -> Option<Receipt> {
    let b = &mut &*bytes;
    let body = ReceiptBody {
        network: NetworkId(take(b)?),
        trace,
        device: DeviceId(take(b)?),
        sequence,
        received_at_ms: u64::from_le_bytes(take(b)?),
        salt: take(b)?,
        key: KeyId(take(b)?),
    };
    Some(Receipt { body, signature: take(b)? })
}

pub(super) fn read_fix(bytes: &[u8]) -> Option<Fix> {
    let b = &mut &*bytes;
    Fix::from_parts(&FixParts {
        time_ms: u64::from_le_bytes(take(b)?),
        lat_e6: i32::from_le_bytes(take(b)?),
        lon_e6: i32::from_le_bytes(take(b)?),
        accuracy_dm: u16::from_le_bytes(take(b)?),
        speed_cmps: u16::from_le_bytes(take(b)?),
        course_ddeg: u16::from_le_bytes(take(b)?),
        altitude_dm: i32::from_le_bytes(take(b)?),
        flags: FixFlags::from_bits(take::<1>(b)?[0])?,
    })
    .ok()
}
