//! Whether lines lie on roads, and driven roads have lines: the tiles of real drives, decoded by
//! another implementation and put beside a map of the streets.

use std::collections::{BTreeMap, BTreeSet};

use hexmile_tiles::{Row, Slot, Tick, TileId, encode, observe};
use hexmile_trace::{Fix, Position};

use crate::{
    chicago::{roads, trips},
    world::{START_MS, decode, state_of},
};

/// How far a line may lie from a road's centre, metres.
const NEAR_M: f64 = 12.0;
/// How far a fix may lie from the road it is on, metres.
const MATCH_M: f64 = 20.0;
/// Largest angle between a drive or a line and the road that it is on.
const ASIDE_DEG: f64 = 35.0;
/// Distance between the places that are looked at, metres.
const STEP_M: f64 = 5.0;

/// Metres east and north of the middle of the area.
type Point = (f64, f64);

const MIDDLE_DEG: (f64, f64) = (41.87, -87.655);

fn flat((lat, lon): (f64, f64)) -> Point {
    let degree_m = 111_194.93;
    let east = (lon - MIDDLE_DEG.1) * degree_m * libm::cos(MIDDLE_DEG.0.to_radians());
    (east, (lat - MIDDLE_DEG.0) * degree_m)
}

fn length((a, b): (Point, Point)) -> f64 {
    libm::hypot(b.0 - a.0, b.1 - a.1)
}

/// Smallest angle between two segments, whichever way they run, degrees.
fn aside_deg((a, b): (Point, Point), (c, d): (Point, Point)) -> f64 {
    let bearing = |a: Point, b: Point| libm::atan2(b.0 - a.0, b.1 - a.1).to_degrees();
    let turn = (bearing(a, b) - bearing(c, d)).rem_euclid(180.0);
    turn.min(180.0 - turn)
}

fn distance(p: Point, (a, b): (Point, Point)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let squared = dx * dx + dy * dy;
    let t = if squared > 0.0 { ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / squared } else { 0.0 };
    let t = t.clamp(0.0, 1.0);
    libm::hypot(p.0 - a.0 - t * dx, p.1 - a.1 - t * dy)
}

/// Places every few metres along a segment, each with the length it stands for.
fn places((a, b): (Point, Point)) -> impl Iterator<Item = (Point, f64)> {
    let whole = length((a, b));
    let count = (whole / STEP_M).ceil().max(1.0);
    (0..count as usize).map(move |i| {
        let t = (i as f64 + 0.5) / count;
        ((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t), whole / count)
    })
}

/// Segments by the squares of 50 m that they come near.
struct Index {
    segments: Vec<(Point, Point)>,
    squares: BTreeMap<(i64, i64), Vec<usize>>,
}

impl Index {
    const SQUARE_M: f64 = 50.0;

    fn new(segments: Vec<(Point, Point)>) -> Self {
        let mut squares = BTreeMap::<_, Vec<usize>>::new();
        for (i, segment) in segments.iter().enumerate() {
            let mut met = BTreeSet::new();
            for (p, _) in places(*segment) {
                let (x, y) = Self::square(p);
                met.extend((0..9).map(|n| (x + n % 3 - 1, y + n / 3 - 1)));
            }
            for square in met {
                squares.entry(square).or_default().push(i);
            }
        }
        Self { segments, squares }
    }

    fn square(p: Point) -> (i64, i64) {
        ((p.0 / Self::SQUARE_M).floor() as i64, (p.1 / Self::SQUARE_M).floor() as i64)
    }

    /// Distance to the nearest segment that a test lets through, and its number; up to 50 m.
    fn nearest(&self, p: Point, is_one: impl Fn((Point, Point)) -> bool) -> Option<(f64, usize)> {
        let near = self.squares.get(&Self::square(p))?.iter();
        near.filter(|i| is_one(self.segments[**i]))
            .map(|i| (distance(p, self.segments[*i]), *i))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// All lines of zoom 14, cut at the tiles' edges.
fn drawn(trips: &BTreeMap<u64, Vec<Fix>>) -> Vec<(Point, Point)> {
    let row = |(position, (driver, fixes)): (u64, (&u64, &Vec<Fix>))| {
        let mut observations = observe(fixes);
        for observation in &mut observations {
            observation.slot = Slot::of_unix_ms(START_MS);
        }
        Row { position, driver: *driver, folded_at_ms: START_MS, observations, ..Row::default() }
    };
    let rows: Vec<Row> = (0..).zip(trips).map(row).collect();
    let snapshot = state_of(rows).publish(Tick::of_unix_ms(START_MS));
    let [west, south, east, north] = snapshot.bounds_deg().unwrap();
    let tile_at = |lat: f64, lon: f64| {
        let e6 = |degrees: f64| (degrees * 1e6) as i32;
        TileId::of_position(14, Position::from_e6(e6(lat), e6(lon)).unwrap()).unwrap()
    };
    let (first, last) = (tile_at(north, west), tile_at(south, east));
    let mut lines = Vec::new();
    for (x, y) in (first.x()..=last.x()).flat_map(|x| (first.y()..=last.y()).map(move |y| (x, y))) {
        let tile = TileId::new(14, x, y).unwrap();
        let bytes = encode(&snapshot, tile);
        if bytes.is_empty() {
            continue;
        }
        let degrees = |(px, py): (i32, i32)| {
            let part = |n: u32, p: i32| (f64::from(n) + f64::from(p) / 4096.0) / 16_384.0;
            let mercator = (0.5 - part(y, py)) * std::f64::consts::TAU;
            (libm::atan(libm::sinh(mercator)).to_degrees(), part(x, px) * 360.0 - 180.0)
        };
        let middle_in = |(a, b): ((i32, i32), (i32, i32))| {
            (0..8192).contains(&(a.0 + b.0)) && (0..8192).contains(&(a.1 + b.1))
        };
        for shape in decode(&bytes, tile) {
            let ends = shape.points.windows(2).map(|ends| (ends[0], ends[1]));
            // Of what lies in two tiles' buffers, one part: lines of zoom 14 are short.
            let mine = ends.filter(|ends| middle_in(*ends));
            lines.extend(mine.map(|(a, b)| (flat(degrees(a)), flat(degrees(b)))));
        }
    }
    lines
}

/// Share of drawn length near a road.
fn on_roads(lines: &[(Point, Point)], roads: &Index) -> f64 {
    let (mut near, mut all) = (0.0, 0.0);
    for (p, metres) in lines.iter().flat_map(|line| places(*line)) {
        all += metres;
        if roads.nearest(p, |_| true).is_some_and(|(off, _)| off <= NEAR_M) {
            near += metres;
        }
    }
    near / all
}

/// Share of the road length driven by three trips or more that is drawn.
fn roads_drawn(lines: &Index, roads: &Index, trips: &BTreeMap<u64, Vec<Fix>>) -> f64 {
    // Pieces of a few metres, by road and place along it, and who drove there.
    let mut driven: BTreeMap<(usize, usize), BTreeSet<u64>> = BTreeMap::new();
    for (trip, fixes) in trips {
        let ends = fixes.windows(2).filter(|ends| {
            let ms = ends[1].time_ms().saturating_sub(ends[0].time_ms());
            let metres = ends[0].position().distance_m(ends[1].position());
            ms <= 30_000 && (1.0..=500.0).contains(&metres)
        });
        for ends in ends {
            let at = |fix: &Fix| flat((fix.position().lat_deg(), fix.position().lon_deg()));
            let driven_here = (at(&ends[0]), at(&ends[1]));
            for (p, _) in places(driven_here) {
                let along = |road| aside_deg(road, driven_here) <= ASIDE_DEG;
                let Some((off, road)) = roads.nearest(p, along) else { continue };
                if off <= MATCH_M {
                    let (a, b) = roads.segments[road];
                    let to = |n: &(usize, (Point, f64))| length((p, n.1.0));
                    let piece = places((a, b)).enumerate().min_by(|m, n| to(m).total_cmp(&to(n)));
                    driven.entry((road, piece.map_or(0, |(i, _)| i))).or_default().insert(*trip);
                }
            }
        }
    }
    let (mut near, mut all) = (0.0, 0.0);
    for ((road, piece), by) in driven {
        let road = roads.segments[road];
        let Some((p, metres)) = places(road).nth(piece).filter(|_| by.len() >= 3) else { continue };
        all += metres;
        let line = lines.nearest(p, |line| aside_deg(road, line) <= ASIDE_DEG);
        if line.is_some_and(|(off, _)| off <= NEAR_M) {
            near += metres;
        }
    }
    near / all
}

#[test]
fn lines_lie_on_roads_and_driven_roads_have_lines() {
    let (Some(trips), Some(roads)) = (trips(), roads()) else { return };
    let roads = Index::new(roads.into_iter().map(|[a, b]| (flat(a), flat(b))).collect());
    let lines = drawn(&trips);
    let on_roads = on_roads(&lines, &roads);
    let drawn_m: f64 = lines.iter().map(|line| length(*line)).sum();
    let drawn = roads_drawn(&Index::new(lines), &roads, &trips);
    eprintln!(
        "{:.1} km of lines, {:.2} % within {NEAR_M} m of a road; of roads driven by three trips {:.2} % drawn",
        drawn_m / 1000.0,
        on_roads * 100.0,
        drawn * 100.0
    );
    assert!(on_roads >= 0.95, "{on_roads}");
    assert!(drawn >= 0.90, "{drawn}");
}
