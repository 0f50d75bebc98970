//! An attacker who downloads every tile and every cell each second, and tries to follow one driver.
//!
//! What is public of a line says how fast its drivers went, and how many there were. From two downloads
//! follows what came in between: were that one driver, it would be their own speed there. So the attacker
//! takes every change for the work of one driver, works out the speed, and chains the changes that
//! belong together: cells that touch, one after another in the direction of travel, at the same moment
//! or within the minutes that a phone takes to its next upload.

use std::collections::BTreeMap;

use h3o::CellIndex;
use hexmile_tiles::{DirectionTraffic, Snapshot};

/// How long a chain waits for its driver's next upload, milliseconds.
const PATIENCE_MS: u64 = 150_000;

/// Published values of one direction of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sight {
    pub(crate) heading_deg: u16,
    pub(crate) speed_dkmh: u16,
    free_flow_kmh: u8,
    pub(crate) drivers: u8,
    pub(crate) age_min: u8,
}

pub(crate) type View = BTreeMap<u64, Vec<Sight>>;

/// A change of a cell's direction, taken for one driver's.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) cell: CellIndex,
    heading_deg: u16,
    /// What that driver's pace was, seconds a metre, if it is so: least and most, for each way that the
    /// change may have come about.
    pub(crate) paces: Vec<(f64, f64)>,
}

fn turn_deg(a: u16, b: u16) -> u16 {
    let turn = (a + 360 - b) % 360;
    turn.min(360 - turn)
}

fn bearing_deg(from: CellIndex, to: CellIndex) -> u16 {
    let (a, b) = (h3o::LatLng::from(from), h3o::LatLng::from(to));
    let east = (b.lng() - a.lng()) * libm::cos(a.lat_radians());
    let degrees = libm::atan2(east, b.lat() - a.lat()).to_degrees();
    (degrees + 360.0).round() as u16 % 360
}

/// Paces that give a published speed, seconds a metre: by the steps to which it is rounded, and the share
/// by which the speed of so many drivers is lowered, as `docs/tiles.md` has both.
pub(crate) fn pace_range(sight: Sight, drivers: u8) -> (f64, f64) {
    // Half a step; at a speed where steps change, up and down differ.
    let half = |dkmh: u16| match dkmh {
        0..100 => 1.0,
        100..200 => 5.0,
        200..600 => 10.0,
        _ => 25.0,
    };
    let shown = f64::from(sight.speed_dkmh);
    let (up, down) = (half(sight.speed_dkmh), half(sight.speed_dkmh.saturating_sub(1)));
    let street = ((90.0 - f64::from(sight.free_flow_kmh)) / 20.0).clamp(0.0, 1.0);
    let lowered = 1.0 + 0.2 * street / f64::from(drivers);
    let pace = |dkmh: f64| 36.0 / dkmh.max(0.1) / lowered;
    (pace(shown + up), pace(shown - down))
}

/// How much an earlier sum weighs beside new data, by its age.
fn weight(age_min: u8) -> f64 {
    libm::exp2(-f64::from(age_min) / 10.0)
}

/// What one driver's pace must have been, if their coming or going made the difference.
fn paces(before: Option<Sight>, now: Sight) -> Vec<(f64, f64)> {
    // What appears says that it is of three, and may be of one.
    let Some(before) = before else {
        return vec![pace_range(now, 1), pace_range(now, now.drivers)];
    };
    let (low, high) = pace_range(now, now.drivers);
    let (was_low, was_high) = pace_range(before, before.drivers);
    let mut ranges = Vec::new();
    for drivers in [1.0, f64::from(before.drivers)] {
        let was = drivers * weight(before.age_min.saturating_sub(now.age_min));
        // Came in: now = (was * before + one) / (was + 1). Taken out: now = (was * before - one) / (was - 1).
        ranges.push((low * (was + 1.0) - was_high * was, high * (was + 1.0) - was_low * was));
        ranges.push((was_low * was - high * (was - 1.0), was_high * was - low * (was - 1.0)));
    }
    // What says nothing, or cannot be.
    ranges.retain(|(low, high)| *low > 0.01 && *high < 10.0 && high / low < 1.25);
    ranges
}

pub(crate) fn view(snapshot: &Snapshot, cells: &[CellIndex]) -> View {
    let sights = |cell: &CellIndex| {
        let traffic = snapshot.cell(*cell)?;
        let sight = |d: &DirectionTraffic| Sight {
            heading_deg: d.heading_deg,
            speed_dkmh: d.level.speed_dkmh,
            free_flow_kmh: d.level.free_flow_kmh,
            drivers: d.level.drivers,
            age_min: d.level.age_min,
        };
        Some((u64::from(*cell), traffic.directions.iter().map(sight).collect()))
    };
    cells.iter().filter_map(sights).collect()
}

/// What changed from one download to the next.
pub(crate) fn claims(before: &View, now: &View) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (index, sights) in now {
        let known = before.get(index).map_or(&[][..], Vec::as_slice);
        for sight in sights.iter().filter(|sight| !known.contains(sight)) {
            let near = known.iter().filter(|k| turn_deg(k.heading_deg, sight.heading_deg) <= 45);
            let was = near.min_by_key(|k| turn_deg(k.heading_deg, sight.heading_deg)).copied();
            let paces = paces(was, *sight);
            let cell = CellIndex::try_from(*index).unwrap();
            claims.push(Claim { cell, heading_deg: sight.heading_deg, paces });
        }
    }
    claims
}

/// How badly one claim goes on from another; `None` where it does not at all.
fn goes_on(from: &Claim, to: &Claim) -> Option<u16> {
    let turn = turn_deg(from.heading_deg, to.heading_deg);
    let aside = turn_deg(bearing_deg(from.cell, to.cell), from.heading_deg);
    let is_near = from.cell.is_neighbor_with(to.cell).unwrap_or(false);
    (is_near && turn <= 100 && aside <= 75).then_some(turn + aside)
}

/// Chains of claims, with the moment of each, Unix milliseconds.
#[derive(Default)]
pub(crate) struct Attack {
    pub(crate) chains: Vec<Vec<(u64, Claim)>>,
    /// By the cell that a chain has come to.
    ends: BTreeMap<u64, Vec<usize>>,
}

impl Attack {
    /// Takes the changes of one moment: each goes on from the chain that it suits best, or begins one.
    pub(crate) fn take(&mut self, now_ms: u64, mut claims: Vec<Claim>) {
        while !claims.is_empty() {
            let best = claims.iter().enumerate().filter_map(|(i, claim)| {
                let (cost, chain) = self.suits(now_ms, claim)?;
                Some((cost, i, chain))
            });
            if let Some((_, i, chain)) = best.min() {
                let claim = claims.swap_remove(i);
                let (_, last) = self.chains[chain].last().unwrap();
                self.ends.get_mut(&last.cell.into()).unwrap().retain(|c| *c != chain);
                self.put(now_ms, claim, chain);
            } else {
                // Begins with one into which no other leads.
                let leads = |i: &usize| claims.iter().any(|c| goes_on(c, &claims[*i]).is_some());
                let first = (0..claims.len()).find(|i| !leads(i)).unwrap_or(0);
                self.chains.push(Vec::new());
                self.put(now_ms, claims.swap_remove(first), self.chains.len() - 1);
            }
        }
    }

    fn put(&mut self, now_ms: u64, claim: Claim, chain: usize) {
        self.ends.entry(claim.cell.into()).or_default().push(chain);
        self.chains[chain].push((now_ms, claim));
    }

    /// The chain from which a claim goes on best, and how badly.
    fn suits(&self, now_ms: u64, claim: &Claim) -> Option<(u16, usize)> {
        let beside = claim.cell.grid_disk::<Vec<_>>(1);
        let chains = beside.into_iter().filter_map(|cell| self.ends.get(&u64::from(cell)));
        let suits = chains.flatten().filter_map(|chain| {
            let (at_ms, last) = self.chains[*chain].last()?;
            let cost = (now_ms - at_ms <= PATIENCE_MS).then(|| goes_on(last, claim))?;
            Some((cost?, *chain))
        });
        suits.min()
    }
}
