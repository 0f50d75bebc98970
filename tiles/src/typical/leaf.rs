//! What cohorts say of a time of the week, and what they say together of one slot.

use super::week::{DAY_SLOTS, WeekSlot};
use crate::published::LiveFlow;

/// Weight of a cohort of the very slot.
const WHOLE: u64 = 1024;

/// Half the time that a cohort stretches over at which it counts half, slots: an hour.
const WIDE_SLOTS: u64 = 12;

/// Drivers that what is known more widely counts for beside what is known more closely.
const PRIOR_DRIVERS: u64 = 5;

/// Drivers, or what weighs as much, below which confidence is the lowest.
const THIN_DRIVERS: u64 = 5;

/// Most leaves kept of a key; beyond them, neighbours in time become one.
pub(crate) const MOST_LEAVES: usize = 512;

/// One cohort, or several that became one: when its drivers passed, and how fast they went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leaf {
    /// Bit n is set where somebody passed on day n.
    pub(crate) days: u8,
    /// Middle of their times of day, slots since midnight.
    pub(crate) at: u16,
    /// Slots from the middle to the first and the last.
    pub(crate) spread: u8,
    pub(crate) drivers: u16,
    pub(crate) distance_cm: u32,
    pub(crate) duration_ms: u32,
}

impl Leaf {
    /// Days of which any leaf has one at least.
    pub(crate) const ALL_DAYS: u8 = 0x7f;
    const WEEKEND: u8 = 0x60;

    /// Weight by time of day, a quarter at `near` slots from it: a squared Cauchy kernel, near to a bell, in
    /// integers, and with a tail.
    fn weight(&self, at: WeekSlot, near: u64) -> u64 {
        let apart = self.at.abs_diff(at.of_midnight());
        let apart = u64::from(apart.min(DAY_SLOTS - apart));
        let near = near * near;
        let time = WHOLE * near * near / (near + apart * apart).pow(2);
        // However far away and wide: it says something where nothing else does.
        (time * WIDE_SLOTS / (WIDE_SLOTS + u64::from(self.spread))).max(1)
    }

    fn is_of_day(&self, at: WeekSlot) -> bool {
        self.days >> at.day() & 1 == 1
    }

    /// Whether somebody passed on a day of the same kind: Monday to Friday, or the weekend.
    fn is_of_kind(&self, at: WeekSlot) -> bool {
        let kind = if at.is_weekend() { Self::WEEKEND } else { Self::ALL_DAYS & !Self::WEEKEND };
        self.days & kind != 0
    }

    fn merge(&self, other: &Self) -> Self {
        let from = |leaf: &Self| leaf.at.saturating_sub(leaf.spread.into());
        let to = |leaf: &Self| leaf.at + u16::from(leaf.spread);
        let (first, last) = (from(self).min(from(other)), to(self).max(to(other)));
        Self {
            days: self.days | other.days,
            at: u16::midpoint(first, last).min(DAY_SLOTS - 1),
            spread: (last - first).div_ceil(2).min(u16::from(u8::MAX)) as u8,
            drivers: self.drivers.saturating_add(other.drivers),
            distance_cm: self.distance_cm.saturating_add(other.distance_cm),
            duration_ms: self.duration_ms.saturating_add(other.duration_ms),
        }
    }
}

/// Brings leaves into one order, whatever order they came in, and their number to `most` at most.
pub(crate) fn settle(leaves: &mut Vec<Leaf>, most: usize) {
    let is_weekend = |leaf: &Leaf| leaf.days & !Leaf::WEEKEND == 0;
    leaves.sort_unstable_by_key(|leaf| (is_weekend(leaf), leaf.at, *leaf));
    while leaves.len() > most {
        let merged = leaves.chunks(2).map(|pair| match pair {
            [a, b] if is_weekend(a) == is_weekend(b) => vec![a.merge(b)],
            others => others.to_vec(),
        });
        *leaves = merged.flatten().collect();
    }
}

/// Weighted sums of leaves.
#[derive(Clone, Copy, Debug, Default)]
struct Weighted {
    distance: u64,
    duration: u64,
    drivers: u64,
}

impl Weighted {
    fn add(&mut self, leaf: &Leaf, weight: u64) {
        self.distance += weight * u64::from(leaf.distance_cm);
        self.duration += weight * u64::from(leaf.duration_ms);
        self.drivers += weight * u64::from(leaf.drivers);
    }

    /// With what is known more widely beside it, as if that were of [`PRIOR_DRIVERS`].
    fn beside(self, wider: Self) -> Self {
        let scaled = |sum: u64| {
            let scaled = u128::from(sum) * u128::from(PRIOR_DRIVERS * WHOLE);
            (scaled / u128::from(wider.drivers.max(1))).min(u64::MAX.into()) as u64
        };
        Self {
            distance: self.distance + scaled(wider.distance),
            duration: self.duration + scaled(wider.duration),
            drivers: self.drivers + PRIOR_DRIVERS * WHOLE,
        }
    }
}

/// What is typical in a slot: those who passed about then on that day of the week; beside them, as if they were
/// five drivers, those who did on any day of its kind; and beside these, likewise, all others, the nearer in time
/// of day the more. So a slot goes by its own drivers where there are many, and where there are few or none
/// those before and after and on other days say what is to be expected.
pub(crate) fn flow_at(leaves: &[Leaf], at: WeekSlot) -> LiveFlow {
    let (mut day, mut kind, mut all) = <(Weighted, Weighted, Weighted)>::default();
    for leaf in leaves {
        if leaf.is_of_day(at) {
            day.add(leaf, leaf.weight(at, 3));
        }
        if leaf.is_of_kind(at) {
            kind.add(leaf, leaf.weight(at, 6));
        }
        all.add(leaf, leaf.weight(at, 24));
    }
    if all.drivers == 0 {
        return LiveFlow::default();
    }
    let sum = day.beside(kind.beside(all));
    let drivers = (day.drivers + kind.drivers / 2) / WHOLE;
    LiveFlow {
        distance: sum.distance,
        duration: sum.duration,
        // No cohort has fewer, however far from the slot it lies.
        drivers: drivers.max(THIN_DRIVERS).min(u32::MAX.into()) as u32,
        age: 0,
        thin: drivers < THIN_DRIVERS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(day: u8, hour: u16, kmh: u32) -> Leaf {
        let (distance_cm, duration_ms) = (kmh * 1000 * 5, 36_000 * 5);
        Leaf { days: 1 << day, at: hour * 12, spread: 0, drivers: 5, distance_cm, duration_ms }
    }

    fn kmh(leaves: &[Leaf], day: u8, hour: u16) -> (u64, bool) {
        let flow = flow_at(leaves, WeekSlot::of_day(day, hour * 60).unwrap());
        (flow.distance * 36 / flow.duration, flow.thin)
    }

    #[test]
    fn a_slot_is_what_its_own_drivers_say_where_there_are_any() {
        let leaves: Vec<Leaf> = (0..24)
            .flat_map(|hour| (0..7).map(move |day| (day, hour)))
            .map(|(day, hour)| leaf(day, hour, if hour == 8 && day < 5 { 10 } else { 50 }))
            .collect();
        for day in 0..7 {
            for hour in 0..24 {
                let want = if hour == 8 && day < 5 { 10..=14 } else { 40..=50 };
                let (got, thin) = kmh(&leaves, day, hour);
                assert!(want.contains(&got) && !thin, "day {day}, {hour} h: {got} km/h");
            }
        }
    }

    #[test]
    fn where_nobody_drove_others_say_what_to_expect_and_little_is_certain() {
        let leaves = [leaf(0, 8, 10), leaf(0, 14, 50)];
        assert_eq!(kmh(&leaves, 0, 8), (10, false));
        // Tuesday like Monday, with less certainty; three in the morning, somewhere between.
        assert_eq!(kmh(&leaves, 1, 8), (10, true));
        let (night, thin) = kmh(&leaves, 0, 3);
        assert!((11..=40).contains(&night) && thin, "{night}");
        assert_eq!(flow_at(&[], WeekSlot::default()), LiveFlow::default());
    }

    #[test]
    fn what_is_known_of_any_time_says_something_of_every_other() {
        for spread in [0, 1, 12, 100, 255] {
            for at in 0..DAY_SLOTS {
                let leaves = [Leaf { at, spread, ..leaf(3, 0, 30) }];
                for slot in [0, 287, 300, 1000, 2015] {
                    let flow = flow_at(&leaves, WeekSlot::new(slot).unwrap());
                    assert!(flow.drivers >= 5, "at {at}, spread {spread}, slot {slot}");
                    assert_eq!(flow.distance * 36 / flow.duration, 30);
                }
            }
        }
    }

    #[test]
    fn midnight_is_near_midnight() {
        let leaves = [leaf(0, 23, 20), leaf(0, 12, 50)];
        assert_eq!(kmh(&leaves, 0, 0).0, 20);
    }

    #[test]
    fn many_leaves_become_fewer_and_nothing_is_lost() {
        let mut leaves: Vec<Leaf> =
            (0..5000u16).map(|i| Leaf { at: i % 288, ..leaf((i % 7) as u8, 0, 30) }).collect();
        let sum = |leaves: &[Leaf]| leaves.iter().map(|l| u64::from(l.distance_cm)).sum::<u64>();
        let before = sum(&leaves);
        settle(&mut leaves, MOST_LEAVES);
        assert!(leaves.len() <= MOST_LEAVES && leaves.len() > MOST_LEAVES / 4);
        assert_eq!(sum(&leaves), before);
        assert!(leaves.iter().all(|l| l.spread < 12), "far times became one");
    }
}
