//! Observations as bytes: the column of the row that folding writes.
//!
//! ```text
//! version (1 byte) | count | then each observation, every number a LEB128 varint:
//!   zigzag difference of cell and sector (digits packed to 43 bits) from the one before
//!   zigzag difference of slot from the one before
//!   distance_cm | duration_ms | heading_ddeg * 4 + (2 if entry) + (1 if exit)
//!   zigzag east, zigzag north of entry, then of exit, where there
//! ```
//! One sequence of observations has one form: shortest varints, nothing after the last.

use crate::{
    Observation, Slot, TrafficKey,
    varint::{Reader, write, write_signed},
};

/// Version of the form that [`pack`] writes.
const VERSION: u8 = 1;

/// Most observations in one row: far above what 300 fixes can cross.
pub const MAX_OBSERVATIONS: usize = 65_535;

/// Fewest bytes of one observation: no allocation is larger than its input explains.
const MIN_BYTES: usize = 5;

/// Bits of an H3 index of resolution 11 above the base cell: mode 1, resolution 11.
const PREFIX: u64 = 0x08b0_0000_0000_0000;

/// Digits 12 to 15 lie below this bit.
const UNUSED_BITS: u32 = 12;

/// Why bytes are not packed observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// A version that this code does not read.
    #[error("packed observations of unknown version {0}")]
    Version(u8),
    /// The bytes end too early.
    #[error("packed observations are cut short")]
    Truncated,
    /// A varint that is longer than needed or than 64 bits.
    #[error("packed observations hold an overlong number")]
    Overlong,
    /// More than [`MAX_OBSERVATIONS`], or than the bytes can hold.
    #[error("packed observations claim too many")]
    Count,
    /// A key that is not a cell of resolution 11 with a sector.
    #[error("packed observations hold an invalid cell")]
    Cell,
    /// A slot, distance, duration, heading or offset out of its range.
    #[error("packed observations hold a number out of range")]
    Range,
    /// Bytes after the last observation.
    #[error("packed observations are followed by other bytes")]
    Trailing,
}

/// Packs observations, at most [`MAX_OBSERVATIONS`] of them; later ones are left out.
pub fn pack(observations: &[Observation]) -> Vec<u8> {
    let observations = &observations[..observations.len().min(MAX_OBSERVATIONS)];
    let mut out = Vec::with_capacity(4 + 20 * observations.len());
    out.push(VERSION);
    write(&mut out, observations.len() as u64);
    let (mut last_key, mut last_slot) = (0, 0);
    for observation in observations {
        let key = compact(observation.key);
        let slot = i64::from(observation.slot.number());
        write_signed(&mut out, key - last_key);
        write_signed(&mut out, slot - last_slot);
        (last_key, last_slot) = (key, slot);
        write(&mut out, observation.distance_cm.into());
        write(&mut out, observation.duration_ms.into());
        let flags =
            u64::from(observation.entry.is_some()) << 1 | u64::from(observation.exit.is_some());
        write(&mut out, u64::from(observation.heading_ddeg) << 2 | flags);
        for offset in [observation.entry, observation.exit].into_iter().flatten() {
            write_signed(&mut out, offset.east_dm.into());
            write_signed(&mut out, offset.north_dm.into());
        }
    }
    out
}

/// Unpacks what [`pack`] wrote. Total on any bytes; allocates at most about ten times their length.
///
/// # Errors
/// See [`UnpackError`]; the first fault found.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Observation>, UnpackError> {
    let (&version, rest) = bytes.split_first().ok_or(UnpackError::Truncated)?;
    if version != VERSION {
        return Err(UnpackError::Version(version));
    }
    let mut reader = Reader(rest);
    let count = usize::try_from(reader.number()?).map_err(|_| UnpackError::Count)?;
    if count > MAX_OBSERVATIONS || count > reader.0.len() / MIN_BYTES {
        return Err(UnpackError::Count);
    }
    let mut observations = Vec::with_capacity(count);
    let (mut key, mut slot) = (0i64, 0i64);
    for _ in 0..count {
        key = key.checked_add(reader.signed()?).ok_or(UnpackError::Cell)?;
        slot = slot.checked_add(reader.signed()?).ok_or(UnpackError::Range)?;
        let distance_cm = reader.ranged(u32::MAX.into())? as u32;
        let duration_ms = reader.ranged(u32::MAX.into())? as u32;
        let heading_and_flags = reader.ranged(3599 << 2 | 3)?;
        let entry = (heading_and_flags & 2 != 0).then(|| reader.offset()).transpose()?;
        let exit = (heading_and_flags & 1 != 0).then(|| reader.offset()).transpose()?;
        observations.push(Observation {
            key: expand(key).ok_or(UnpackError::Cell)?,
            slot: Slot::new(u32::try_from(slot).map_err(|_| UnpackError::Range)?),
            distance_cm,
            duration_ms,
            heading_ddeg: (heading_and_flags >> 2) as u16,
            entry,
            exit,
        });
    }
    if reader.0.is_empty() { Ok(observations) } else { Err(UnpackError::Trailing) }
}

/// Base cell, digits 1 to 11 and sector, without the bits that every key shares.
pub(crate) fn compact(key: TrafficKey) -> i64 {
    let key = key.to_u64();
    ((key & !PREFIX) >> UNUSED_BITS << 3 | key & 7) as i64
}

pub(crate) fn expand(compact: i64) -> Option<TrafficKey> {
    let compact = u64::try_from(compact).ok().filter(|c| *c < 1 << 43)?;
    TrafficKey::from_u64(PREFIX | compact >> 3 << UNUSED_BITS | 0xff8 | compact & 7)
}
