//! Roads where the map is awkward: over borders of tiles, the antimeridian, pentagons, and up to the
//! edge of the map; through a decoder that is not ours.

use std::sync::Arc;

use h3o::{CellIndex, LatLng, Resolution};
use hexmile_tiles::{Snapshot, TileId, encode};
use hexmile_trace::Position;
use proptest::prelude::*;

use crate::{
    tile::{drive_through, snapshot_of},
    world::{Shape, decode},
};

/// Half the length of the drives, metres.
const HALF_M: f64 = 700.0;

type Point = (f64, f64);

/// On a border of tiles of a zoom, whose corners and the antimeridian are among them, from 0 to 1 along
/// it; up to some 84 degrees from the equator.
fn on_border(z: u8, x: u32, y: u32, along: f64, upright: bool) -> Position {
    let end = 1u32 << z;
    let (x, y) = (f64::from(x % end), f64::from(end / 50 + y % (end - end / 25)));
    let (x, y) = if upright { (x, y + along) } else { (x + along, y) };
    let part = |n: f64| n / f64::from(end);
    let lat_rad = libm::atan(libm::sinh((0.5 - part(y)) * std::f64::consts::TAU));
    Position::from_rad(lat_rad, (part(x) - 0.5) * std::f64::consts::TAU)
}

fn border() -> impl Strategy<Value = Position> {
    let zoom = prop_oneof![Just(8u8), Just(12), Just(14)];
    let x = prop_oneof![1 => Just(0u32), 3 => any::<u32>()];
    let along = prop_oneof![1 => Just(0.0), 3 => 0.0..1.0f64];
    (zoom, x, any::<u32>(), along, any::<bool>())
        .prop_map(|(z, x, y, along, upright)| on_border(z, x, y, along, upright))
}

/// On or beside a pentagon of a resolution from 6 to 11.
fn pentagon() -> impl Strategy<Value = Position> {
    (0usize..12, 6u8..=11, 0.0..360.0f64, 0.0..60.0f64).prop_map(|(i, resolution, bearing, off)| {
        let resolution = Resolution::try_from(resolution).unwrap();
        place(resolution.pentagons().nth(i).unwrap()).destination(bearing, off)
    })
}

fn place(cell: CellIndex) -> Position {
    let at = LatLng::from(cell);
    Position::from_rad(at.lat_radians(), at.lng_radians())
}

fn anywhere() -> impl Strategy<Value = Position> {
    prop_oneof![3 => border(), 1 => pentagon()]
}

fn road(at: Position, bearing_deg: f64) -> Arc<Snapshot> {
    snapshot_of(&[(3, drive_through(at, bearing_deg))])
}

fn shapes(snapshot: &Snapshot, tile: TileId) -> Vec<Shape> {
    let bytes = encode(snapshot, tile);
    if bytes.is_empty() { Vec::new() } else { decode(&bytes, tile) }
}

/// The tile beside another one, if there is one.
fn beside(tile: TileId, dx: i64, dy: i64) -> Option<TileId> {
    let end = 1i64 << tile.z();
    let x = (i64::from(tile.x()) + dx).rem_euclid(end) as u32;
    let y = u32::try_from(i64::from(tile.y()) + dy).ok()?;
    TileId::new(tile.z(), x, y).ok()
}

/// Metres in a unit of a tile.
fn unit_m(z: u8, at: Position) -> f64 {
    40_030_230.0 * libm::cos(at.lat_rad()) / 4096.0 / f64::from(1u32 << z)
}

/// The tile that a place is in, and all around it that the road may reach, with how many tiles east and
/// south each is.
fn around(z: u8, at: Position) -> Vec<(TileId, Point)> {
    let middle = TileId::of_position(z, at).unwrap();
    let reach = ((HALF_M + 100.0) / unit_m(z, at) / 4096.0).ceil() as i64;
    let side = 2 * reach + 1;
    let steps = (0..side * side).map(|i| (i % side - reach, i / side - reach));
    let tile = |(dx, dy)| Some((beside(middle, dx, dy)?, (dx as f64, dy as f64)));
    steps.filter_map(tile).collect()
}

/// The part of a segment inside a tile's own square (Liang and Barsky).
fn own((a, b): (Point, Point)) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enters, mut leaves) = (0.0f64, 1.0f64);
    for (step, room) in [(-dx, a.0), (dx, 4096.0 - a.0), (-dy, a.1), (dy, 4096.0 - a.1)] {
        if step == 0.0 && room < 0.0 {
            return None;
        } else if step < 0.0 {
            enters = enters.max(room / step);
        } else if step > 0.0 {
            leaves = leaves.min(room / step);
        }
    }
    let at = |t: f64| (a.0 + t * dx, a.1 + t * dy);
    (enters < leaves).then(|| (at(enters), at(leaves)))
}

/// Segments of lines around a place, each tile's own, in metres along a bearing from the place and to
/// the right of it.
fn drawn(snapshot: &Snapshot, z: u8, at: Position, bearing_deg: f64) -> Vec<(Point, Point)> {
    let (sin, cos) = libm::sincos(bearing_deg.to_radians());
    let tiles = f64::from(1u32 << z);
    let unit_m = unit_m(z, at);
    let middle = TileId::of_position(z, at).unwrap();
    let x = (at.lon_rad() / std::f64::consts::TAU + 0.5) * tiles - f64::from(middle.x());
    let mercator = libm::asinh(libm::tan(at.lat_rad()));
    let y = (0.5 - mercator / std::f64::consts::TAU) * tiles - f64::from(middle.y());
    let mut segments = Vec::new();
    for (tile, (dx, dy)) in around(z, at) {
        let metres = |p: Point| {
            let east = (p.0 + (dx - x) * 4096.0) * unit_m;
            let north = -(p.1 + (dy - y) * 4096.0) * unit_m;
            (east * sin + north * cos, east * cos - north * sin)
        };
        for shape in shapes(snapshot, tile).iter().filter(|shape| shape.layer == "traffic") {
            let points: Vec<Point> =
                shape.points.iter().map(|p| (f64::from(p.0), f64::from(p.1))).collect();
            let own = points.windows(2).filter_map(|ends| own((ends[0], ends[1])));
            segments.extend(own.map(|(a, b)| (metres(a), metres(b))));
        }
    }
    segments
}

/// Where an outline crosses a straight line of a tile.
#[derive(Debug)]
struct Crossing {
    across: f64,
    /// Sine of the angle between the two.
    steep: f64,
    /// Its layer, whether it crosses towards larger coordinates, and its values.
    shown: (String, bool, Vec<u64>),
}

/// All crossings of a straight line, upright or not.
fn crossings(shapes: &[Shape], upright: bool, at: f64) -> Vec<Crossing> {
    let mut found = Vec::new();
    for shape in shapes {
        for ends in shape.points.windows(2) {
            let flat = |p: (i32, i32)| {
                let (x, y) = (f64::from(p.0), f64::from(p.1));
                if upright { (x, y) } else { (y, x) }
            };
            let (a, b) = (flat(ends[0]), flat(ends[1]));
            if (a.0 < at) != (b.0 < at) {
                let across = a.1 + (b.1 - a.1) * (at - a.0) / (b.0 - a.0);
                let mut numbers: Vec<_> = shape.numbers.iter().collect();
                numbers.sort();
                let numbers = numbers.into_iter().map(|(_, number)| *number).collect();
                let shown = (shape.layer.clone(), a.0 < b.0, numbers);
                let steep = (b.0 - a.0).abs() / libm::hypot(b.0 - a.0, b.1 - a.1);
                found.push(Crossing { across, steep, shown });
            }
        }
    }
    found
}

/// Whether each crossing between two tiles' corners has its like among the other tile's.
fn are_among(some: &[Crossing], others: &[Crossing]) -> bool {
    // What was cut at a tile's edge is rounded there.
    let is_like = |a: &Crossing, b: &Crossing| {
        a.shown == b.shown && (a.across - b.across).abs() * a.steep <= 1.5
    };
    some.iter()
        .filter(|crossing| (0.0..=4096.0).contains(&crossing.across))
        .all(|crossing| others.iter().any(|other| is_like(crossing, other)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A road is one line each way it is driven: unbroken, in its place, and in the direction of travel.
    #[test]
    fn a_road_is_drawn_as_it_was_driven(at in anywhere(), bearing_deg in 0.0..360.0f64) {
        let snapshot = road(at, bearing_deg);
        // How far aside, how long a gap, and how much at the ends, metres: at zoom 14 a cell in whose corner
        // the road only is counts with the one beside it; at 12 a pixel has up to 10 m, and where a road
        // runs along cells' edges its lines may lie a few pixels apart.
        for (z, off_m, gap_m, end_m) in [(14u8, 10.0, 4.0, 75.0), (12, 25.0, 60.0, 200.0)] {
            let mut segments = drawn(&snapshot, z, at, bearing_deg);
            prop_assert!(!segments.is_empty());
            for (a, b) in &segments {
                prop_assert!(b.0 - a.0 > -off_m, "z{}: backwards, {:?} to {:?}", z, a, b);
                prop_assert!(a.1.abs().max(b.1.abs()) < off_m, "z{}: aside, {:?} to {:?}", z, a, b);
            }
            segments.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
            let mut reached = segments[0].0.0;
            prop_assert!(reached < end_m - HALF_M, "z{}: from {}", z, reached);
            for (a, b) in segments {
                prop_assert!(a.0 < reached + gap_m, "z{}: gap from {} to {}", z, reached, a.0);
                reached = reached.max(b.0);
            }
            prop_assert!(reached > HALF_M - end_m, "z{}: to {}", z, reached);
        }
    }

    /// Nothing leads across the world: at no zoom is anything longer than the road and the cells it
    /// lies in, nor far from it.
    #[test]
    fn nothing_is_far_from_its_road(at in anywhere(), bearing_deg in 0.0..360.0f64) {
        let snapshot = road(at, bearing_deg);
        for z in 5..=14u8 {
            let tile = TileId::of_position(z, at).unwrap();
            let unit_m = unit_m(z, at);
            let resolution = Resolution::try_from(tile.resolution()).unwrap();
            let reach = (HALF_M + 3.0 * resolution.edge_length_m()) / unit_m + 64.0;
            let segments = drawn(&snapshot, z, at, bearing_deg);
            for (a, b) in &segments {
                prop_assert!(libm::hypot(a.0, a.1).max(libm::hypot(b.0, b.1)) < reach * unit_m);
            }
            for shape in shapes(&snapshot, tile) {
                let spread = |of: fn(&(i32, i32)) -> i32| {
                    let values = shape.points.iter().map(of);
                    values.clone().max().unwrap() - values.min().unwrap()
                };
                let wide = spread(|p| p.0).max(spread(|p| p.1));
                prop_assert!(f64::from(wide) < 2.0 * reach, "z{}: {} units wide", z, wide);
            }
        }
    }

    /// On either side of a border, and on it, two tiles show the same, lines and polygons.
    #[test]
    fn tiles_agree_where_they_meet(at in border(), bearing_deg in 0.0..360.0f64) {
        let snapshot = road(at, bearing_deg);
        for z in [8u8, 10, 12, 14] {
            for (tile, _) in around(z, at) {
                for (upright, other) in [(true, beside(tile, 1, 0)), (false, beside(tile, 0, 1))] {
                    let Some(other) = other else { continue };
                    let (here, there) = (shapes(&snapshot, tile), shapes(&snapshot, other));
                    for off in [-30.5, 0.5, 30.5] {
                        let mine = crossings(&here, upright, 4096.0 + off);
                        let theirs = crossings(&there, upright, off);
                        let same = are_among(&mine, &theirs) && are_among(&theirs, &mine);
                        prop_assert!(same, "z{} {:?} {}: {:?} {:?}", z, tile, off, mine, theirs);
                    }
                }
            }
        }
    }
}

/// Each of the twelve pentagons of each resolution is drawn: its polygon around its centre, of no more
/// corners than a pentagon has, and the road through it.
#[test]
fn pentagons_are_drawn() {
    for resolution in [Resolution::Six, Resolution::Seven, Resolution::Eight, Resolution::Eleven] {
        for cell in resolution.pentagons() {
            let at = place(cell);
            let snapshot = road(at, 40.0);
            assert!(snapshot.cell(cell).is_some(), "{cell}");
            let z = (0..=14)
                .rev()
                .find(|z| TileId::new(*z, 0, 0).unwrap().resolution() == u8::from(resolution));
            let z = z.unwrap();
            let tile = TileId::of_position(z, at).unwrap();
            let shapes = shapes(&snapshot, tile);
            assert!(shapes.iter().any(|shape| shape.layer == "traffic"), "{cell}");
            if z > 10 {
                continue;
            }
            let tiles = f64::from(1u32 << z);
            let x = (at.lon_rad() / std::f64::consts::TAU + 0.5) * tiles - f64::from(tile.x());
            let mercator = libm::asinh(libm::tan(at.lat_rad()));
            let y = (0.5 - mercator / std::f64::consts::TAU) * tiles - f64::from(tile.y());
            let around_it = shapes.iter().filter(|shape| {
                shape.layer == "traffic_hex" && holds(&shape.points, (x * 4096.0, y * 4096.0))
            });
            let corners: Vec<usize> = around_it.map(|shape| shape.points.len() - 1).collect();
            assert!(matches!(corners[..], [5..=10]), "{cell} z{z}: {corners:?}");
        }
    }
}

/// Whether a closed ring holds a point (even-odd rule).
fn holds(ring: &[(i32, i32)], (x, y): Point) -> bool {
    let crosses = |ends: &&[(i32, i32)]| {
        let [(ax, ay), (bx, by)] = [ends[0], ends[1]].map(|p| (f64::from(p.0), f64::from(p.1)));
        (ay > y) != (by > y) && x < ax + (bx - ax) * (y - ay) / (by - ay)
    };
    ring.windows(2).filter(crosses).count() % 2 == 1
}
