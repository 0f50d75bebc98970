//! Folding: one durable trace through the rules, into observations and contributions.
//!
//! A pure function of the payload, its receipt and the rules; the same on every node.

use h3o::Resolution;
use hexmile_rewards::{Cell, CellPass, contributions, merkle, pack as pack_contributions};
use hexmile_tiles::{Course, pack as pack_observations};
use hexmile_trace::{SignedTrace, Trace};
use hexmile_validation::{Assessment, Reason, Rules, Verdict as Judged, assess};
use serde_json::json;

use crate::store::{FoldedTrace, PendingTrace, Verdict};

/// Code of a payload that was admitted and cannot be read again.
const UNREADABLE: &str = "unreadable";

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
    let receipt = &pending.receipt;
    let leaf = merkle::leaf_hash(&receipt.body.commitment());
    let folded = |verdict, observations, contributions| FoldedTrace {
        trace: receipt.body.trace,
        folded_at_ms: now_ms,
        verdict,
        observations,
        contributions,
        leaf,
    };
    let decode = || SignedTrace::decode_payload(&pending.payload);
    let Ok(trace) = decoded.map_or_else(decode, Ok) else {
        let verdict = Verdict {
            rejected: Some(UNREADABLE.to_owned()),
            evidence: json!({ "verdict": "rejected", "reasons": [UNREADABLE] }).to_string(),
        };
        return (folded(verdict, Vec::new(), Vec::new()), FoldCounts::default());
    };
    let assessment = assess(trace.fixes(), rules);
    let counts = FoldCounts {
        fixes: trace.own_fixes().len() as u64,
        dropped: assessment.dropped.iter().filter(|(_, n)| *n > 0).collect(),
    };
    let verdict = verdict(&trace, &assessment);
    if assessment.verdict() == Judged::Rejected {
        return (folded(verdict, Vec::new(), Vec::new()), counts);
    }
    let course = Course::new(assessment.kept(trace.fixes()));
    let passes = course.visits(Resolution::Ten).into_iter().filter_map(|visit| {
        let cell = Cell::try_from(u64::from(visit.cell)).ok()?;
        Some(CellPass { cell, entered_ms: visit.entered_ms, distance_cm: visit.distance_cm })
    });
    let contributed = contributions(
        receipt.body.trace,
        assessment.quality_ppm,
        receipt.body.received_at_ms,
        passes,
    );
    let observations = pack_observations(&course.observations());
    // One trace's contributions share trace and quality, which is all that packing asks for.
    let contributions = pack_contributions(&contributed).unwrap_or_default();
    (folded(verdict, observations, contributions), counts)
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
