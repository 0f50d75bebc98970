//! What one trace adds in one cell and hour.

use hexmile_trace::TraceId;

use crate::{
    Cell, UnpackError,
    bytes::{Reader, put},
};

/// Milliseconds of a slot: one hour.
pub const SLOT_MS: u64 = 3_600_000;
/// Slots of a day.
pub const SLOTS_PER_DAY: u32 = 24;

const VERSION: u8 = 1;
/// Bits below the finest digit of a resolution 10 cell, all set; left out of the packed form.
const UNUSED_BITS: u32 = 15;
const QUALITY_MAX_PPM: u64 = 1_000_000;

/// One stretch of a trace through a resolution 10 cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellPass {
    /// The cell.
    pub cell: Cell,
    /// When it was entered, Unix milliseconds.
    pub entered_ms: u64,
    /// Distance driven within it, cm.
    pub distance_cm: u64,
}

/// The passes of one trace through one cell within one slot.
///
/// Holds what was measured; what it is worth under some rules is computed when an epoch closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contribution {
    /// The trace, by the hash of its content.
    pub trace: TraceId,
    /// The cell.
    pub cell: Cell,
    /// Hours since 1970.
    pub slot: u32,
    /// Quality of the trace, 0 to 1,000,000.
    pub quality_ppm: u32,
    /// Distance driven in the cell and slot, cm; saturates.
    pub distance_cm: u32,
    /// Seconds from entering the cell (the earliest time within the slot) to receipt; saturates.
    pub delay_s: u32,
}

/// The contributions of one trace, sorted by cell and slot. `quality_ppm` above 1,000,000 counts as
/// that; a pass from after `received_ms` has no delay.
pub fn contributions(
    trace: TraceId,
    quality_ppm: u32,
    received_ms: u64,
    passes: impl IntoIterator<Item = CellPass>,
) -> Vec<Contribution> {
    let saturate = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let single = passes.into_iter().map(|pass| Contribution {
        trace,
        cell: pass.cell,
        slot: saturate(pass.entered_ms / SLOT_MS),
        quality_ppm: quality_ppm.min(QUALITY_MAX_PPM as u32),
        distance_cm: saturate(pass.distance_cm),
        delay_s: saturate(received_ms.saturating_sub(pass.entered_ms) / 1000),
    });
    let mut merged: Vec<Contribution> = single.collect();
    merged.sort_unstable_by_key(|c| (c.cell, c.slot));
    merged.dedup_by(|next, kept| {
        let same = (next.cell, next.slot) == (kept.cell, kept.slot);
        if same {
            kept.distance_cm = kept.distance_cm.saturating_add(next.distance_cm);
            kept.delay_s = kept.delay_s.max(next.delay_s);
        }
        same
    });
    merged
}

/// Contributions that cannot be packed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("contributions of one trace have its id and quality, and rise by cell and slot")]
pub struct PackError;

/// Packs the contributions of one trace, as [`contributions`] returns them.
///
/// ```text
/// version 1 | quality_ppm | count | count x ( cell step | slot step | distance_cm | delay_s )
/// ```
/// Integers are LEB128. The cell step is the difference of `cell >> 15` to the entry before (to 0 at
/// first); the slot step that of the slots, zigzag. The trace id is not part of it. The version and
/// empty list take three bytes, an entry 6 to 9.
///
/// # Errors
/// The trace ids or qualities differ, the quality is above 1,000,000, or the order does not rise.
pub fn pack(contributions: &[Contribution]) -> Result<Vec<u8>, PackError> {
    let quality_ppm = contributions.first().map_or(0, |c| c.quality_ppm);
    if u64::from(quality_ppm) > QUALITY_MAX_PPM {
        return Err(PackError);
    }
    let mut out = vec![VERSION];
    put(&mut out, u64::from(quality_ppm));
    put(&mut out, contributions.len() as u64);
    let mut last: Option<&Contribution> = None;
    let (mut last_cell, mut last_slot) = (0, 0);
    for c in contributions {
        let follows = last.is_none_or(|last| {
            last.trace == c.trace
                && last.quality_ppm == c.quality_ppm
                && (last.cell, last.slot) < (c.cell, c.slot)
        });
        if !follows {
            return Err(PackError);
        }
        let cell = u64::from(c.cell) >> UNUSED_BITS;
        put(&mut out, cell - last_cell);
        let slot_step = i64::from(c.slot) - last_slot;
        put(&mut out, (slot_step << 1 ^ slot_step >> 63) as u64);
        put(&mut out, u64::from(c.distance_cm));
        put(&mut out, u64::from(c.delay_s));
        (last, last_cell, last_slot) = (Some(c), cell, i64::from(c.slot));
    }
    Ok(out)
}

/// Reads what [`pack`] wrote; accepts nothing else, and allocates in proportion to the input.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(trace: TraceId, bytes: &[u8]) -> Result<Vec<Contribution>, UnpackError> {
    let mut reader = Reader::new(bytes, VERSION)?;
    let quality_ppm = reader.take("quality_ppm", QUALITY_MAX_PPM)? as u32;
    // An entry has four integers of a byte at least.
    let max_count = reader.left() as u64 / 4;
    let count = reader.take("count", max_count)?;
    if count == 0 && quality_ppm != 0 {
        return Err(UnpackError::Field("quality_ppm"));
    }
    let mut out: Vec<Contribution> = Vec::with_capacity(count as usize);
    let (mut cell_bits, mut slot) = (0u64, 0i64);
    for _ in 0..count {
        cell_bits += reader.take("cell", (u64::MAX >> UNUSED_BITS) - cell_bits)?;
        let number = cell_bits << UNUSED_BITS | ((1 << UNUSED_BITS) - 1);
        let cell = Cell::try_from(number).map_err(|_| UnpackError::Field("cell"))?;
        let zigzag = reader.take("slot", 1 << 34)? as i64;
        slot += zigzag >> 1 ^ -(zigzag & 1);
        let contribution = Contribution {
            trace,
            cell,
            slot: u32::try_from(slot).map_err(|_| UnpackError::Field("slot"))?,
            quality_ppm,
            distance_cm: reader.take_u32("distance_cm")?,
            delay_s: reader.take_u32("delay_s")?,
        };
        if out.last().is_some_and(|l| (l.cell, l.slot) >= (cell, contribution.slot)) {
            return Err(UnpackError::Field("slot"));
        }
        out.push(contribution);
    }
    reader.end()?;
    Ok(out)
}
