//! The assessment of one trace.

use hexmile_trace::Fix;

use crate::{
    Dropped, Reason, Rules, quality,
    rules::{kept, too_few_fixes},
    step,
};

/// Whether a trace stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its kept fixes count.
    Accepted,
    /// Nothing of it counts.
    Rejected,
}

impl Verdict {
    /// The stable code: `accepted` or `rejected`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// What the rules say of one trace (or of a whole trip, which is judged in the same way).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Why the trace is rejected, in the order of [`Reason::ALL`]; empty where it is accepted.
    pub reasons: Vec<Reason>,
    /// Per fix: `None` where it is kept, else why it was dropped. As long as the input.
    pub fates: Vec<Option<Reason>>,
    /// How many fixes were dropped for each reason.
    pub dropped: Dropped,
    /// Quality of the kept fixes, 0 (worthless, or rejected) to 1,000,000. Formula: `quality.rs`.
    pub quality_ppm: u32,
    /// Distance between kept fixes that are joined (at most 30 s and 500 m apart), cm.
    pub distance_cm: u64,
}

impl Assessment {
    /// Rejected if there is any reason to.
    pub fn verdict(&self) -> Verdict {
        if self.reasons.is_empty() { Verdict::Accepted } else { Verdict::Rejected }
    }

    /// The kept ones of `fixes`, which must be those that were assessed, in their order.
    pub fn kept<'a>(&'a self, fixes: &'a [Fix]) -> impl Iterator<Item = &'a Fix> {
        kept(fixes, &self.fates).map(|(_, fix)| fix)
    }

    /// How many fixes were kept.
    pub fn fixes_kept(&self) -> u32 {
        self.fates.len() as u32 - self.dropped.total()
    }
}

/// Judges the fixes of one trace, in the order of recording. Takes any input (none, unordered,
/// repeated, at the poles), and time in proportion to it (n log n where times do not rise).
pub fn assess(fixes: &[Fix], rules: &Rules) -> Assessment {
    let fates = rules.mark(fixes);
    let dropped = Dropped::count(&fates);
    let fixes_kept = fixes.len() as u32 - dropped.total();
    let reasons = rejections(&dropped, fixes_kept, rules);
    let travel = Travel::over(kept(fixes, &fates).map(|(_, fix)| fix), rules);
    let quality_ppm =
        if reasons.is_empty() { quality::quality_ppm(&travel, &dropped, rules) } else { 0 };
    Assessment { reasons, fates, dropped, quality_ppm, distance_cm: travel.distance_cm }
}

/// Sums over kept fixes.
#[derive(Default)]
pub(crate) struct Travel {
    pub(crate) fixes: u32,
    pub(crate) accuracy_dm_sum: u64,
    pub(crate) joined_steps: u32,
    pub(crate) joined_ms: u64,
    pub(crate) distance_cm: u64,
}

impl Travel {
    fn over<'a>(fixes: impl Iterator<Item = &'a Fix>, rules: &Rules) -> Self {
        let join_max_cm = u64::from(rules.join_max_dm) * 10;
        let mut travel = Self::default();
        let mut last: Option<&Fix> = None;
        for fix in fixes {
            travel.fixes += 1;
            let accuracy_dm = fix.accuracy_dm().unwrap_or(rules.assumed_accuracy_dm);
            travel.accuracy_dm_sum += u64::from(accuracy_dm);
            if let Some(last) = last {
                let interval_ms = fix.time_ms() - last.time_ms();
                let step_cm = libm::round(step::distance_m(last, fix) * 100.0) as u64;
                if interval_ms <= rules.join_max_ms && step_cm <= join_max_cm {
                    travel.joined_steps += 1;
                    travel.joined_ms += interval_ms;
                    travel.distance_cm += step_cm;
                }
            }
            last = Some(fix);
        }
        travel
    }
}

/// Why a trace with these drops is rejected. A share is taken of the fixes kept and those dropped for
/// the same, so that neither parking and duplicates nor other faults move it.
fn rejections(dropped: &Dropped, fixes_kept: u32, rules: &Rules) -> Vec<Reason> {
    let exceeds = |count: u32, share_ppm: u32| {
        let judged = u64::from(count) + u64::from(fixes_kept);
        u64::from(count) * 1_000_000 > u64::from(share_ppm) * judged
    };
    let mostly_faults = exceeds(dropped.faults(), rules.fault_share_ppm);
    let mut reasons: Vec<Reason> = dropped
        .iter()
        .filter(|&(reason, count)| match reason {
            Reason::Mock => mostly_faults || exceeds(count, rules.mock_share_ppm),
            Reason::TimeOrder | Reason::Speed | Reason::Teleport | Reason::Acceleration => {
                mostly_faults || exceeds(count, rules.impossible_share_ppm)
            }
            Reason::Accuracy => mostly_faults,
            Reason::DuplicateTime | Reason::Parked | Reason::TooFewFixes => false,
        })
        .map(|(reason, _)| reason)
        .collect();
    if too_few_fixes::rejects(fixes_kept) {
        reasons.push(Reason::TooFewFixes);
    }
    reasons
}
