//! That nobody can be followed, whoever downloads everything each second (`attacker.rs`).
//!
//! A *linked path of a single driver* is a run of cells of one of the attacker's chains in which the
//! speeds worked out are those of one driver alone: within the error of rounding their own in each, and
//! nobody else's who passed lately. By chance that is so here and there, as a guess would be; so it counts
//! where it is longer than [`CHANCE_CELLS`]. It is no link that a company of three became due at one
//! moment: that tells where one of them drove, as `docs/tiles.md` says, and no value of theirs.

use std::collections::{BTreeMap, BTreeSet};

use h3o::{CellIndex, Resolution};
use hexmile_tiles::{Row, Slot, Snapshot, Tick, TileId, TrafficConfig, TrafficState, encode};
use hexmile_trace::Position;

use crate::{
    attacker::{Attack, Claim, Sight, View, claims, pace_range, view},
    streets::half_hour,
    world::{START_MS, cells_around, decode, places, tiles_around},
};

/// Cells in a row whose speeds are guessed right by chance: longer runs were never seen where only
/// companies of three are published, shorter ones are.
const CHANCE_CELLS: usize = 8;

/// Rings of cells of resolution 11 around the middle of the streets.
const RINGS: u32 = 16;

/// How long a driver's pass is remembered for comparison, milliseconds.
const LATELY_MS: u64 = 2_100_000;

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
    let mut state = TrafficState::new(TrafficConfig::default());
    let (mut attack, mut outcome) = (Attack::default(), Outcome::default());
    let (mut last, mut slot, mut version) = (View::new(), Slot::default(), 0);
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
        // With a new slot everything ages, and nothing else happens.
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
