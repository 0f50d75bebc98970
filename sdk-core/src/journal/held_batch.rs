//! What waits at the end of a trip, as bytes: how far the trip has come, and the fixes that came to
//! wait since the batch before.

use hexmile_trace::Fix;

use super::entry::{FIX_LEN, read_fix, take, write_fix};
use crate::capture::{Held, Progress, Waiting};

const LEFT_START: u8 = 1;
const ENDS_IN_ZONE: u8 = 1 << 1;
const CUT: u8 = 1 << 2;
const FIRST: u8 = 1 << 3;
const ANCHOR: u8 = 1 << 4;
const NEWEST: u8 = 1 << 5;
const CLOCK: u8 = 1 << 6;
/// Bytes of a fix that waits.
const WAITING_LEN: usize = 8 + 1 + FIX_LEN;

/// Appends a batch.
pub(super) fn write<'a>(
    progress: &Progress,
    clock_offset_ms: Option<i64>,
    waiting: impl Iterator<Item = &'a Waiting>,
    out: &mut Vec<u8>,
) {
    let Progress { first, left_start, anchor, anchored_m, path_m, newest, ends_in_zone, cut } =
        *progress;
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        flag(left_start, LEFT_START)
            | flag(ends_in_zone, ENDS_IN_ZONE)
            | flag(cut, CUT)
            | flag(first.is_some(), FIRST)
            | flag(anchor.is_some(), ANCHOR)
            | flag(newest.is_some(), NEWEST)
            | flag(clock_offset_ms.is_some(), CLOCK),
    );
    out.extend_from_slice(&anchored_m.to_le_bytes());
    out.extend_from_slice(&path_m.to_le_bytes());
    for fix in [first, anchor, newest].iter().flatten() {
        write_fix(fix, out);
    }
    out.extend(clock_offset_ms.into_iter().flat_map(i64::to_le_bytes));
    for Waiting { at_m, fix, cut } in waiting {
        out.extend_from_slice(&at_m.to_le_bytes());
        out.push(u8::from(*cut));
        write_fix(fix, out);
    }
}

/// Reads a batch, and adds it to those before; with `cut`, one before it is missing. Returns how many
/// fixes it has; `None` where it means nothing, and then nothing is changed.
pub(super) fn read(bytes: &[u8], cut: bool, held: &mut Option<Held>) -> Option<usize> {
    let b = &mut &*bytes;
    let [flags] = take(b)?;
    let path = |b: &mut &[u8]| {
        let metres = f64::from_le_bytes(take(b)?);
        (metres.is_finite() && metres >= 0.0).then_some(metres)
    };
    let fix = |b: &mut &[u8]| read_fix(&take::<FIX_LEN>(b)?);
    let optional = |flag: u8, b: &mut &[u8]| -> Option<Option<Fix>> {
        if flags & flag == 0 { Some(None) } else { fix(b).map(Some) }
    };
    let (anchored_m, path_m) = (path(b)?, path(b)?);
    let progress = Progress {
        left_start: flags & LEFT_START != 0,
        ends_in_zone: flags & ENDS_IN_ZONE != 0,
        cut: flags & CUT != 0,
        anchored_m,
        path_m,
        first: optional(FIRST, b)?,
        anchor: optional(ANCHOR, b)?,
        newest: optional(NEWEST, b)?,
    };
    let clock_offset_ms =
        if flags & CLOCK == 0 { None } else { Some(i64::from_le_bytes(take(b)?)) };
    let mut waiting = Vec::with_capacity(b.len() / WAITING_LEN);
    while !b.is_empty() {
        let (at_m, [apart]) = (path(b)?, take(b)?);
        waiting.push(Waiting { at_m, cut: apart == 1, fix: fix(b)? });
    }
    if cut && let Some(first) = waiting.first_mut() {
        first.cut = true;
    }
    let count = waiting.len();
    let held = held.get_or_insert_default();
    held.progress = progress;
    held.clock_offset_ms = clock_offset_ms;
    held.waiting.append(&mut waiting);
    Some(count)
}
