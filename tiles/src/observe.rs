//! Passes to observations: cut where the drive turns, whole where it only clips a cell's corner.
//!
//! What is published of a cell needs several drivers who did the same there. A drive that turns off at
//! a junction shares the road up to it with those who go straight on, so its pass is cut at the turn, and
//! the wait before the turn counts for the road it was on. A drive that clips a cell's corner is, but for
//! a metre to either side, one that does not, so the corner counts with the cell beside it.

use hexmile_trace::Fix;

use crate::{
    Course, OBSERVATION_RESOLUTION, Observation, Offset, Sector, Slot, TrafficKey,
    lattice::Lattice,
    snap::{Cut, Limit, Stay, walk},
    sphere::{Tangent, Vec3, turn_ddeg},
};

/// A standstill this long is parking, not traffic, milliseconds: longer than any signal's red.
pub const PARKED_MS: u64 = 180_000;

/// A pass shorter than this has no direction worth counting, centimetres.
pub const MIN_DISTANCE_CM: u64 = 100;

/// A way shorter than this, up to a cell's border or from it, counts with the cell beyond, centimetres.
const CLIP_CM: u64 = 1_200;

/// Greatest turn between such a way and what it counts with, tenths of a degree.
const CLIP_DDEG: u16 = 300;

/// The observations of a trace: [`Course::observations`] of its fixes.
pub fn observe(fixes: &[Fix]) -> Vec<Observation> {
    Course::new(fixes).observations()
}

impl Course {
    /// What was observed on the way, in order of time.
    ///
    /// Snaps at resolution 11, each pass cut where the drive turns by more than 40 degrees, and leaves out
    /// what says nothing about traffic: passes with a standstill of [`PARKED_MS`] or more, and those
    /// shorter than [`MIN_DISTANCE_CM`]. Of what remains, distance and duration are kept whole.
    pub fn observations(&self) -> Vec<Observation> {
        let lattice = Lattice::of(OBSERVATION_RESOLUTION);
        let mut observations: Vec<Observation> = Vec::with_capacity(self.legs().len() / 2);
        let mut last: Option<Last> = None;
        walk(lattice, self, Cut::AtTurns, |stay| {
            let tangent = match stay.hexagon.and_then(|hexagon| lattice.middle(hexagon)) {
                Some(middle) => Tangent::at(middle),
                None => Tangent::at_cell(stay.cell),
            };
            if !is_traffic(stay) {
                last = None;
                return;
            }
            let before = Option::zip(last.as_mut(), observations.last_mut());
            if before.is_some_and(|(last, before)| last.takes(before, stay, &tangent).is_some()) {
                return;
            }
            last = of_stay(&tangent, stay).map(|observation| {
                observations.push(observation);
                Last {
                    tangent,
                    entry: stay.entry,
                    left: stay.ended == Limit::Border,
                    clips: clips(stay),
                }
            });
        });
        observations
    }
}

fn is_traffic(stay: &Stay) -> bool {
    stay.stopped_ms < PARKED_MS && stay.distance_cm >= MIN_DISTANCE_CM
}

fn clips(stay: &Stay) -> bool {
    (stay.began == Limit::Border || stay.ended == Limit::Border) && stay.distance_cm < CLIP_CM
}

fn of_stay(tangent: &Tangent, stay: &Stay) -> Option<Observation> {
    Some(Observation {
        key: TrafficKey::new(stay.cell, Sector::of_heading(stay.heading_ddeg))?,
        slot: Slot::of_unix_ms(stay.entered_ms),
        distance_cm: u32::try_from(stay.distance_cm).ok()?,
        duration_ms: u32::try_from(stay.duration_ms).ok()?,
        heading_ddeg: stay.heading_ddeg,
        entry: (stay.began != Limit::Drive).then(|| Offset::of_point(tangent, stay.entry)),
        exit: exit(tangent, stay),
    })
}

fn exit(tangent: &Tangent, stay: &Stay) -> Option<Offset> {
    (stay.ended != Limit::Drive).then(|| Offset::of_point(tangent, stay.exit))
}

/// Where the last observation lies.
struct Last {
    tangent: Tangent,
    entry: Vec3,
    left: bool,
    clips: bool,
}

impl Last {
    /// Adds the stay that follows over a border, where either of them only clips a corner; `None` where
    /// that is not so.
    fn takes(&mut self, before: &mut Observation, stay: &Stay, tangent: &Tangent) -> Option<()> {
        let straight = turn_ddeg(before.heading_ddeg, stay.heading_ddeg) <= CLIP_DDEG;
        if !(self.left && stay.began == Limit::Border && (clips(stay) || self.clips) && straight) {
            return None;
        }
        let sum = |a: u32, b: u64| u32::try_from(u64::from(a) + b).ok();
        let distance_cm = sum(before.distance_cm, stay.distance_cm)?;
        let duration_ms = sum(before.duration_ms, stay.duration_ms)?;
        if self.clips {
            // The corner was first: all moves into the cell that follows.
            before.key = TrafficKey::new(stay.cell, Sector::of_heading(stay.heading_ddeg))?;
            before.heading_ddeg = stay.heading_ddeg;
            before.entry = before.entry.map(|_| Offset::of_point(tangent, self.entry));
            self.tangent = *tangent;
            self.clips = clips(stay);
        }
        before.distance_cm = distance_cm;
        before.duration_ms = duration_ms;
        before.exit = exit(&self.tangent, stay);
        self.left = stay.ended == Limit::Border;
        Some(())
    }
}
