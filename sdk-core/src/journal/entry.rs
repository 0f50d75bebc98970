//! What the journal says, entry by entry.

use hexmile_trace::{Fix, FixFlags, FixParts, TraceId, TripId};

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
    /// A released fix joined the open run.
    Kept(Fix),
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
    },
    /// The trip ended.
    TripEnded,
}

const OPENED: u8 = 1;
const TRIP_STARTED: u8 = 2;
const KEPT: u8 = 3;
const SEALED: u8 = 4;
const SETTLED: u8 = 5;
const TRIP_ENDED: u8 = 6;
/// Bytes of a fix.
const FIX_LEN: usize = 8 + 4 + 4 + 2 + 2 + 2 + 4 + 1;
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
            Self::Kept(fix) => {
                out.push(KEPT);
                write_fix(fix, out);
            }
            Self::Sealed { sequence, joined, own, bytes } => {
                out.push(SEALED);
                out.extend_from_slice(&sequence.to_le_bytes());
                out.push(u8::from(*joined));
                out.extend_from_slice(&own.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Settled { sequence, trace } => {
                out.push(SETTLED);
                out.extend_from_slice(&sequence.to_le_bytes());
                out.extend_from_slice(&trace.0);
            }
            Self::TripEnded => out.push(TRIP_ENDED),
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
            (KEPT, FIX_LEN) => Self::Kept(read_fix(rest)?),
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
            (SETTLED, 40) => {
                let (sequence, trace) = rest.split_first_chunk()?;
                Self::Settled {
                    sequence: u64::from_le_bytes(*sequence),
                    trace: TraceId::from_slice(trace)?,
                }
            }
            (TRIP_ENDED, 0) => Self::TripEnded,
            _ => return None,
        })
    }
}

fn write_fix(fix: &Fix, out: &mut Vec<u8>) {
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

fn read_fix(bytes: &[u8]) -> Option<Fix> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        Some(*head)
    }
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
