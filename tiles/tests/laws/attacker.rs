//! An attacker who downloads every tile and every cell each second, and tries to follow one driver.
//!
//! What is public of a line says how fast its drivers went, and how many there were. From two downloads
//! follows what came in between: were that one driver, it would be their own speed there. So the attacker
//! takes every change for the work of one driver, works out the speed, and chains the changes that
//! belong together: cells that touch, one after another in the direction of travel, at the same moment
//! or within the minutes that a phone takes to its next upload.
//!
//! A *linked path of a single driver* is a run of cells of such a chain in which the speeds worked out
//! are those of one driver alone: within the error of rounding their own in each, and nobody else's who
//! passed lately. By chance that is so here and there, as a guess would be; so it counts from
//! [`CHANCE_CELLS`] in a row on. It is no link that a company of three became due at one moment: that
//! tells where one of them drove, as `docs/tiles.md` says, and no value of theirs.

use std::collections::{BTreeMap, BTreeSet};

use h3o::{CellIndex, Resolution};
use hexmile_tiles::{Row, Snapshot, Tick, TileId, TrafficState, encode};
use hexmile_trace::Position;

use crate::{
    streets::half_hour,
    world::{START_MS, cells_around, decode, places, tiles_around},
};

/// Cells in a row whose speeds are guessed right by chance: longer runs were never seen where only
/// companies of three are published, shorter ones are.
const CHANCE_CELLS: usize = 8;

/// Rings of cells of resolution 11 around the middle of the streets.
const RINGS: u32 = 16;

/// How long a chain waits for its driver's next upload, milliseconds.
const PATIENCE_MS: u64 = 150_000;

/// How long a driver's pass is remembered for comparison, milliseconds.
const LATELY_MS: u64 = 2_100_000;

/// Published values of one direction of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sight {
    heading_deg: u16,
    speed_dkmh: u16,
    free_flow_kmh: u8,
    drivers: u8,
    age_min: u8,
}

type View = BTreeMap<u64, Vec<Sight>>;

/// A change of a cell's direction, taken for one driver's.
#[derive(Clone, Debug)]
struct Claim {
    cell: CellIndex,
    heading_deg: u16,
    /// What that driver's pace was, seconds a metre, if it is so: least and most, for each way that the
    /// change may have come about.
    paces: Vec<(f64, f64)>,
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
fn pace_range(sight: Sight, drivers: u8) -> (f64, f64) {
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

fn view(snapshot: &Snapshot, cells: &[CellIndex]) -> View {
    let sights = |cell: &CellIndex| {
        let traffic = snapshot.cell(*cell)?;
        let sight = |d: &hexmile_tiles::DirectionTraffic| Sight {
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
fn claims(before: &View, now: &View) -> Vec<Claim> {
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
struct Attack {
    chains: Vec<Vec<(u64, Claim)>>,
    /// By the cell that a chain has come to.
    ends: BTreeMap<u64, Vec<usize>>,
}

impl Attack {
    /// Takes the changes of one moment: each goes on from the chain that it suits best, or begins one.
    fn take(&mut self, now_ms: u64, mut claims: Vec<Claim>) {
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

/// What each driver truly did: by cell, when it was sent, who, and at which pace in seconds a metre.
struct Truth(BTreeMap<u64, Vec<(u64, u64, f64)>>);

impl Truth {
    fn of(rows: &[Row]) -> Self {
        let mut truth = Self(BTreeMap::new());
        for row in rows {
            for seen in &row.observations {
                let pace = f64::from(seen.duration_ms) / 10.0 / f64::from(seen.distance_cm);
                let passes = truth.0.entry(seen.key.cell().into()).or_default();
                passes.push((row.folded_at_ms, row.driver, pace));
            }
        }
        truth
    }

    /// The driver whose own pace a claim says, if it is that of one alone.
    fn named(&self, now_ms: u64, claim: &Claim) -> Option<u64> {
        let passes = self.0.get(&u64::from(claim.cell))?;
        let lately = |at_ms: u64| at_ms <= now_ms && now_ms - at_ms <= LATELY_MS;
        let is_said = |pace: f64| {
            claim.paces.iter().any(|(low, high)| *low * 0.99 <= pace && pace <= *high * 1.01)
        };
        let said = passes.iter().filter(|(at_ms, _, pace)| lately(*at_ms) && is_said(*pace));
        let named: BTreeSet<u64> = said.map(|(_, driver, _)| *driver).collect();
        if named.len() == 1 { named.first().copied() } else { None }
    }
}

/// What an attack came to.
#[derive(Debug, Default)]
struct Outcome {
    changes: usize,
    /// Cells of the longest chain.
    chained: usize,
    /// Longest run of cells whose speeds are one driver's alone.
    run: usize,
    /// Changes that fewer than three drivers made, as the numbers of drivers prove.
    proven: usize,
}

impl Outcome {
    /// Cells of the longest linked path of a single driver.
    fn linked(&self) -> usize {
        if self.run > CHANCE_CELLS { self.run } else { 0 }
    }
}

/// Most drivers that a published number stands for.
fn most(bucket: u8) -> u32 {
    match bucket {
        3 => 4,
        5 => 9,
        10 => 19,
        20 => 49,
        50 => 99,
        _ => u32::MAX,
    }
}

/// Cells of which a change is proven to be that of fewer than three drivers: their speed changed within
/// a slot, when nothing ages, though no more or even fewer can have been added.
fn proven(before: &View, now: &View) -> usize {
    let is_proven = |(index, sights): &(&u64, &Vec<Sight>)| {
        let cell = CellIndex::try_from(**index).unwrap();
        let Some(known) = before.get(index) else { return false };
        let (fewest, most): (u32, u32) = (
            known.iter().map(|sight| u32::from(sight.drivers)).sum(),
            sights.iter().map(|sight| most(sight.drivers)).fold(0, u32::saturating_add),
        );
        // Free flow is that of the surroundings, and moves with others' traffic: not so the pace alone.
        let is_other = |(was, is): (&Sight, &Sight)| {
            let (was, is) = (pace_range(*was, was.drivers), pace_range(*is, is.drivers));
            was.1 * 1.01 < is.0 || is.1 * 1.01 < was.0
        };
        // Of coarser cells `n` is that of their busiest part.
        cell.resolution() == Resolution::Eleven
            && known.len() == sights.len()
            && known.iter().zip(sights.iter()).any(is_other)
            && most < fewest + 3
    };
    now.iter().filter(is_proven).count()
}

/// Polls every second of the half hour.
fn attack(middle: Position, rows: &[Row], truth: &Truth) -> Outcome {
    let mut cells = cells_around(middle, RINGS);
    let parents: BTreeSet<CellIndex> = cells
        .iter()
        .flat_map(|cell| [Resolution::Ten, Resolution::Nine].map(|r| cell.parent(r).unwrap()))
        .collect();
    cells.extend(parents);
    let tiles: Vec<TileId> = tiles_around(middle).into_iter().filter(|t| t.z() == 14).collect();
    let mut state = TrafficState::new(hexmile_tiles::TrafficConfig::default());
    let (mut attack, mut outcome) = (Attack::default(), Outcome::default());
    let (mut last, mut slot, mut version) = (View::new(), hexmile_tiles::Slot::default(), 0);
    let mut rows = rows.iter().peekable();
    for second in 0..2_100 {
        let now_ms = START_MS + second * 1000;
        while let Some(row) = rows.next_if(|row| row.folded_at_ms <= now_ms) {
            state.apply(row.clone()).unwrap();
        }
        let snapshot = state.publish(Tick::of_unix_ms(now_ms));
        if snapshot.version() == version {
            continue;
        }
        version = snapshot.version();
        let now = view(&snapshot, &cells);
        if snapshot.slot() == slot {
            let claims = claims(&last, &now);
            outcome.changes += claims.len();
            outcome.proven += proven(&last, &now);
            attack.take(now_ms, claims);
        }
        if second % 60 == 0 {
            tiles_say_no_more(&snapshot, &tiles, &now);
        }
        (last, slot) = (now, snapshot.slot());
    }
    for chain in &attack.chains {
        let mut runs: BTreeMap<u64, usize> = BTreeMap::new();
        for (at_ms, claim) in chain {
            let named = truth.named(*at_ms, claim);
            runs.retain(|driver, _| named == Some(*driver));
            if let Some(driver) = named {
                let run = runs.entry(driver).or_default();
                *run += 1;
                outcome.run = outcome.run.max(*run);
            }
        }
        outcome.chained = outcome.chained.max(chain.len());
    }
    outcome
}

/// A tile's values are those of its cells: who has all cells learns no value from tiles.
fn tiles_say_no_more(snapshot: &Snapshot, tiles: &[TileId], cells: &View) {
    let values = |drivers: u64, age_min: u64, kmh: u64| (drivers, age_min, kmh);
    let known: BTreeSet<_> = cells
        .values()
        .flatten()
        .map(|s| values(s.drivers.into(), s.age_min.into(), (s.speed_dkmh / 10).into()))
        .collect();
    for tile in tiles {
        let bytes = encode(snapshot, *tile);
        for shape in if bytes.is_empty() { Vec::new() } else { decode(&bytes, *tile) } {
            let n = &shape.numbers;
            assert!(known.contains(&values(n["n"], n["age"], n["speed"])), "{n:?}");
        }
    }
}

/// The same, as if nobody waited for company: each driver counts for three.
fn each_alone(rows: &[Row]) -> Vec<Row> {
    let thrice = |row: &Row| {
        let (row, names) = (row.clone(), 0..3u64);
        names.map(move |name| Row { driver: row.driver * 3 + name, ..row.clone() })
    };
    let rows = rows.iter().flat_map(thrice);
    (0..).zip(rows).map(|(position, row)| Row { position, ..row }).collect()
}

#[test]
fn nobody_who_polls_each_second_links_a_drive() {
    let middle = places()[0].1;
    for (drivers, seed) in [(12, 7), (40, 7), (120, 7)] {
        let rows = half_hour(middle, drivers, seed);
        let truth = Truth::of(&rows);
        let outcome = attack(middle, &rows, &truth);
        eprintln!("{drivers} drivers: {outcome:?}");
        assert!(outcome.changes > 300, "{outcome:?}");
        assert_eq!((outcome.linked(), outcome.proven), (0, 0), "{drivers} drivers: {outcome:?}");
    }
}

/// The attack is one: where nobody waits for company, it finds drives.
#[test]
fn who_is_published_alone_is_linked() {
    let middle = places()[0].1;
    let rows = half_hour(middle, 40, 7);
    let truth = Truth::of(&rows);
    let outcome = attack(middle, &each_alone(&rows), &truth);
    eprintln!("each alone: {outcome:?}");
    assert!(outcome.linked() >= 15, "{outcome:?}");
}
