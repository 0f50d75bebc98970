//! What a cell still has to pay.
//!
//! A bucket has two parts, one for coverage and one for freshness. Each is full at first, pays out of
//! what is in it, and refills evenly with time up to full. So driving in circles earns what the refill
//! gives, however often: 100 laps a day earn about 1.07 times what one lap a day earns over a week.

use crate::{
    Cell, Rules, SLOTS_PER_DAY, UnitId, UnpackError,
    bytes::{Reader, put},
};

const VERSION: u8 = 1;

/// A cell's bucket after the last slot that was paid, carried from epoch to epoch.
///
/// Levels are in units of one refilling slot: a score unit divided by the part's refill slots. So one
/// slot refills by the part's score exactly, and no remainder is ever lost. They belong to the refill
/// slots of the rules that they were computed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The cell.
    pub cell: Cell,
    /// The last slot that was paid. Later passes are paid in later slots, whatever their capture time.
    pub last_slot: u32,
    /// Level of the coverage part, in score units / `coverage_refill_slots`.
    pub coverage_level: u64,
    /// Level of the freshness part, in score units / `freshness_refill_slots`.
    pub freshness_level: u64,
    /// Freshness that each unit has earned here on the day of `last_slot`, score units; sorted by unit,
    /// none zero.
    pub earned: Vec<(UnitId, u64)>,
}

/// The size of one part of a bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    score: u64,
    refill_slots: u64,
}

impl Part {
    pub(crate) fn coverage(rules: &Rules) -> Self {
        let (score, refill_slots) = (rules.coverage_score, rules.coverage_refill_slots);
        Self { score: score.into(), refill_slots: refill_slots.into() }
    }

    pub(crate) fn freshness(rules: &Rules) -> Self {
        let (score, refill_slots) = (rules.freshness_score, rules.freshness_refill_slots);
        Self { score: score.into(), refill_slots: refill_slots.into() }
    }

    fn full_level(self) -> u64 {
        self.score * self.refill_slots
    }

    fn refilled(self, level: u64, slots: u32) -> u64 {
        level.saturating_add(self.score * u64::from(slots)).min(self.full_level())
    }

    /// Whole score units at a level.
    pub(crate) fn value(self, level: u64) -> u64 {
        level / self.refill_slots
    }

    /// The level after paying `paid` score units, at most its value.
    pub(crate) fn drained(self, level: u64, paid: u64) -> u64 {
        level - paid * self.refill_slots
    }
}

impl Bucket {
    /// A full bucket, at its first slot.
    pub(crate) fn full(cell: Cell, slot: u32, rules: &Rules) -> Self {
        Self {
            cell,
            last_slot: slot,
            coverage_level: Part::coverage(rules).full_level(),
            freshness_level: Part::freshness(rules).full_level(),
            earned: Vec::new(),
        }
    }

    /// Refills up to `slot`, not before the last one; a new day forgets what units earned.
    pub(crate) fn advance(&mut self, slot: u32, rules: &Rules) {
        let slots = slot.saturating_sub(self.last_slot);
        self.coverage_level = Part::coverage(rules).refilled(self.coverage_level, slots);
        self.freshness_level = Part::freshness(rules).refilled(self.freshness_level, slots);
        if slot / SLOTS_PER_DAY != self.last_slot / SLOTS_PER_DAY {
            self.earned.clear();
        }
        self.last_slot = self.last_slot.max(slot);
    }

    /// Freshness that `unit` may still earn on the day of the last slot.
    pub(crate) fn freshness_allowance(&self, unit: UnitId, rules: &Rules) -> u64 {
        let earned =
            self.earned.binary_search_by_key(&unit, |e| e.0).map_or(0, |at| self.earned[at].1);
        u64::from(rules.freshness_score).saturating_sub(earned)
    }

    pub(crate) fn note_freshness(&mut self, unit: UnitId, paid: u64) {
        match self.earned.binary_search_by_key(&unit, |e| e.0) {
            Ok(at) => self.earned[at].1 += paid,
            Err(at) if paid > 0 => self.earned.insert(at, (unit, paid)),
            Err(_) => {}
        }
    }

    /// Packs all but the cell, which is the record's key.
    ///
    /// ```text
    /// version 1 | last_slot | coverage_level | freshness_level | count | count x ( unit, 16 bytes | earned )
    /// ```
    /// Integers are LEB128.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put(&mut out, u64::from(self.last_slot));
        put(&mut out, self.coverage_level);
        put(&mut out, self.freshness_level);
        put(&mut out, self.earned.len() as u64);
        for (unit, paid) in &self.earned {
            out.extend_from_slice(&unit.0);
            put(&mut out, *paid);
        }
        out
    }

    /// Reads what [`Bucket::pack`] wrote.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn unpack(cell: Cell, bytes: &[u8]) -> Result<Self, UnpackError> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let last_slot = reader.take_u32("last_slot")?;
        let coverage_level = reader.take("coverage_level", u64::MAX)?;
        let freshness_level = reader.take("freshness_level", u64::MAX)?;
        let max_count = reader.left() as u64 / 17;
        let count = reader.take("count", max_count)?;
        let mut earned: Vec<(UnitId, u64)> = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let unit = UnitId(reader.array()?);
            let paid = reader.take("earned", u64::from(u32::MAX))?;
            if paid == 0 || earned.last().is_some_and(|last| last.0 >= unit) {
                return Err(UnpackError::Field("earned"));
            }
            earned.push((unit, paid));
        }
        reader.end()?;
        Ok(Self { cell, last_slot, coverage_level, freshness_level, earned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::btree_map, prelude::*};

    fn cell() -> Cell {
        Cell::try_from(0x8a2664c1a8effff).expect("a cell")
    }

    #[test]
    fn refills_exactly_and_never_beyond_full() {
        let rules = Rules { coverage_score: 1_000_003, ..Rules::default() };
        let part = Part::coverage(&rules);
        let mut bucket = Bucket::full(cell(), 1_000, &rules);
        bucket.coverage_level = part.drained(bucket.coverage_level, 1_000_003);
        assert_eq!(bucket.coverage_level, 0);
        // One slot at a time or all at once: the same, to the unit.
        for slot in 1_001..=1_084 {
            bucket.advance(slot, &rules);
        }
        assert_eq!(part.value(bucket.coverage_level), 1_000_003 * 84 / 168);
        bucket.advance(1_168, &rules);
        assert_eq!(part.value(bucket.coverage_level), 1_000_003);
        bucket.advance(u32::MAX, &rules);
        assert_eq!(part.value(bucket.coverage_level), 1_000_003);
        bucket.advance(5, &rules);
        assert_eq!(bucket.last_slot, u32::MAX, "time does not run backwards");
    }

    #[test]
    fn a_new_day_forgets_what_units_earned() {
        let rules = Rules::default();
        let mut bucket = Bucket::full(cell(), 24, &rules);
        let unit = UnitId([1; 16]);
        bucket.note_freshness(unit, 60_000);
        bucket.note_freshness(unit, 10_000);
        bucket.advance(47, &rules);
        assert_eq!(bucket.freshness_allowance(unit, &rules), 30_000);
        assert_eq!(bucket.freshness_allowance(UnitId([2; 16]), &rules), 100_000);
        bucket.advance(48, &rules);
        assert_eq!(bucket.freshness_allowance(unit, &rules), 100_000);
    }

    proptest! {
        #[test]
        fn packing_round_trips(last_slot in any::<u32>(), levels in any::<[u64; 2]>(),
                               earned in btree_map(any::<[u8; 16]>(), 1..=u32::MAX, 0..6)) {
            let earned = earned.into_iter().map(|(u, e)| (UnitId(u), u64::from(e))).collect();
            let [coverage_level, freshness_level] = levels;
            let bucket = Bucket { cell: cell(), last_slot, coverage_level, freshness_level, earned };
            let bytes = bucket.pack();
            prop_assert_eq!(Bucket::unpack(cell(), &bytes), Ok(bucket));
            for cut in 0..bytes.len() {
                prop_assert!(Bucket::unpack(cell(), &bytes[..cut]).is_err());
            }
        }

        #[test]
        fn hostile_bytes_are_read_in_one_form_or_refused(bytes in any::<Vec<u8>>(), v in any::<bool>()) {
            let mut bytes = bytes;
            if v { bytes.insert(0, VERSION); }
            if let Ok(bucket) = Bucket::unpack(cell(), &bytes) {
                prop_assert_eq!(bucket.pack(), bytes);
            }
        }
    }
}
