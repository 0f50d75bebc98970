//! Closed roads in tiles and cells, seen through a decoder that is not ours.

use std::sync::Arc;

use hexmile_tiles::{
    Closure, ClosureError, Closures, OBSERVATION_RESOLUTION, Snapshot, Tick, TileId, TrafficConfig,
    TrafficState, encode,
};
use hexmile_trace::Position;

use crate::world::{START_MS, Shape, decode, places};

const HOUR_MS: u64 = 3_600_000;

/// 900 m through a place, eastwards, for an hour from [`START_MS`] on.
fn closure(id: &str, place: Position, both_ways: bool) -> Result<Closure, ClosureError> {
    let path: Vec<Position> = [-450.0, 0.0, 450.0]
        .into_iter()
        .map(|metres: f64| place.destination(if metres < 0.0 { 270.0 } else { 90.0 }, metres.abs()))
        .collect();
    Closure::new(
        id.to_owned(),
        "bridge works".to_owned(),
        &path,
        both_ways,
        START_MS,
        START_MS + HOUR_MS,
    )
}

fn publish(closures: Vec<Closure>, at_ms: u64) -> Arc<Snapshot> {
    let mut state = TrafficState::new(TrafficConfig::default());
    state.set_closures(Closures::new(closures.into_iter().map(Arc::new).collect()));
    state.publish(Tick::of_unix_ms(at_ms))
}

fn closed(snapshot: &Snapshot, tile: TileId) -> Vec<Shape> {
    let bytes = encode(snapshot, tile);
    let shapes = if bytes.is_empty() { Vec::new() } else { decode(&bytes, tile) };
    shapes.into_iter().filter(|shape| shape.layer == "closures").collect()
}

#[test]
fn a_closed_road_shows_everywhere_while_it_is_closed() {
    for (name, place) in places() {
        let closure = || closure("a1", place, false).unwrap();
        let during = publish(vec![closure()], START_MS + 60_000);
        let after = publish(vec![closure()], START_MS + HOUR_MS);
        let on_map = place.lat_e6().abs() < 85_000_000;
        for z in 0..=14 {
            let tile = TileId::of_position(z, place).unwrap();
            let shapes = closed(&during, tile);
            assert!(!on_map || shapes.is_empty() == (z < 6), "{name}, zoom {z}");
            assert!(closed(&after, tile).is_empty(), "{name}, zoom {z}");
            for shape in shapes {
                assert_eq!(shape.numbers["until"], (START_MS + HOUR_MS) / 1000);
                let (first, last) = (shape.points[0], shape.points[shape.points.len() - 1]);
                assert!(first.0 < last.0, "{name}, zoom {z}: not eastwards");
                assert_ne!(during.tile_tag(tile), after.tile_tag(tile), "{name}, zoom {z}");
            }
        }
        let cell = h3o::LatLng::from_radians(place.lat_rad(), place.lon_rad()).unwrap();
        let through = |snapshot: &Snapshot, resolution: h3o::Resolution| {
            snapshot.closures().through(cell.to_cell(resolution)).count()
        };
        for resolution in [OBSERVATION_RESOLUTION, h3o::Resolution::Nine] {
            assert_eq!(
                (through(&during, resolution), through(&after, resolution)),
                (1, 0),
                "{name}"
            );
        }
    }
}

#[test]
fn both_ways_are_two_lines_and_the_order_of_declaring_changes_nothing() {
    let place = places()[0].1;
    let tile = TileId::of_position(12, place).unwrap();
    let [a, b] = ["a", "b"].map(|id| closure(id, place, id == "b").unwrap());
    let (one, other) =
        (publish(vec![a.clone(), b.clone()], START_MS), publish(vec![b, a], START_MS));
    assert_eq!(closed(&one, tile).len(), 3);
    assert_eq!(encode(&one, tile), encode(&other, tile));
    assert_eq!((one.version(), one.tile_tag(tile)), (other.version(), other.tile_tag(tile)));
    assert!(one.tiles(14).contains(&tile));
}

#[test]
fn what_cannot_be_drawn_is_refused_with_what_is_wrong() {
    let place = places()[0].1;
    let new = |path: &[Position], reason: &str, until_ms: u64| {
        Closure::new("a".to_owned(), reason.to_owned(), path, true, START_MS, until_ms).err()
    };
    let path = [place, place.destination(90.0, 500.0)];
    let until = START_MS + 1;
    assert_eq!(new(&path, "x", until), None);
    assert_eq!(new(&path[..1], "x", until), Some(ClosureError::Points(1)));
    assert_eq!(new(&[place; 501], "x", until), Some(ClosureError::Points(501)));
    assert_eq!(new(&[place; 2], "x", until), Some(ClosureError::Length(0.0)));
    assert!(matches!(
        new(&[place, place.destination(0.0, 100_100.0)], "x", until),
        Some(ClosureError::Length(m)) if m > 100_000.0
    ));
    assert_eq!(
        new(&path, "x", START_MS),
        Some(ClosureError::Times { from_ms: START_MS, until_ms: START_MS })
    );
    assert_eq!(new(&path, "", until), Some(ClosureError::Reason(0)));
    assert_eq!(new(&path, &"x".repeat(201), until), Some(ClosureError::Reason(201)));
}
