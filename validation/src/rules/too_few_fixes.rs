//! `too_few_fixes`: nothing is left to judge a road by.
//!
//! One fix makes no stretch of road, so two is the least; sparse but honest recorders do send two.
//! Parking leaves the two ends of a stay, and so never rejects.

const MIN_FIXES: u32 = 2;

pub(crate) fn rejects(fixes_kept: u32) -> bool {
    fixes_kept < MIN_FIXES
}
