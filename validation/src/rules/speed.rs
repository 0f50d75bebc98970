//! `speed`: faster than a vehicle on a road.
//!
//! 70 m/s (252 km/h) is above what is driven on public roads and below cruising aircraft and fast
//! trains. A fix that itself reports more is dropped here; one that implies more by its distance
//! from the others is found together with `teleport`, since two fixes alone do not say which is wrong.

use hexmile_trace::Fix;

use crate::{Reason, Rules};

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    for (fix, fate) in fixes.iter().zip(fates) {
        let too_fast = |cmps: u16| u32::from(cmps) > rules.max_speed_cmps;
        if fate.is_none() && fix.speed_cmps().is_some_and(too_fast) {
            *fate = Some(Reason::Speed);
        }
    }
}
