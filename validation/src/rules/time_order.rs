//! `time_order` and `duplicate_time`: capture times must rise.
//!
//! The longest run of fixes with strictly rising times is kept (a longest increasing subsequence, by
//! patience sorting), so that the fewest are dropped: a few fixes from a clock that leapt ahead go,
//! not the many after them. A dropped fix at the moment of the kept one before it is a duplicate,
//! which receivers and fused providers do report and which is no fault; any other is out of order.

use hexmile_trace::Fix;

use super::kept;
use crate::Reason;

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>]) {
    // Ordered as nearly every trace is.
    if kept(fixes, fates).is_sorted_by(|(_, a), (_, b)| a.time_ms() < b.time_ms()) {
        return;
    }
    let rising = longest_rising(fixes, fates);
    let mut rising = rising.into_iter().peekable();
    let mut last_ms = None;
    for (i, fate) in fates.iter_mut().enumerate() {
        if fate.is_some() {
            continue;
        }
        if rising.next_if_eq(&i).is_some() {
            last_ms = Some(fixes[i].time_ms());
        } else if last_ms == Some(fixes[i].time_ms()) {
            *fate = Some(Reason::DuplicateTime);
        } else {
            *fate = Some(Reason::TimeOrder);
        }
    }
}

/// Indices of a longest subsequence with strictly rising times; of equal times, the first.
fn longest_rising(fixes: &[Fix], fates: &[Option<Reason>]) -> Vec<usize> {
    // `ends[n]` is the fix with the earliest time that ends a rising run of n + 1.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; fixes.len()];
    for (i, fix) in kept(fixes, fates) {
        let shorter = ends.partition_point(|&end| fixes[end].time_ms() < fix.time_ms());
        before[i] = shorter.checked_sub(1).map(|n| ends[n]);
        match ends.get_mut(shorter) {
            None => ends.push(i),
            Some(end) if fixes[*end].time_ms() > fix.time_ms() => *end = i,
            Some(_) => {}
        }
    }
    let mut rising: Vec<usize> =
        core::iter::successors(ends.last().copied(), |&i| before[i]).collect();
    rising.reverse();
    rising
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::RawFix;

    fn check(times_ms: &[i64], want: &[usize]) {
        let fixes: Vec<Fix> = times_ms
            .iter()
            .map(|&time_ms| Fix::quantise(&RawFix { time_ms, ..RawFix::default() }).unwrap())
            .collect();
        let mut fates = vec![None; fixes.len()];
        mark(&fixes, &mut fates);
        let kept: Vec<usize> = (0..fixes.len()).filter(|&i| fates[i].is_none()).collect();
        assert_eq!(kept, want, "{times_ms:?}");
        for (i, fate) in fates.iter().enumerate() {
            if *fate == Some(Reason::DuplicateTime) {
                assert!(times_ms[..i].contains(&times_ms[i]), "{times_ms:?}");
            }
        }
    }

    #[test]
    fn times_rise() {
        check(&[], &[]);
        check(&[5], &[0]);
        check(&[1, 2, 3], &[0, 1, 2]);
        // The later of two at one moment goes.
        check(&[1, 2, 2, 3, 3, 3, 4], &[0, 1, 3, 6]);
        // One fix from the past.
        check(&[10, 20, 5, 30], &[0, 1, 3]);
        // One fix from the future.
        check(&[10, 20, 900, 30, 40], &[0, 1, 3, 4]);
        // Two of them.
        check(&[10, 20, 900, 901, 30, 40, 50], &[0, 1, 4, 5, 6]);
        // Running backwards leaves one.
        check(&[50, 40, 30, 20], &[3]);
    }

    #[test]
    fn a_second_copy_is_out_of_order_not_duplicate() {
        let fixes: Vec<Fix> = [1, 2, 3, 1, 2, 3]
            .map(|time_ms| Fix::quantise(&RawFix { time_ms, ..RawFix::default() }).unwrap())
            .to_vec();
        let mut fates = vec![None; fixes.len()];
        mark(&fixes, &mut fates);
        assert_eq!(fates.iter().filter(|f| **f == Some(Reason::TimeOrder)).count(), 2);
        assert_eq!(fates.iter().filter(|f| **f == Some(Reason::DuplicateTime)).count(), 1);
    }
}
