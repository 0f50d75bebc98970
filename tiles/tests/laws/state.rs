//! Laws of the traffic state: what a set of rows publishes, and what nobody can learn from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{
    Drive, START_MS, Seen, cells_around, drives, last_tick, places, rows, state_of, tiles_around,
};
use hexmile_tiles::{
    Applied, Row, Sector, Slot, Threshold, Tick, TileId, TrafficConfig, TrafficKey, TrafficState,
    WaitingFull, encode,
};
use proptest::prelude::*;

fn all_tiles(state: &mut TrafficState, tick: Tick, tiles: &[TileId]) -> Vec<Vec<u8>> {
    let snapshot = state.publish(tick);
    tiles.iter().map(|tile| encode(&snapshot, *tile)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Order, repetition and publishing in between change nothing.
    #[test]
    fn a_set_of_rows_has_one_picture(
        place in 0usize..10,
        drives in drives(60),
        order in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..150),
    ) {
        let place = places()[place].1;
        let rows = rows(&cells_around(place, 1), &drives);
        let (tick, tiles) = (last_tick(&rows), tiles_around(place));
        let want = all_tiles(&mut state_of(rows.clone()), tick, &tiles);

        let mut shuffled: Vec<&Row> = rows.iter().collect();
        for (i, (other, _)) in order.iter().enumerate().take(rows.len()) {
            shuffled.swap(i, other.index(rows.len()));
        }
        let mut state = TrafficState::new(TrafficConfig::default());
        for (i, row) in shuffled.iter().enumerate() {
            state.apply((*row).clone()).unwrap();
            if let Some((again, publish)) = order.get(i) {
                state.apply(rows[again.index(i + 1)].clone()).unwrap();
                if *publish {
                    state.publish(tick);
                }
            }
        }
        prop_assert_eq!(state.position(), rows.len() as u64);
        prop_assert!(all_tiles(&mut state, tick, &tiles) == want);
    }

    /// A poller who fetches everything after every row learns only of whole companies of drivers: what
    /// is published of a cell changes, within one slot, only when three drivers who were not part of a
    /// publication before have been seen in it or beside it.
    #[test]
    fn every_change_is_of_three_drivers_or_more(drives in drives(80)) {
        let cells = cells_around(places()[0].1, 1);
        let rows = rows(&cells, &drives);
        let mut state = TrafficState::new(TrafficConfig::default());
        let mut model = Model::default();
        let (mut version, mut slot) = (state.publish(Tick::default()).version(), Slot::default());
        for row in &rows {
            let closed = model.apply(row);
            state.apply(row.clone()).unwrap();
            let snapshot = state.publish(Tick::of_unix_ms(row.folded_at_ms));
            if snapshot.slot() == slot {
                prop_assert!(snapshot.version() == version || closed);
            }
            (version, slot) = (snapshot.version(), snapshot.slot());
        }
    }

    /// What waits for company leaves no trace: change all of it, and every tile stays the same.
    #[test]
    fn what_is_not_published_cannot_be_seen(
        place in 0usize..10, drives in drives(60), duration_ms in 1_000u32..90_000, turn in 0u16..225,
    ) {
        let place = places()[place].1;
        let rows = rows(&cells_around(place, 1), &drives);
        let mut model = Model::default();
        for row in &rows {
            model.apply(row);
        }
        let mut changed = rows.clone();
        for (position, index) in model.hidden() {
            let observation = &mut changed[position as usize].observations[index];
            observation.duration_ms = duration_ms;
            // On its side of the sector's middle: that is part of where it waits.
            let middle = u16::from(observation.key.sector().number()) * 450;
            let clockwise = (observation.heading_ddeg + 3600 - middle) % 3600 < 1800;
            let side = if clockwise { middle } else { middle + 3600 - 225 };
            observation.heading_ddeg = (side + turn) % 3600;
            observation.entry = None;
        }
        let (tick, tiles) = (last_tick(&rows), tiles_around(place));
        let want = all_tiles(&mut state_of(rows), tick, &tiles);
        prop_assert!(all_tiles(&mut state_of(changed), tick, &tiles) == want);
    }

    /// An erased driver who waited for company was never there, and nothing names them any more.
    #[test]
    fn who_is_erased_leaves_nothing_that_waits(
        place in 0usize..10, drives in drives(60), at in any::<prop::sample::Index>(), driver in 0u64..6,
    ) {
        let place = places()[place].1;
        // Numbers that stand out where the state is written down.
        let name = |driver: u64| 0xd11e_0000_0000_0000 + driver;
        let mut rows = rows(&cells_around(place, 1), &drives);
        for row in &mut rows {
            row.driver = name(row.driver);
        }
        let at = at.index(rows.len() + 1);
        let later = rows.split_off(at);
        let mut model = Model::default();
        for row in &rows {
            model.apply(row);
        }
        let mut without = rows.clone();
        for (position, index) in model.hidden() {
            let row = &mut without[position as usize];
            if row.driver == name(driver) {
                row.observations[index].duration_ms = 0;
            }
        }
        let folded_at_ms = rows.last().map_or(START_MS, |row| row.folded_at_ms);
        let erasure = |forget| Row {
            position: at as u64, folded_at_ms, forget, ..Row::default()
        };
        let mut erased = state_of(rows);
        erased.apply(erasure(vec![name(driver), 1])).unwrap();
        let written = format!("{erased:?}");
        prop_assert!(!written.contains(&name(driver).to_string()));
        let mut never = state_of(without);
        never.apply(erasure(Vec::new())).unwrap();
        // Those who waited too long are let go of when somebody comes, so that a key more may be held.
        prop_assert!(erased.stats().keys <= never.stats().keys);
        let tiles = tiles_around(place);
        for row in later {
            let row = Row { position: row.position + 1, ..row };
            let tick = Tick::of_unix_ms(row.folded_at_ms);
            erased.apply(row.clone()).unwrap();
            never.apply(row).unwrap();
            prop_assert!(all_tiles(&mut erased, tick, &tiles) == all_tiles(&mut never, tick, &tiles));
        }
    }

    /// Equal tags mean equal bytes.
    #[test]
    fn a_tag_stands_for_its_tile(place in 0usize..10, drives in drives(60)) {
        let place = places()[place].1;
        let rows = rows(&cells_around(place, 1), &drives);
        let mut state = TrafficState::new(TrafficConfig::default());
        let mut seen = BTreeMap::new();
        for row in &rows {
            state.apply(row.clone()).unwrap();
            let snapshot = state.publish(Tick::of_unix_ms(row.folded_at_ms));
            for tile in tiles_around(place) {
                let bytes = encode(&snapshot, tile);
                let known = seen.entry((tile, snapshot.tile_tag(tile))).or_insert_with(|| bytes.clone());
                prop_assert_eq!(&*known, &bytes);
            }
        }
    }
}

/// A driver's slot, whether the first heading in it lies clockwise of the sector's middle, and which
/// observations of which rows.
type Share = (u32, bool, Vec<(u64, usize)>);

/// The rule of publishing, written down a second time, of names only.
#[derive(Default)]
struct Model {
    clock: u32,
    /// By key and driver.
    open: BTreeMap<u64, BTreeMap<u64, Share>>,
    shown: BTreeSet<(u64, usize)>,
    all: BTreeSet<(u64, usize)>,
}

impl Model {
    /// Closes a cohort of those who lean towards the border that a driver of `key` leans towards.
    fn close_across(&mut self, key: TrafficKey, clockwise: bool) -> bool {
        let step = if clockwise { 1 } else { 7 };
        let beside = Sector::new((key.sector().number() + step) % 8).unwrap();
        let beside = TrafficKey::new(key.cell(), beside).unwrap();
        let (near, far) = if clockwise { (key, beside) } else { (beside, key) };
        let clock = self.clock;
        let leaning = |open: Option<&BTreeMap<u64, Share>>, clockwise| -> BTreeSet<u64> {
            let live = open.into_iter().flatten().filter(|(_, share)| share.0 + 6 > clock);
            live.filter(|(_, share)| share.1 == clockwise).map(|(driver, _)| *driver).collect()
        };
        let here = leaning(self.open.get(&near.to_u64()), true);
        let there = leaning(self.open.get(&far.to_u64()), false);
        if here.union(&there).count() < 3 {
            return false;
        }
        for (key, drivers) in [(near, &here), (far, &(&there - &here))] {
            for driver in drivers {
                let (.., seen) = self.open.get_mut(&key.to_u64()).unwrap().remove(driver).unwrap();
                self.shown.extend(seen);
            }
        }
        true
    }

    /// Whether a cohort closed.
    fn apply(&mut self, row: &Row) -> bool {
        let mut closed = false;
        self.clock = self.clock.max(Slot::of_unix_ms(row.folded_at_ms).number());
        for (index, observation) in row.observations.iter().enumerate() {
            let slot = observation.slot.number();
            self.all.insert((row.position, index));
            if slot + 6 <= self.clock || slot > self.clock + 1 {
                continue;
            }
            let key = observation.key;
            let middle = u16::from(key.sector().number()) * 450;
            let clockwise = (observation.heading_ddeg + 3600 - middle) % 3600 < 1800;
            let clock = self.clock;
            let open = self.open.entry(key.to_u64()).or_default();
            open.retain(|_, (slot, ..)| *slot + 6 > clock);
            let share = open.entry(row.driver).or_insert((slot, clockwise, Vec::new()));
            if share.0 < slot {
                *share = (slot, clockwise, Vec::new());
            }
            if share.0 == slot && share.2.len() < 4 {
                share.2.push((row.position, index));
            }
            let leans = share.1;
            if open.len() >= 3 {
                let cohort = std::mem::take(open);
                self.shown.extend(cohort.into_values().flat_map(|(.., seen)| seen));
                closed = true;
            } else {
                closed |= self.close_across(key, leans);
            }
        }
        closed
    }

    fn hidden(&self) -> impl Iterator<Item = (u64, usize)> {
        self.all.difference(&self.shown).copied()
    }
}

fn company(drivers: std::ops::Range<u64>) -> Vec<Row> {
    let cells = cells_around(places()[0].1, 0);
    let seen = Seen {
        cell: 0,
        sector: 2,
        age: 0,
        duration_ms: 5_000,
        turn_ddeg: 200,
        points: Some((-200, 0)),
    };
    let drive = |driver| Drive { driver, later_ms: 1, seen: vec![seen.clone()] };
    rows(&cells, &drivers.map(drive).collect::<Vec<_>>())
}

#[test]
fn a_key_appears_with_its_third_driver_and_not_with_a_third_pass() {
    let cell = cells_around(places()[0].1, 0)[0];
    let tick = Tick::of_unix_ms(START_MS);
    let mut alone = company(0..5);
    for row in &mut alone {
        row.driver = 7;
    }
    let mut state = state_of(alone);
    assert!(state.publish(tick).is_empty());
    for mut row in company(0..2) {
        row.position += 5;
        state.apply(row).unwrap();
    }
    let traffic = state.publish(tick).cell(cell).expect("three drivers");
    assert_eq!((traffic.directions.len(), traffic.directions[0].level.drivers), (1, 3));
    // 45 m in 5 s, and what three drivers leave out of others' waits.
    assert_eq!(traffic.directions[0].level.speed_dkmh, 300);
    for resolution in 1..11 {
        let parent = cell.parent(resolution.try_into().unwrap()).unwrap();
        assert!(state.publish(tick).cell(parent).is_some(), "resolution {resolution}");
    }
}

#[test]
fn a_higher_threshold_is_kept_and_a_lower_one_refused() {
    assert!(Threshold::new(2).is_err() && Threshold::new(65).is_err());
    let config =
        TrafficConfig { threshold: Threshold::new(5).unwrap(), ..TrafficConfig::default() };
    let mut state = TrafficState::new(config);
    for (row, empty) in company(0..5).into_iter().zip([true, true, true, true, false]) {
        state.apply(row).unwrap();
        assert_eq!(state.publish(Tick::of_unix_ms(START_MS)).is_empty(), empty);
    }
}

#[test]
fn a_cohort_ages_and_expires_whole() {
    let cell = cells_around(places()[0].1, 0)[0];
    let mut state = state_of(company(0..3));
    let mut ages = Vec::new();
    for minute in (0..40).step_by(5) {
        let snapshot = state.publish(Tick::of_unix_ms(START_MS + minute * 60_000));
        ages.push(snapshot.cell(cell).map(|t| t.directions[0].level.age_min));
    }
    let want = [Some(0), Some(5), Some(10), Some(15), Some(20), Some(25), None, None];
    assert_eq!(ages, want);
}

#[test]
fn a_driver_under_two_names_is_no_company() {
    let mut state = TrafficState::new(TrafficConfig::default());
    let named = |rotation: u64, rows: &[Row]| -> Vec<Row> {
        rows.iter().map(|row| Row { rotation, ..row.clone() }).collect()
    };
    let rows = company(0..6);
    // Two wait; then names change, and each of the next two may be one of them.
    for row in named(7, &rows[..2]).into_iter().chain(named(8, &rows[2..4])) {
        state.apply(row).unwrap();
        assert!(state.publish(Tick::of_unix_ms(START_MS)).is_empty());
    }
    for row in named(8, &rows[4..]) {
        state.apply(row).unwrap();
    }
    assert!(!state.publish(Tick::of_unix_ms(START_MS)).is_empty());
    // What is published is whole cohorts of other people: it stays.
    state
        .apply(Row { position: 6, rotation: 9, folded_at_ms: START_MS, ..Row::default() })
        .unwrap();
    assert!(!state.publish(Tick::of_unix_ms(START_MS)).is_empty());
}

#[test]
fn rows_wait_for_their_predecessors_within_bounds() {
    let config = TrafficConfig { max_waiting_rows: 1, ..TrafficConfig::default() };
    let mut state = TrafficState::new(config);
    let rows = company(0..4);
    for (row, want) in [
        (&rows[2], Ok(Applied::Waiting)),
        (&rows[2], Ok(Applied::Repeat)),
        (&rows[3], Err(WaitingFull { position: 3, expected: 0 })),
        (&rows[0], Ok(Applied::Applied)),
        (&rows[0], Ok(Applied::Repeat)),
        (&rows[1], Ok(Applied::Applied)),
        (&rows[3], Ok(Applied::Applied)),
    ] {
        assert_eq!(state.apply(row.clone()), want);
    }
    assert_eq!(state.position(), 4);
    assert!(!state.publish(Tick::of_unix_ms(START_MS)).is_empty());
}

#[test]
fn keys_are_bounded_and_forgotten() {
    let config = TrafficConfig { max_keys: 1, ..TrafficConfig::default() };
    let mut state = TrafficState::new(config);
    let cells = cells_around(places()[0].1, 1);
    let seen =
        |cell| Seen { cell, sector: 0, age: 0, duration_ms: 9_000, turn_ddeg: 200, points: None };
    let drive = |later_ms, cell| Drive { driver: 1, later_ms, seen: vec![seen(cell)] };
    for row in rows(&cells, &[drive(0, 0), drive(0, 1), drive(3_600_000, 2)]) {
        state.apply(row).unwrap();
    }
    let stats = state.stats();
    assert_eq!((stats.keys, stats.crowded_out_observations), (1, 1));
}

/// A line of one shard ends where one of the next shard begins: a cohort there changes it too.
#[test]
fn publishing_step_by_step_shows_what_publishing_at_once_shows() {
    let place = places().into_iter().find(|(name, _)| *name == "shard corner").unwrap().1;
    let cells = cells_around(place, 2);
    let tick = Tick::of_unix_ms(START_MS);
    let seen = |cell, east_dm| Seen {
        cell,
        sector: 2,
        age: 0,
        duration_ms: 5_000,
        turn_ddeg: 200,
        points: Some((east_dm, 40)),
    };
    let mut drives = Vec::new();
    for cell in (0..cells.len()).chain(0..cells.len()) {
        let east_dm = -180 - 40 * (drives.len() / 3 / cells.len()) as i16 - cell as i16;
        drives.extend((0..3).map(|driver| Drive {
            driver,
            later_ms: 0,
            seen: vec![seen(cell, east_dm)],
        }));
    }
    let rows = rows(&cells, &drives);
    let mut stepwise = TrafficState::new(TrafficConfig::default());
    for row in &rows {
        stepwise.apply(row.clone()).unwrap();
        stepwise.publish(tick);
    }
    let at_once = state_of(rows).publish(tick);
    assert_eq!(stepwise.publish(tick).version(), at_once.version());
}

/// Forty roads far apart, published by one thread and by several.
#[test]
fn how_many_threads_publish_changes_nothing() {
    let observe_at = |place: i32| {
        let at =
            hexmile_trace::Position::from_e6(10_000_000 + place * 400_000, 20_000_000).unwrap();
        let cells = cells_around(at, 1);
        let seen = (0..cells.len()).map(|cell| Seen {
            cell,
            sector: 2,
            age: 0,
            duration_ms: 4_000,
            turn_ddeg: 0,
            points: Some((-200, 0)),
        });
        let seen: Vec<_> = seen.collect();
        let drives: Vec<_> =
            (0..3).map(|driver| Drive { driver, later_ms: 1, seen: seen.clone() }).collect();
        rows(&cells, &drives)
    };
    let all: Vec<Row> = (0..40).flat_map(observe_at).collect();
    let publish = |threads: usize| {
        let threads = std::num::NonZeroUsize::new(threads).unwrap();
        let mut state = TrafficState::new(TrafficConfig { threads, ..TrafficConfig::default() });
        for (position, row) in (0..).zip(all.clone()) {
            state.apply(Row { position, ..row }).unwrap();
        }
        state.publish(last_tick(&all))
    };
    let (one, several) = (publish(1), publish(3));
    assert_eq!((one.line_count(), one.version()), (several.line_count(), several.version()));
    assert!(one.line_count() >= 40 * 7);
}
