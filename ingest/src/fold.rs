//! Folding: one durable trace through the rules, into observations and contributions.
//!
//! A pure function of the payload, its receipt and the rules; the same on every node.

use std::panic::{UnwindSafe, catch_unwind};

use h3o::Resolution;
use hexmile_rewards::{Cell, CellPass, contributions, merkle, pack as pack_contributions};
use hexmile_tiles::{Course, pack as pack_observations};
use hexmile_trace::{SignedTrace, Trace};
use hexmile_validation::{Assessment, Reason, Rules, Verdict as Assessed, assess};
use serde_json::json;

use crate::store::{FoldedTrace, PendingTrace, Verdict};

/// Code of a payload that was admitted and cannot be read again.
const UNREADABLE: &str = "unreadable";
/// Code of a trace that folding fell over: a fault of this program, on every node of its release. The
/// trace is rejected under it rather than leased for ever, with all that was leased beside it.
const FOLD_FAILED: &str = "fold_failed";

/// What folding counts, beside what it stores.
#[derive(Clone, Debug, Default)]
pub struct FoldCounts {
    /// Own fixes.
    pub fixes: u64,
    /// Dropped fixes by reason.
    pub dropped: Vec<(Reason, u32)>,
}

/// Folds one trace; `decoded`, where given, is what its payload decodes to.
pub fn fold(
    pending: &PendingTrace,
    decoded: Option<Trace>,
    rules: &Rules,
    now_ms: u64,
) -> (FoldedTrace, FoldCounts) {
    let Judged { verdict, observations, contributions, counts } =
        caught(|| judge(pending, decoded, rules));
    let body = &pending.receipt.body;
    let leaf = merkle::leaf_hash(&body.commitment());
    let (trace, folded_at_ms) = (body.trace, now_ms);
    (FoldedTrace { trace, folded_at_ms, verdict, observations, contributions, leaf }, counts)
}

/// What a trace comes to.
struct Judged {
    verdict: Verdict,
    observations: Vec<u8>,
    contributions: Vec<u8>,
    counts: FoldCounts,
}

impl Judged {
    fn rejected(verdict: Verdict, counts: FoldCounts) -> Self {
        Self { verdict, observations: Vec::new(), contributions: Vec::new(), counts }
    }

    /// Rejected without an assessment.
    fn unassessed(code: &str) -> Self {
        let evidence = json!({ "verdict": "rejected", "reasons": [code] }).to_string();
        let verdict = Verdict { rejected: Some(code.to_owned()), evidence };
        Self::rejected(verdict, FoldCounts::default())
    }
}

/// What `judge` returns, or a rejection where it panics; the panic itself is on the standard error.
fn caught(judge: impl FnOnce() -> Judged + UnwindSafe) -> Judged {
    catch_unwind(judge).unwrap_or_else(|_| Judged::unassessed(FOLD_FAILED))
}

fn judge(pending: &PendingTrace, decoded: Option<Trace>, rules: &Rules) -> Judged {
    let decode = || SignedTrace::decode_payload(&pending.payload);
    let Ok(trace) = decoded.map_or_else(decode, Ok) else {
        return Judged::unassessed(UNREADABLE);
    };
    let assessment = assess(trace.fixes(), rules);
    let counts = FoldCounts {
        fixes: trace.own_fixes().len() as u64,
        dropped: assessment.dropped.iter().filter(|(_, n)| *n > 0).collect(),
    };
    let verdict = verdict(&trace, &assessment);
    if assessment.verdict() == Assessed::Rejected {
        return Judged::rejected(verdict, counts);
    }
    let course = Course::new(assessment.kept(trace.fixes()));
    let passes = course.visits(Resolution::Ten).into_iter().filter_map(|visit| {
        let cell = Cell::try_from(u64::from(visit.cell)).ok()?;
        Some(CellPass { cell, entered_ms: visit.entered_ms, distance_cm: visit.distance_cm })
    });
    let body = &pending.receipt.body;
    let contributed =
        contributions(body.trace, assessment.quality_ppm, body.received_at_ms, passes);
    let observations = pack_observations(&course.observations());
    // One trace's contributions share trace and quality, which is all that packing asks for.
    let contributions = pack_contributions(&contributed).unwrap_or_default();
    Judged { verdict, observations, contributions, counts }
}

fn verdict(trace: &Trace, assessment: &Assessment) -> Verdict {
    let reasons: Vec<&str> = assessment.reasons.iter().map(|r| r.code()).collect();
    let dropped: serde_json::Map<String, serde_json::Value> = assessment
        .dropped
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(reason, n)| (reason.code().to_owned(), n.into()))
        .collect();
    let evidence = json!({
        "verdict": assessment.verdict().code(),
        "reasons": reasons,
        "explanation": assessment.reasons.iter().map(|r| r.describe()).collect::<Vec<_>>(),
        "fixes": trace.fixes().len(),
        "fixes_kept": assessment.fixes_kept(),
        "fixes_dropped": dropped,
        "quality_ppm": assessment.quality_ppm,
        "distance_m": assessment.distance_cm as f64 / 100.0,
    });
    Verdict {
        rejected: reasons.first().map(|code| (*code).to_owned()),
        evidence: evidence.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_rejection_with_a_stable_code() {
        let judged = caught(|| panic!("on purpose"));
        assert_eq!(judged.verdict.rejected.as_deref(), Some("fold_failed"));
        let evidence: serde_json::Value = serde_json::from_str(&judged.verdict.evidence).unwrap();
        assert_eq!(evidence, json!({ "verdict": "rejected", "reasons": ["fold_failed"] }));
        assert!(judged.observations.is_empty() && judged.contributions.is_empty());
    }
}
