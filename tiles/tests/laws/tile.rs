//! Laws of tiles, seen through a decoder that is not ours.

use crate::world::{
    Drive, Seen, cells_around, decode, drives, last_tick, places, rows, state_of, tiles_around,
};
use hexmile_tiles::{CONFIDENCE_BOUNDS_PERCENT, LAYERS, TileId, TileIdError, encode};
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
