//! Observations that wait for company: the open cohort of one key.
//!
//! A driver's share is capped: the passes of their newest slot, at most four, averaged, so that one
//! driver weighs as much with one pass as with many. The cohort closes as soon as it holds as many
//! distinct drivers as the threshold asks for. What was published is therefore always whole cohorts,
//! and so is every difference between two publications.

use crate::{Observation, Offset, Sector, Slot, Threshold, sphere::bearing_ddeg};

/// Most passes of one driver that are averaged.
const MAX_PASSES: u8 = 4;

/// Slots for which an observation is live: 30 minutes.
pub(crate) const LIVE_SLOTS: u32 = 6;

/// Distance above which an observation is no pass through one cell, centimetres.
const MAX_DISTANCE_CM: u32 = 100_000;

/// Duration above which an observation is no pass in traffic, milliseconds.
const MAX_DURATION_MS: u32 = 3_600_000;

/// Sums of one driver's passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    driver: u64,
    slot: Slot,
    /// Whether its first heading lies clockwise of the middle of its sector.
    clockwise: bool,
    passes: u8,
    entries: u8,
    exits: u8,
    distance_cm: u32,
    duration_ms: u32,
    /// Heading as a vector as long as the distance, centimetres.
    east_cm: i32,
    north_cm: i32,
    entry: Offset,
    exit: Offset,
}

impl Share {
    pub(crate) fn new(driver: u64, observation: &Observation) -> Self {
        let mut share = Self {
            driver,
            slot: observation.slot,
            clockwise: leans_clockwise(observation),
            passes: 0,
            entries: 0,
            exits: 0,
            distance_cm: 0,
            duration_ms: 0,
            east_cm: 0,
            north_cm: 0,
            entry: Offset::default(),
            exit: Offset::default(),
        };
        share.add(observation);
        share
    }

    pub(crate) fn driver(&self) -> u64 {
        self.driver
    }

    /// Adds a pass, unless there are as many as one driver may bring.
    pub(crate) fn add_if_room(&mut self, observation: &Observation) {
        if self.passes < MAX_PASSES {
            self.add(observation);
        }
    }

    /// Adds a pass of the share's own slot.
    fn add(&mut self, observation: &Observation) {
        self.passes += 1;
        self.distance_cm += observation.distance_cm;
        self.duration_ms += observation.duration_ms;
        let heading = (f64::from(observation.heading_ddeg) / 10.0).to_radians();
        let (sin, cos) = libm::sincos(heading);
        let length = f64::from(observation.distance_cm);
        self.east_cm += libm::round(length * sin) as i32;
        self.north_cm += libm::round(length * cos) as i32;
        let sum = |into: &mut Offset, count: &mut u8, offset: Option<Offset>| {
            if let Some(offset) = offset {
                into.east_dm += offset.east_dm;
                into.north_dm += offset.north_dm;
                *count += 1;
            }
        };
        sum(&mut self.entry, &mut self.entries, observation.entry);
        sum(&mut self.exit, &mut self.exits, observation.exit);
    }
}

/// A closed cohort: one driver's averages, as many times as the threshold says.
pub(crate) struct Cohort {
    /// Mean slot of its drivers.
    pub(crate) slot: Slot,
    pub(crate) drivers: Vec<DriverMean>,
}

impl Cohort {
    /// The sector of its drivers' mean heading.
    pub(crate) fn sector(&self) -> Sector {
        let sum = |part: fn(&DriverMean) -> i32| -> f64 {
            self.drivers.iter().map(|driver| f64::from(part(driver))).sum()
        };
        Sector::of_heading(bearing_ddeg(sum(|d| d.east_cm), sum(|d| d.north_cm)))
    }
}

/// What one driver brings into a cohort.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverMean {
    pub(crate) distance_cm: u32,
    pub(crate) duration_ms: u32,
    pub(crate) east_cm: i32,
    pub(crate) north_cm: i32,
    pub(crate) entry: Option<Offset>,
    pub(crate) exit: Option<Offset>,
}

/// The observations of one key that are not published: at most one share fewer than the threshold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenCohort(Vec<Share>);

/// Whether an observation can count towards live traffic at all when the log's clock is in `now`: not
/// older than the live window, not from the future, and what a pass through one cell can be.
pub(crate) fn is_countable(observation: &Observation, now: Slot) -> bool {
    let (slot, now) = (u64::from(observation.slot.number()), u64::from(now.number()));
    slot + u64::from(LIVE_SLOTS) > now && slot <= now + 1 && is_pass(observation)
}

/// Whether an observation is what a pass through one cell can be.
pub(crate) fn is_pass(observation: &Observation) -> bool {
    (1..=MAX_DURATION_MS).contains(&observation.duration_ms)
        && (1..=MAX_DISTANCE_CM).contains(&observation.distance_cm)
}

impl OpenCohort {
    /// Takes in a countable observation; gives the cohort if that closed it.
    pub(crate) fn add(
        &mut self,
        driver: u64,
        observation: &Observation,
        now: Slot,
        threshold: Threshold,
    ) -> Option<Cohort> {
        self.drop_old(now);
        match self.0.iter_mut().find(|share| share.driver == driver) {
            Some(share) if share.slot == observation.slot => share.add_if_room(observation),
            Some(share) if share.slot < observation.slot => {
                *share = Share::new(driver, observation);
            }
            Some(_) => {}
            None => {
                self.0.reserve_exact(1);
                self.0.push(Share::new(driver, observation));
            }
        }
        (self.0.len() >= usize::from(threshold.drivers()))
            .then(|| close(core::mem::take(&mut self.0)))
    }

    /// Whether the pass just added leans clockwise from the middle of its sector: which neighbour's
    /// cohort it may close one with.
    pub(crate) fn leans_clockwise(&self, driver: u64) -> Option<bool> {
        self.0.iter().find(|share| share.driver == driver).map(|share| share.clockwise)
    }

    /// Closes a cohort of those who lean towards the border of this sector and the next one clockwise,
    /// whose open cohort is `next`, if they are enough. A driver who waits in both counts here.
    pub(crate) fn close_with(
        &mut self,
        next: &mut Self,
        now: Slot,
        threshold: Threshold,
    ) -> Option<Cohort> {
        self.drop_old(now);
        next.drop_old(now);
        let near = |share: &Share| share.clockwise;
        let far = |share: &Share| {
            !share.clockwise && !self.0.iter().any(|s| s.driver == share.driver && near(s))
        };
        let count =
            self.0.iter().filter(|s| near(s)).count() + next.0.iter().filter(|s| far(s)).count();
        if count < usize::from(threshold.drivers()) {
            return None;
        }
        let mut closed: Vec<Share> = next.0.extract_if(.., |share| far(share)).collect();
        closed.extend(self.0.extract_if(.., |share| near(share)));
        for open in [self, next] {
            if open.0.is_empty() {
                open.0 = Vec::new();
            }
        }
        Some(close(closed))
    }

    /// Lets go of what fell out of the live window.
    pub(crate) fn drop_old(&mut self, now: Slot) {
        self.0.retain(|share| share.slot.until(now) < LIVE_SLOTS);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    /// Lets go of all drivers but some.
    pub(crate) fn retain(&mut self, stays: impl Fn(u64) -> bool) {
        self.0.retain(|share| stays(share.driver));
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Share>()
    }
}

fn leans_clockwise(observation: &Observation) -> bool {
    let middle = u16::from(observation.key.sector().number()) * 450;
    (observation.heading_ddeg + 3600 - middle) % 3600 < 1800
}

/// Makes a cohort of its drivers' shares.
pub(crate) fn close(shares: Vec<Share>) -> Cohort {
    let slots: u64 = shares.iter().map(|share| u64::from(share.slot.number())).sum();
    let slot = Slot::new((slots / shares.len().max(1) as u64) as u32);
    let mean = |sum: Offset, count: u8| {
        let count = i16::from(count);
        (count > 0).then(|| Offset { east_dm: sum.east_dm / count, north_dm: sum.north_dm / count })
    };
    let drivers = shares.into_iter().map(|share| DriverMean {
        distance_cm: (share.distance_cm / u32::from(share.passes)).max(1),
        duration_ms: (share.duration_ms / u32::from(share.passes)).max(1),
        east_cm: share.east_cm / i32::from(share.passes),
        north_cm: share.north_cm / i32::from(share.passes),
        entry: mean(share.entry, share.entries),
        exit: mean(share.exit, share.exits),
    });
    Cohort { slot, drivers: drivers.collect() }
}
