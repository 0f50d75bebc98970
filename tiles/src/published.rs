//! What is published of one key: closed cohorts, summed.

use std::sync::OnceLock;

use h3o::CellIndex;

use crate::{
    Slot,
    cohort::{Cohort, LIVE_SLOTS},
    histogram::SpeedHistogram,
    shape::{KeyLine, Shape},
};

/// Weight of a cohort by its age in slots: it halves every ten minutes.
const AGE_WEIGHTS: [u64; LIVE_SLOTS as usize] = [64, 45, 32, 23, 16, 11];

/// Published flow of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SlotFlow {
    distance_cm: u32,
    duration_ms: u32,
    drivers: u16,
}

/// Flow of all live slots, weighted by age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LiveFlow {
    /// Weighted centimetres.
    pub(crate) distance: u64,
    /// Weighted milliseconds.
    pub(crate) duration: u64,
    /// Drivers of all its cohorts.
    pub(crate) drivers: u32,
    /// Slots since its newest cohort.
    pub(crate) age: u32,
    /// Whether it rests on little, however many drivers it counts.
    pub(crate) thin: bool,
}

/// Closed cohorts of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// Newest slot with a cohort.
    newest: Slot,
    /// The live slots up to `newest`, each at its number modulo their count.
    live: [SlotFlow; LIVE_SLOTS as usize],
    speeds: SpeedHistogram,
    shape: Shape,
    /// Traced when it is first asked for: of all that a cohort changes it alone takes trigonometry, and
    /// several cohorts may close between two publications.
    line: OnceLock<KeyLine>,
}

impl Published {
    pub(crate) fn new(cohort: &Cohort) -> Self {
        let mut published = Self {
            newest: cohort.slot,
            live: Default::default(),
            speeds: SpeedHistogram::EMPTY,
            shape: Shape::default(),
            line: OnceLock::new(),
        };
        published.merge(cohort);
        published
    }

    /// Takes in a closed cohort of the same key.
    pub(crate) fn merge(&mut self, cohort: &Cohort) {
        self.advance(cohort.slot);
        if cohort.slot.until(self.newest) < LIVE_SLOTS {
            let flow = &mut self.live[(cohort.slot.number() % LIVE_SLOTS) as usize];
            for driver in &cohort.drivers {
                flow.distance_cm = flow.distance_cm.saturating_add(driver.distance_cm);
                flow.duration_ms = flow.duration_ms.saturating_add(driver.duration_ms);
                flow.drivers = flow.drivers.saturating_add(1);
            }
        }
        for driver in &cohort.drivers {
            self.speeds.add(driver.distance_cm, driver.duration_ms);
        }
        self.shape.add(&cohort.drivers);
        self.line = OnceLock::new();
    }

    /// Empties the slots between the newest one and a newer one.
    fn advance(&mut self, slot: Slot) {
        for passed in 1..=self.newest.until(slot).min(LIVE_SLOTS) {
            let number = slot.number() - (passed - 1);
            self.live[(number % LIVE_SLOTS) as usize] = SlotFlow::default();
        }
        self.newest = self.newest.max(slot);
    }

    /// Flow of the slots that are live in `now`; no drivers where none is.
    pub(crate) fn flow(&self, now: Slot) -> LiveFlow {
        let mut flow = LiveFlow::default();
        for back in 0..LIVE_SLOTS.min(self.newest.number() + 1) {
            let slot = Slot::new(self.newest.number() - back);
            let age = slot.until(now);
            let Some(weight) = AGE_WEIGHTS.get(age as usize) else { break };
            let of_slot = &self.live[(slot.number() % LIVE_SLOTS) as usize];
            if of_slot.drivers > 0 {
                if flow.drivers == 0 {
                    flow.age = age;
                }
                flow.distance += weight * u64::from(of_slot.distance_cm);
                flow.duration += weight * u64::from(of_slot.duration_ms);
                flow.drivers += u32::from(of_slot.drivers);
            }
        }
        flow
    }

    pub(crate) fn newest(&self) -> Slot {
        self.newest
    }

    pub(crate) fn speeds(&self) -> &SpeedHistogram {
        &self.speeds
    }

    /// Mean heading, tenths of a degree clockwise from north.
    pub(crate) fn heading_ddeg(&self) -> u16 {
        self.shape.heading_ddeg()
    }

    /// The line of the key, whose cell is `cell`.
    pub(crate) fn line(&self, cell: CellIndex) -> KeyLine {
        *self.line.get_or_init(|| self.shape.line(cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::DriverMean;

    fn cohort(slot: u32) -> Cohort {
        let driver = || DriverMean {
            distance_cm: 4_000,
            duration_ms: 4_000,
            east_cm: 4_000,
            north_cm: 0,
            entry: None,
            exit: None,
        };
        Cohort { slot: Slot::new(slot), drivers: vec![driver(), driver(), driver()] }
    }

    #[test]
    fn flow_is_weighted_by_age_and_old_slots_fall_out() {
        let mut published = Published::new(&cohort(100));
        for (slot, now, want) in [
            (102, 102, (12_000 * (64 + 32), 6, 0)),
            // Too old beside what is there: no longer live.
            (96, 102, (12_000 * (64 + 32), 6, 0)),
            (105, 105, (12_000 * (64 + 23 + 11), 9, 0)),
            (106, 108, (12_000 * (32 + 23), 6, 2)),
            (120, 120, (12_000 * 64, 3, 0)),
        ] {
            published.merge(&cohort(slot));
            let flow = published.flow(Slot::new(now));
            assert_eq!((flow.distance, flow.drivers, flow.age), want, "{slot} {now}");
            assert_eq!(flow.distance, flow.duration);
        }
        assert_eq!(published.flow(Slot::new(126)).drivers, 0);
    }
}
