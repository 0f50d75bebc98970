//! What the passes through one cell earn.
//!
//! Passes are taken by effective slot: the capture slot, but after the last slot that an earlier epoch
//! paid. A slot pays `value · max(q)` out of each part of the bucket and divides it in proportion to
//! `q`, first among units, each by its best pass, then within a unit among its accounts, each by its
//! best. So neither more passes, nor more phones in a car, nor more accounts for one drive raise what
//! is paid, and two weak passes never earn more than one strong one.
//!
//! `q` for coverage is the trace's quality times the share of the full distance that was driven in the
//! cell; for freshness it is that times how fresh the pass was on receipt. Every division floors, and
//! what is lost by flooring stays in the bucket.

use hexmile_trace::AccountId;

use crate::{Bucket, Cell, Contribution, Rules, bucket::Part, epoch::Credited};

const FULL_PPM: u64 = 1_000_000;

/// Whom one score is for: an account, or several that are taken to be in one car.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId(pub [u8; 16]);

impl From<AccountId> for UnitId {
    /// The unit of an account that is alone.
    fn from(account: AccountId) -> Self {
        Self(account.0)
    }
}

/// An account's passes within one slot.
#[derive(Clone, Copy, Debug)]
struct Pass {
    slot: u32,
    unit: UnitId,
    account: AccountId,
    coverage_ppm: u32,
    freshness_ppm: u32,
}

/// Scores the passes through `cell`, calls `earn` for each account and slot with what it earned, and
/// returns the bucket as it is then. `passes` is not empty, of one cell, in any order.
pub(crate) fn score_cell(
    cell: Cell,
    bucket: Option<&Bucket>,
    passes: &[Credited],
    rules: &Rules,
    mut earn: impl FnMut(AccountId, u64),
) -> Option<Bucket> {
    let first_open = bucket.map_or(0, |b| b.last_slot.saturating_add(1));
    let passes = by_slot(passes, first_open, rules);
    let first_slot = passes.first()?.slot;
    let mut bucket = bucket.cloned().unwrap_or_else(|| Bucket::full(cell, first_slot, rules));
    for slot in passes.chunk_by(|a, b| a.slot == b.slot) {
        bucket.advance(slot[0].slot, rules);
        pay_coverage(&mut bucket, slot, rules, &mut earn);
        pay_freshness(&mut bucket, slot, rules, &mut earn);
    }
    Some(bucket)
}

/// The passes sorted by slot, unit and account, with the best of each account.
fn by_slot(credited: &[Credited], first_open: u32, rules: &Rules) -> Vec<Pass> {
    let mut passes: Vec<Pass> = credited
        .iter()
        .map(|credited| {
            let coverage_ppm = coverage_ppm(&credited.contribution, rules);
            Pass {
                slot: credited.contribution.slot.max(first_open),
                unit: credited.unit,
                account: credited.account,
                coverage_ppm: coverage_ppm as u32,
                freshness_ppm: (coverage_ppm * fresh_ppm(credited.contribution.delay_s, rules)
                    / FULL_PPM) as u32,
            }
        })
        .collect();
    passes.sort_unstable_by_key(|p| (p.slot, p.unit, p.account));
    passes.dedup_by(|next, kept| {
        let same = (next.slot, next.unit, next.account) == (kept.slot, kept.unit, kept.account);
        if same {
            kept.coverage_ppm = kept.coverage_ppm.max(next.coverage_ppm);
            kept.freshness_ppm = kept.freshness_ppm.max(next.freshness_ppm);
        }
        same
    });
    passes
}

fn coverage_ppm(contribution: &Contribution, rules: &Rules) -> u64 {
    let full = u64::from(rules.full_distance_cm);
    let driven = u64::from(contribution.distance_cm).min(full);
    u64::from(contribution.quality_ppm).min(FULL_PPM) * driven / full
}

fn fresh_ppm(delay_s: u32, rules: &Rules) -> u64 {
    let (until, stale) = (u64::from(rules.fresh_until_s), u64::from(rules.stale_from_s));
    match u64::from(delay_s) {
        delay if delay <= until => FULL_PPM,
        delay if delay >= stale => 0,
        delay => FULL_PPM * (stale - delay) / (stale - until),
    }
}

fn pay_coverage(
    bucket: &mut Bucket,
    slot: &[Pass],
    rules: &Rules,
    earn: &mut impl FnMut(AccountId, u64),
) {
    let part = Part::coverage(rules);
    let quality = |pass: &Pass| pass.coverage_ppm;
    let mut paid = 0;
    for (unit, share) in unit_shares(part.value(bucket.coverage_level), slot, quality) {
        paid += pay_unit(share, unit, quality, earn);
    }
    bucket.coverage_level = part.drained(bucket.coverage_level, paid);
}

fn pay_freshness(
    bucket: &mut Bucket,
    slot: &[Pass],
    rules: &Rules,
    earn: &mut impl FnMut(AccountId, u64),
) {
    let part = Part::freshness(rules);
    let quality = |pass: &Pass| pass.freshness_ppm;
    let mut paid = 0;
    for (unit, share) in unit_shares(part.value(bucket.freshness_level), slot, quality) {
        let id = unit[0].unit;
        let share = share.min(bucket.freshness_allowance(id, rules));
        let paid_unit = pay_unit(share, unit, quality, earn);
        bucket.note_freshness(id, paid_unit);
        paid += paid_unit;
    }
    bucket.freshness_level = part.drained(bucket.freshness_level, paid);
}

/// The units of a slot, and what each gets of `value · max(q)`.
fn unit_shares<'a>(
    value: u64,
    slot: &'a [Pass],
    quality: impl Fn(&Pass) -> u32 + Copy + 'a,
) -> impl Iterator<Item = (&'a [Pass], u64)> {
    let units = || slot.chunk_by(|a, b| a.unit == b.unit);
    let best = move |unit: &[Pass]| unit.iter().map(quality).max().map_or(0, u64::from);
    let max: u64 = units().map(best).max().unwrap_or(0);
    let sum: u64 = units().map(best).sum();
    let to_pay = value * max / FULL_PPM;
    units().map(move |unit| (unit, portion(to_pay, best(unit), sum)))
}

/// Divides a unit's share among its accounts; returns what was paid.
fn pay_unit(
    share: u64,
    unit: &[Pass],
    quality: impl Fn(&Pass) -> u32,
    earn: &mut impl FnMut(AccountId, u64),
) -> u64 {
    let sum: u64 = unit.iter().map(|pass| u64::from(quality(pass))).sum();
    let mut paid = 0;
    for pass in unit {
        let earned = portion(share, u64::from(quality(pass)), sum);
        earn(pass.account, earned);
        paid += earned;
    }
    paid
}

/// `amount · part / whole`, floored; nothing of nothing.
pub(crate) fn portion(amount: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (u128::from(amount) * u128::from(part) / u128::from(whole)) as u64 }
}
