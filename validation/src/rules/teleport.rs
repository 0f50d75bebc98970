//! `teleport`, and implied `speed`: fixes that one vehicle cannot have visited in turn.
//!
//! [`Tracks`] sorts the fixes into tracks within each of which every fix can be reached; the one with
//! most fixes is the drive and all others are dropped. So a stale first fix goes, and a stay at a wrong place
//! with a return, whichever side of the jump it is on. The reason is `teleport` where the jump would
//! take more than 300 m/s (faster than airliners fly) and `speed` below that.

use hexmile_trace::Fix;

use super::kept;
use crate::{Reason, Rules, track::Tracks};

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    let mut tracks = Tracks::new(fixes, rules);
    for (i, _) in kept(fixes, fates) {
        tracks.push(i);
    }
    tracks.drop_all_but_the_heaviest(fates);
}
