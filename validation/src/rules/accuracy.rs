//! `accuracy`: the reported accuracy is too poor to place the fix.
//!
//! Above 50 m (one standard deviation) a fix is likelier outside its own resolution 11 cell (edge
//! 29 m) than inside, and says nothing of the road. Phones on GNSS report 3 to 20 m outdoors; above
//! 50 m they have fallen back to radio cells. A fix that reports no accuracy passes.

use hexmile_trace::Fix;

use crate::{Reason, Rules};

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>], rules: &Rules) {
    for (fix, fate) in fixes.iter().zip(fates) {
        if fate.is_none() && fix.accuracy_dm().is_some_and(|dm| dm > rules.max_accuracy_dm) {
            *fate = Some(Reason::Accuracy);
        }
    }
}
