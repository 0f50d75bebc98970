//! `parked`: standing longer than traffic stands.
//!
//! A red light lasts up to about two minutes and a queue moves up by more than 30 m at each green;
//! who stays within 30 m for three minutes and more has parked. The inside of such a stay is
//! dropped; its first and last fix are kept, being the arrival and the departure, and lie too far
//! apart in time to be joined. A stay ends where two fixes are too far apart in time to be joined,
//! for nothing is credited there. Dropping is no fault: see [`Reason::is_fault`].
//!
//! The radius is taken about the stay's first fix. Where that was an outlier the stay is taken up
//! again about the fix that left the circle.

use hexmile_trace::Fix;

use crate::{Reason, Rules, step};

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    let radius_m = f64::from(rules.parked_radius_dm) / 10.0;
    // First and last index of the stay that is going on.
    let mut stay: Option<(usize, usize)> = None;
    for i in 0..fixes.len() {
        if fates[i].is_some() {
            continue;
        }
        stay = match stay {
            Some((first, last))
                if fixes[i].time_ms() - fixes[last].time_ms() <= rules.join_max_ms
                    && step::distance_m(&fixes[first], &fixes[i]) <= radius_m =>
            {
                Some((first, i))
            }
            Some((first, last)) => {
                close(fixes, fates, rules, first, last);
                Some((i, i))
            }
            None => Some((i, i)),
        };
    }
    if let Some((first, last)) = stay {
        close(fixes, fates, rules, first, last);
    }
}

fn close(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules, first: usize, last: usize) {
    if fixes[last].time_ms() - fixes[first].time_ms() < rules.parked_after_ms {
        return;
    }
    for fate in &mut fates[first + 1..last] {
        fate.get_or_insert(Reason::Parked);
    }
}
