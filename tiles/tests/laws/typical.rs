//! Typical traffic: what is published of it, and of whom.

use std::collections::{BTreeMap, BTreeSet};

use h3o::{CellIndex, LatLng, Resolution};
use hexmile_tiles::{
    Closures, Compacted, Compaction, Observation, Sector, Slot, Snapshot, Threshold, TileId,
    TrafficKey, Typical, TypicalBuilder, TypicalConfig, UnpackError, WeekSlot, encode,
};
use proptest::prelude::*;

/// Row: position, driver, passes as (cell, sector, slot, seconds).
type Drive = (u64, u64, Vec<(usize, u8, u32, u32)>);

/// Monday 00:00 of some week, in slots.
const MONDAY: u32 = 2016 * 2950 + 288 * 4;

fn cells() -> Vec<CellIndex> {
    let at = LatLng::new(48.2, 16.4).unwrap().to_cell(Resolution::Eleven);
    at.grid_disk::<Vec<_>>(1)
}

/// Local time is that of the slots themselves here.
fn week(_: CellIndex, slot: Slot) -> WeekSlot {
    WeekSlot::new(((slot.number() - MONDAY) % u32::from(WeekSlot::COUNT)) as u16).unwrap()
}

fn observations(passes: &[(usize, u8, u32, u32)]) -> Vec<Observation> {
    let cells = cells();
    let observation = |&(cell, sector, slot, seconds): &(usize, u8, u32, u32)| Observation {
        key: TrafficKey::new(cells[cell % cells.len()], Sector::new(sector % 8).unwrap()).unwrap(),
        slot: Slot::new(MONDAY + slot),
        distance_cm: 5_000,
        duration_ms: seconds * 1_000,
        heading_ddeg: u16::from(sector % 8) * 450,
        entry: None,
        exit: None,
    };
    passes.iter().map(observation).collect()
}

fn compact(drives: &[Drive], waiting: &BTreeMap<u64, Vec<u8>>, from: u64) -> Compacted {
    let mut compaction = Compaction::new(Threshold::MIN);
    for (position, driver, passes) in drives {
        let waits = waiting.get(position).map(Vec::as_slice);
        if waits.is_some() || *position >= from {
            compaction.add(*position, *driver, &observations(passes), waits, week).unwrap();
        }
    }
    compaction.finish()
}

fn typical(parts: impl IntoIterator<Item = Vec<u8>>) -> Typical {
    let mut builder = TypicalBuilder::default();
    for part in parts {
        builder.add(&part).unwrap();
    }
    builder.build()
}

fn snapshot(typical: &Typical, at: WeekSlot) -> Snapshot {
    let places = typical.near(TileId::new(0, 0, 0).unwrap());
    Snapshot::of_sections(
        places.iter().filter_map(|cell| typical.section(*cell, at)).collect(),
        Closures::default(),
    )
}

fn drives() -> impl Strategy<Value = Vec<Drive>> {
    let pass = (0usize..3, 0u8..2, 0u32..4032, 2u32..60);
    let drive = (0u64..12, proptest::collection::vec(pass, 0..8));
    proptest::collection::vec(drive, 0..40).prop_map(|drives| {
        (0..).zip(drives).map(|(position, (driver, passes))| (position, driver, passes)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_rows_changes_nothing(mut drives in drives(), seed in any::<u64>()) {
        let once = compact(&drives, &BTreeMap::new(), 0);
        drives.sort_by_key(|(position, ..)| (position ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(compact(&drives, &BTreeMap::new(), 0), once);
    }

    /// However the log is cut into compactions, a key is published in the company of five alone.
    #[test]
    fn a_key_shows_only_where_five_distinct_drivers_were(drives in drives(), cut in 0usize..40) {
        let mut drivers: BTreeMap<TrafficKey, BTreeSet<u64>> = BTreeMap::new();
        for (_, driver, passes) in &drives {
            for observation in observations(passes) {
                drivers.entry(observation.key).or_default().insert(*driver);
            }
        }
        let cut = cut.min(drives.len());
        let first = compact(&drives[..cut], &BTreeMap::new(), 0);
        let second = compact(&drives, &first.waiting, cut as u64);
        let shown = typical(first.parts.into_iter().chain(second.parts));
        let want = drivers.values().filter(|drivers| drivers.len() >= 5).count();
        prop_assert!(shown.key_count() <= want);
        prop_assert!(second.waiting.keys().all(|position| *position < drives.len() as u64));
        for (key, drivers) in &drivers {
            let shown = snapshot(&shown, WeekSlot::default()).cell(key.cell());
            let is_shown = shown.is_some_and(|cell| {
                cell.directions.iter().any(|d| d.sectors.contains(&key.sector()))
            });
            prop_assert!(!is_shown || drivers.len() >= 5, "{} drivers", drivers.len());
        }
    }

    /// Any bytes are a part or an error, and what is read is what was written.
    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut builder = TypicalBuilder::default();
        let _ = builder.add(&bytes);
        let mut versioned = vec![1];
        versioned.extend(&bytes);
        let _ = builder.add(&versioned);
        let typical = builder.build();
        for cell in typical.cells() {
            let _ = typical.section(cell, WeekSlot::default());
        }
        let mut compaction = Compaction::new(Threshold::MIN);
        let _ = compaction.add(0, 0, &observations(&[(0, 0, 0, 5)]), Some(&bytes), week);
    }
}

/// Seven drivers on Monday at eight, each at 10 km/h, and seven at noon at 50.
fn monday() -> Vec<Drive> {
    (0..14)
        .map(|i| {
            let (slot, seconds) = if i < 7 { (8 * 12, 18) } else { (12 * 12, 4) };
            (i, i, vec![(0, 2, slot, seconds)])
        })
        .collect()
}

#[test]
fn each_slot_of_the_week_has_its_own_speed() {
    let typical = typical(compact(&monday(), &BTreeMap::new(), 0).parts);
    let kmh = |day: u8, hour: u16| {
        let snapshot = snapshot(&typical, WeekSlot::of_day(day, hour * 60).unwrap());
        let cell = snapshot.cell(cells()[0]).unwrap();
        let [direction] = &cell.directions[..] else { panic!("one way") };
        (f64::from(direction.level.speed_dkmh) / 10.0, direction.level.confidence)
    };
    let ((morning, _), (noon, sure), (night, unsure)) = (kmh(0, 8), kmh(0, 12), kmh(6, 3));
    assert!(morning < 16.0 && noon > 24.0 && sure > 1, "{morning} {noon} {sure}");
    assert!(morning < night && night < noon && unsure == 1, "{night} {unsure}");
}

#[test]
fn a_tile_of_a_slot_draws_what_the_cell_says() {
    let typical = typical(compact(&monday(), &BTreeMap::new(), 0).parts);
    let at = LatLng::from(cells()[0]);
    let position = hexmile_trace::Position::from_rad(at.lat_radians(), at.lng_radians());
    for zoom in [0, 6, 8, 12, 14] {
        let tile = TileId::of_position(zoom, position).unwrap();
        let sections = typical
            .near(tile)
            .into_iter()
            .filter_map(|cell| typical.section(cell, WeekSlot::default()));
        let near = Snapshot::of_sections(sections.collect(), Closures::default());
        let whole = snapshot(&typical, WeekSlot::default());
        assert_eq!(encode(&near, tile), encode(&whole, tile), "zoom {zoom}");
        assert!(!encode(&near, tile).is_empty(), "zoom {zoom}");
    }
    let away = TileId::new(14, 3, 3).unwrap();
    assert!(typical.near(away).is_empty());
}

#[test]
fn four_drivers_are_never_published_however_often_they_drive() {
    let drives: Vec<Drive> =
        (0..400).map(|i| (i, i % 4, vec![(0, 0, (i * 7 % 2016) as u32, 5)])).collect();
    let compacted = compact(&drives, &BTreeMap::new(), 0);
    assert!(compacted.parts.is_empty());
    assert_eq!(compacted.waiting.len(), 400);
    // The fifth brings all of them out.
    let mut more = drives.clone();
    more.push((400, 4, vec![(0, 0, 9, 5)]));
    let compacted = compact(&more, &compacted.waiting, 400);
    assert_eq!(compacted.cohorts, 1);
    assert!(compacted.waiting.len() < 400);
}

#[test]
fn no_more_is_held_than_was_allowed_and_what_is_left_out_is_counted() {
    // Five drivers in each of three cells, at each of 200 slots of two days, an hour at the least apart.
    let drives: Vec<Drive> = (0..5 * 3 * 200)
        .map(|i| {
            let (driver, cell, slot) = (i % 5, i / 5 % 3, i / 15);
            (i, driver, vec![(cell as usize, 0, (slot * 29) as u32 % 4032, 5)])
        })
        .collect();
    let parts = compact(&drives, &BTreeMap::new(), 0).parts;
    let build = |max_keys, max_sums| {
        let mut builder = TypicalBuilder::new(TypicalConfig { max_keys, max_sums });
        for part in &parts {
            builder.add(part).unwrap();
        }
        builder.build()
    };
    let (all, two, coarse) = (build(3, 10_000), build(2, 10_000), build(3, 120));
    assert_eq!((all.key_count(), all.crowded_out()), (3, 0));
    assert_eq!(two.key_count(), 2);
    assert!(two.crowded_out() > 0);
    assert_eq!(two.sum_count() + two.crowded_out() as usize, all.sum_count());
    assert!(all.sum_count() > 300 && coarse.sum_count() <= 120, "{}", all.sum_count());
    // What became one says the same of the day as a whole.
    let kmh = |typical: &Typical| {
        snapshot(typical, WeekSlot::default()).cell(cells()[0]).unwrap().directions[0]
            .level
            .speed_dkmh
    };
    assert!(kmh(&all).abs_diff(kmh(&coarse)) <= 10, "{} {}", kmh(&all), kmh(&coarse));
    // Below what each key keeps it is not brought.
    assert_eq!(build(3, 0).sum_count(), build(3, 3).sum_count());
}

#[test]
fn a_part_that_is_damaged_is_refused_whole() {
    let parts = compact(&monday(), &BTreeMap::new(), 0).parts;
    let [part] = &parts[..] else { panic!("one part") };
    for end in 0..part.len() {
        let mut builder = TypicalBuilder::default();
        assert!(builder.add(&part[..end]).is_err(), "{end}");
        assert!(builder.build().is_empty());
    }
    let mut newer = part.clone();
    newer[0] = 9;
    assert_eq!(TypicalBuilder::default().add(&newer), Err(UnpackError::Version(9)));
}

#[test]
fn who_waits_is_kept_for_others_of_the_same_hour_for_a_week() {
    // Two at eight and three at noon: no cohort, until a pass of a week later shows how long they have waited.
    let mut drives: Vec<Drive> =
        (0..5).map(|i| (i, i, vec![(0, 0, if i < 2 { 8 * 12 } else { 12 * 12 }, 5)])).collect();
    let first = compact(&drives, &BTreeMap::new(), 0);
    assert_eq!((first.cohorts, first.waiting.len()), (0, 5));
    // Three more at eight on another day: a cohort of that hour.
    let mut soon = drives.clone();
    soon.extend((5..8).map(|i| (i, i, vec![(0, 0, 288 + 8 * 12 + 3, 5)])));
    let second = compact(&soon, &first.waiting, 5);
    assert_eq!(
        (second.cohorts, second.waiting.keys().copied().collect::<Vec<_>>()),
        (1, vec![2, 3, 4])
    );
    drives.push((5, 9, vec![(1, 0, 2016 + 12 * 12 + 1, 5)]));
    let later = compact(&drives, &first.waiting, 5);
    assert_eq!((later.cohorts, later.waiting.keys().copied().collect::<Vec<_>>()), (1, vec![5]));
}
