//! Laws of tiles, seen through a decoder that is not ours.

use crate::world::{
    Drive, START_MS, Seen, cells_around, decode, drives, last_tick, places, rows, state_of,
    tiles_around,
};
use hexmile_tiles::{
    CONFIDENCE_BOUNDS_PERCENT, LAYERS, Row, Tick, TileId, TileIdError, encode, observe,
};
use hexmile_trace::{Fix, FixParts};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_tile_decodes_and_is_in_range(place in 0usize..10, drives in drives(80)) {
        let place = places()[place].1;
        let rows = rows(&cells_around(place, 1), &drives);
        let tick = last_tick(&rows);
        let snapshot = state_of(rows).publish(tick);
        for tile in tiles_around(place) {
            let bytes = encode(&snapshot, tile);
            if !bytes.is_empty() {
                prop_assert!(!decode(&bytes, tile).is_empty());
            }
        }
    }
}

/// Three drivers eastwards through all cells within two rings of a place.
fn snapshot_at(place: hexmile_trace::Position) -> std::sync::Arc<hexmile_tiles::Snapshot> {
    let cells = cells_around(place, 2);
    let seen = (0..cells.len()).map(|cell| Seen {
        cell,
        sector: 2,
        age: 0,
        duration_ms: 4_000,
        turn_ddeg: 200,
        points: Some((-200, 0)),
    });
    let seen: Vec<_> = seen.collect();
    let drives: Vec<_> =
        (0..3).map(|driver| Drive { driver, later_ms: 1, seen: seen.clone() }).collect();
    let rows = rows(&cells, &drives);
    let tick = last_tick(&rows);
    state_of(rows).publish(tick)
}

#[test]
fn every_special_place_is_on_the_map() {
    for (name, place) in places() {
        let snapshot = snapshot_at(place);
        let cell = cells_around(place, 0)[0];
        assert!(snapshot.cell(cell).is_some(), "{name}");
        let on_map = place.lat_e6().abs() < 85_000_000;
        for z in 0..=14 {
            let tile = TileId::of_position(z, place).unwrap();
            let bytes = encode(&snapshot, tile);
            let shapes = if bytes.is_empty() { vec![] } else { decode(&bytes, tile) };
            let has = |layer: &str| shapes.iter().any(|shape| shape.layer == layer);
            if on_map {
                assert_eq!(has("traffic_hex"), z <= 10, "{name} z{z}");
                assert!(has("traffic") || z < 9, "{name} z{z}");
            }
            if z >= 5 && !on_map && place.lat_e6().abs() > 86_000_000 {
                assert!(!has("traffic"), "{name} z{z}");
            }
        }
    }
}

/// A cell that holds a pole reaches along the whole edge of the map.
#[test]
fn a_polar_cell_spans_the_map() {
    let snapshot = snapshot_at(places()[3].1);
    let tile = TileId::new(0, 0, 0).unwrap();
    let shapes = decode(&encode(&snapshot, tile), tile);
    let xs = shapes.iter().flat_map(|shape| &shape.points).map(|p| p.0);
    assert_eq!((xs.clone().min(), xs.max()), (Some(-64), Some(4160)));
}

/// What neighbouring tiles show of the strip that both hold is the same, to the unit.
#[test]
fn there_are_no_seams() {
    // The corner of four tiles, and the antimeridian.
    for (name, place) in [places()[1], places()[2]] {
        let snapshot = snapshot_at(place);
        for z in [1, 5, 9, 11, 13, 14] {
            let end = 1u32 << z;
            let east = TileId::of_position(z, place).unwrap();
            let west = TileId::new(z, (east.x() + end - 1) % end, east.y()).unwrap();
            let inside = |tile: TileId, shift: i32, range: std::ops::Range<i32>| {
                let mut shapes: Vec<_> = decode(&encode(&snapshot, tile), tile)
                    .into_iter()
                    .filter(|shape| shape.layer == "traffic")
                    .map(|shape| shape.points.into_iter().map(|(x, y)| (x + shift, y)).collect())
                    .filter(|points: &Vec<(i32, i32)>| points.iter().all(|p| range.contains(&p.0)))
                    .collect();
                shapes.sort();
                shapes
            };
            let (left, right) = (inside(west, 0, 4040..4152), inside(east, 4096, 4040..4152));
            assert_eq!(left, right, "{name} z{z}");
            assert!(!left.is_empty() || z < 14, "{name} z{z}");
        }
    }
}

#[test]
fn tiles_out_of_range_are_refused() {
    for (z, x, y, want) in [
        (15, 0, 0, TileIdError::Zoom(15)),
        (255, 0, 0, TileIdError::Zoom(255)),
        (0, 1, 0, TileIdError::Place { z: 0, x: 1, y: 0 }),
        (14, 0, 16384, TileIdError::Place { z: 14, x: 0, y: 16384 }),
        (3, u32::MAX, 0, TileIdError::Place { z: 3, x: u32::MAX, y: 0 }),
    ] {
        assert_eq!(TileId::new(z, x, y), Err(want));
    }
}

#[test]
fn resolutions_follow_the_formula() {
    for z in 0..=14u8 {
        let want = (4.0 + (f64::from(z) - 4.0) / 1.404).round().clamp(1.0, 11.0) as u8;
        assert_eq!(TileId::new(z, 0, 0).unwrap().resolution(), want, "z{z}");
    }
}

/// The page that describes the tiles names each layer and field, and states the bounds in force.
#[test]
fn the_page_says_what_tiles_hold() {
    let page = include_str!("../../../docs/tiles.md");
    let row = |name: &str| page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
    for layer in &LAYERS {
        let zooms = format!("| {} to {} |", layer.min_zoom, layer.max_zoom);
        assert!(row(layer.id).is_some_and(|row| row.contains(&zooms)), "{}", layer.id);
        for field in layer.fields {
            let kind = if field.kind == "String" { "| text |" } else { "| number |" };
            assert!(row(field.name).is_some_and(|row| row.contains(kind)), "{}", field.name);
        }
    }
    let conf = LAYERS[0].fields.iter().find(|field| field.name == "conf").unwrap();
    for (level, bound) in (1..).zip(CONFIDENCE_BOUNDS_PERCENT) {
        assert!(page.contains(&format!("| {level} | {bound} % |")), "{level}");
        assert!(conf.description.contains(&format!("{bound} % ({level})")), "{level}");
    }
}

/// A drive of 1,430 m through a place at 12 m/s.
pub(crate) fn drive_through(place: hexmile_trace::Position, bearing_deg: f64) -> Vec<Fix> {
    let mut at = place.destination(bearing_deg + 180.0, 700.0);
    (0..120u64)
        .map(|i| {
            let time_ms = START_MS + i * 1000;
            let (lat_e6, lon_e6) = (at.lat_e6(), at.lon_e6());
            at = at.destination(bearing_deg, 12.0);
            Fix::from_parts(&FixParts { time_ms, lat_e6, lon_e6, ..FixParts::default() }).unwrap()
        })
        .collect()
}

/// What is published of drives, each by so many drivers.
pub(crate) fn snapshot_of(drives: &[(u64, Vec<Fix>)]) -> std::sync::Arc<hexmile_tiles::Snapshot> {
    let folded_at_ms = START_MS + 120_000;
    let all = drives.iter().flat_map(|(drivers, fixes)| (0..*drivers).map(move |_| observe(fixes)));
    let rows = (0..).zip(all).map(|(position, observations)| Row {
        position,
        driver: position,
        folded_at_ms,
        observations,
        ..Row::default()
    });
    state_of(rows).publish(Tick::of_unix_ms(folded_at_ms))
}

fn road_at(place: hexmile_trace::Position) -> std::sync::Arc<hexmile_tiles::Snapshot> {
    snapshot_of(&[(3, drive_through(place, 90.0))])
}

/// Metres of line in the tile of zoom 14 around a place and its neighbours, by heading: east, west.
fn drawn_m(snapshot: &hexmile_tiles::Snapshot, place: hexmile_trace::Position) -> (f64, f64) {
    let unit_m = 40_030_000.0 * libm::cos(place.lat_rad()) / f64::from(1u32 << 26);
    let (mut eastwards, mut westwards) = (0.0, 0.0);
    for tile in tiles_around(place).into_iter().filter(|tile| tile.z() == 14) {
        let bytes = encode(snapshot, tile);
        for shape in if bytes.is_empty() { Vec::new() } else { decode(&bytes, tile) } {
            for ends in shape.points.windows(2) {
                let east = |p: (i32, i32)| p.0.clamp(0, 4096);
                let metres = f64::from(east(ends[1]) - east(ends[0])) * unit_m;
                if (0..4096).contains(&ends[0].1) {
                    *if metres > 0.0 { &mut eastwards } else { &mut westwards } += metres.abs();
                }
            }
        }
    }
    (eastwards, westwards)
}

/// A road is drawn once each way; what a few positions in error leave beside a busy one is counted in
/// its cells and not drawn, and a road of its own is, where it is far enough or busy enough.
#[test]
fn each_road_is_drawn_once() {
    let place = places()[0].1;
    let beside = |metres: f64| place.destination(0.0, metres);
    let length = 1_300.0..1_460.0;
    for (drives, want) in [
        (vec![(9, 0.0, 90.0)], (1, 0)),
        // Both ways, as near as two lanes lie.
        (vec![(9, 0.0, 90.0), (9, 6.0, 270.0)], (1, 1)),
        // Two lanes of the same way, in whichever cells.
        (vec![(9, 0.0, 90.0), (6, 9.0, 90.0)], (1, 0)),
        // Positions in error, and a street.
        (vec![(27, 0.0, 90.0), (3, 40.0, 90.0)], (1, 0)),
        (vec![(9, 0.0, 90.0), (6, 40.0, 90.0)], (2, 0)),
        (vec![(27, 0.0, 90.0), (3, 120.0, 90.0)], (2, 0)),
    ] {
        let driven: Vec<_> = drives
            .iter()
            .map(|(drivers, aside_m, bearing)| {
                (*drivers, drive_through(beside(*aside_m), *bearing))
            })
            .collect();
        let snapshot = snapshot_of(&driven);
        let (eastwards, westwards) = drawn_m(&snapshot, place);
        let count = |metres: f64| (0..3).find(|n| metres < length.end * f64::from(*n) + 1.0);
        assert_eq!(
            (count(eastwards), count(westwards)),
            (Some(want.0), Some(want.1)),
            "{drives:?} {eastwards}"
        );
        assert!(eastwards >= length.start * f64::from(want.0), "{drives:?}: {eastwards} m");
        for (_, fixes) in &driven {
            let counted = observe(fixes).iter().all(|o| snapshot.cell(o.key.cell()).is_some());
            assert!(counted, "{drives:?}");
        }
    }
}

/// A straight road is one unbroken line over every border of tiles, cells and shards: all that is drawn
/// of it in tiles of zoom 14, each cut at its own edges, covers it from one end to the other, and lies
/// on it.
#[test]
fn a_road_is_unbroken_over_every_border() {
    // Poles and the map's edge apart: eastwards is no straight road there.
    for (name, place) in places().into_iter().filter(|(_, p)| p.lat_e6().abs() < 80_000_000) {
        let snapshot = road_at(place);
        let middle = TileId::of_position(14, place).unwrap();
        // Units of the tile in the middle, eastwards; the road is shorter than a tile.
        let mut covered = Vec::new();
        for (dx, dy) in (0..9).map(|i| (i % 3 - 1, i / 3 - 1)) {
            let x = (i64::from(middle.x()) + dx).rem_euclid(1 << 14) as u32;
            let tile = TileId::new(14, x, (i64::from(middle.y()) + dy) as u32).unwrap();
            let bytes = encode(&snapshot, tile);
            for shape in if bytes.is_empty() { Vec::new() } else { decode(&bytes, tile) } {
                for ends in shape.points.windows(2) {
                    let is_mine = |y: i32| (0..=4096).contains(&y);
                    if is_mine(ends[0].1) || is_mine(ends[1].1) {
                        let east = |p: (i32, i32)| p.0.clamp(0, 4096) + dx as i32 * 4096;
                        covered.push((
                            east(ends[0]).min(east(ends[1])),
                            east(ends[0]).max(east(ends[1])),
                        ));
                    }
                }
            }
        }
        covered.sort_unstable();
        let mut reached = covered[0].0;
        for (from, to) in &covered {
            // The grid of lines at this zoom is four units.
            assert!(*from <= reached + 4, "{name}: a gap from {reached} to {from}");
            reached = reached.max(*to);
        }
        let unit_m = 40_030_000.0 * libm::cos(place.lat_rad()) / f64::from(1u32 << 26);
        let drawn_m = f64::from(reached - covered[0].0) * unit_m;
        assert!((1_300.0..1_460.0).contains(&drawn_m), "{name}: {drawn_m} m");
    }
}
