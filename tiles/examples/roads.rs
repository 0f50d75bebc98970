//! Draws the Chicago trips and measures how well the lines of the tiles lie on the roads.
//!
//! `cargo run --release -p hexmile-tiles --example roads -- TRIPS.csv OSM_ROADS.csv [TILE_DIRECTORY]`

use std::{collections::BTreeMap, env, fs};

use geo_types::{Coord, Geometry};
use hexmile_tiles::{Row, Slot, Tick, TileId, TrafficConfig, TrafficState, encode, observe};
use hexmile_trace::{EARTH_RADIUS_M, Fix, FixParts, Position};

const NOW_MS: u64 = 1_800_000_000_000;

/// A road counts as met within this distance, metres.
const NEAR_M: f64 = 12.0;

/// Sampling step along drawn lines and roads, metres.
const STEP_M: f64 = 2.0;

type Point = (f64, f64);
type Segment = (Point, Point);

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

fn numbers(path: &str) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).expect("a readable file");
    let row = |line: &str| line.split(',').map(|n| n.parse().ok()).collect::<Option<Vec<f64>>>();
    text.lines().filter_map(row).collect()
}

/// Metres east and north of the middle of Chicago.
fn metres(lat: f64, lon: f64) -> Point {
    let m = EARTH_RADIUS_M.to_radians();
    ((lon + 87.65) * m * libm::cos(41.87f64.to_radians()), (lat - 41.87) * m)
}

/// Segments by the 50 m squares near them.
struct Index(BTreeMap<(i32, i32), Vec<Segment>>);

impl Index {
    fn square(p: Point) -> (i32, i32) {
        ((p.0 / 50.0).floor() as i32, (p.1 / 50.0).floor() as i32)
    }

    fn new(segments: &[Segment]) -> Self {
        let mut squares = BTreeMap::<_, Vec<Segment>>::new();
        for segment in segments {
            let mut met: Vec<_> = samples(*segment, 20.0)
                .map(Self::square)
                .flat_map(|(x, y)| (0..9).map(move |i| (x + i % 3 - 1, y + i / 3 - 1)))
                .collect();
            met.sort_unstable();
            met.dedup();
            for square in met {
                squares.entry(square).or_default().push(*segment);
            }
        }
        Self(squares)
    }

    fn distance(&self, p: Point) -> f64 {
        let near = self.0.get(&Self::square(p)).into_iter().flatten();
        near.map(|segment| distance(p, *segment)).fold(f64::INFINITY, f64::min)
    }
}

fn distance(p: Point, (a, b): Segment) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length } else { 0.0 };
    let t = t.clamp(0.0, 1.0);
    libm::hypot(a.0 + t * dx - p.0, a.1 + t * dy - p.1)
}

fn samples((a, b): Segment, step: f64) -> impl Iterator<Item = Point> {
    let count = (libm::hypot(b.0 - a.0, b.1 - a.1) / step).ceil().max(1.0) as usize;
    (0..count).map(move |i| {
        let t = (i as f64 + 0.5) / count as f64;
        (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
    })
}

fn trips(path: &str) -> BTreeMap<u64, Vec<Fix>> {
    let mut trips = BTreeMap::<u64, Vec<Fix>>::new();
    for row in numbers(path) {
        let parts = FixParts {
            time_ms: (row[1] * 1000.0) as u64,
            lat_e6: (row[2] * 1e6).round() as i32,
            lon_e6: (row[3] * 1e6).round() as i32,
            ..FixParts::default()
        };
        trips.entry(row[0] as u64).or_default().push(Fix::from_parts(&parts).expect("in range"));
    }
    trips
}

/// Lines of a tile in metres.
fn lines(bytes: Vec<u8>, tile: TileId) -> (Vec<Segment>, usize) {
    let reader = mvt_reader::Reader::new(bytes).expect("a valid tile");
    let features = reader.get_features(0).expect("a first layer");
    let side = f64::from(1u32 << tile.z()) * 4096.0;
    let place = |c: &Coord<f32>| {
        let x = (f64::from(tile.x()) * 4096.0 + f64::from(c.x)) / side;
        let y = (f64::from(tile.y()) * 4096.0 + f64::from(c.y)) / side;
        let lat = libm::atan(libm::sinh(std::f64::consts::PI * (1.0 - 2.0 * y))).to_degrees();
        metres(lat, x * 360.0 - 180.0)
    };
    let mut segments = Vec::new();
    for feature in &features {
        let parts = match &feature.geometry {
            Geometry::LineString(line) => vec![line.clone()],
            Geometry::MultiLineString(lines) => lines.0.clone(),
            _ => vec![],
        };
        for part in parts {
            segments.extend(part.0.windows(2).map(|ends| (place(&ends[0]), place(&ends[1]))));
        }
    }
    (segments, features.len())
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let trips = trips(&arguments[0]);
    let mut state = TrafficState::new(TrafficConfig::default());
    let mut driven = Vec::new();
    for (position, (driver, fixes)) in (0..).zip(&trips) {
        let mut observations = observe(fixes);
        for observation in &mut observations {
            observation.slot = Slot::of_unix_ms(NOW_MS);
        }
        state
            .apply(Row {
                position,
                driver: *driver,
                folded_at_ms: NOW_MS,
                observations,
                ..Row::default()
            })
            .expect("in order");
        let track = fixes.windows(2).filter(|pair| pair[1].time_ms() - pair[0].time_ms() <= 30_000);
        let place = |f: &Fix| metres(f.position().lat_deg(), f.position().lon_deg());
        driven.push(track.map(|pair| (place(&pair[0]), place(&pair[1]))).collect::<Vec<_>>());
    }
    let snapshot = state.publish(Tick::of_unix_ms(NOW_MS));
    say(&format!("{} trips, {} lines at r11", trips.len(), snapshot.line_count()));
    let roads: Vec<Segment> =
        numbers(&arguments[1]).iter().map(|r| (metres(r[0], r[1]), metres(r[2], r[3]))).collect();
    let index = Index::new(&roads);
    for zoom in [14, 13, 12, 11] {
        let corner = |lat: i32, lon: i32| {
            let at = Position::from_e6(lat, lon).expect("in range");
            TileId::of_position(zoom, at).expect("a zoom that is made")
        };
        let (first, last) = (corner(41_920_000, -87_760_000), corner(41_800_000, -87_560_000));
        let (mut near, mut all, mut features, mut bytes, mut busiest) = (0, 0, 0, 0, 0);
        let mut drawn = Vec::new();
        for x in first.x()..=last.x() {
            for y in first.y()..=last.y() {
                let tile = TileId::new(zoom, x, y).expect("between two that are");
                let encoded = encode(&snapshot, tile);
                if encoded.is_empty() {
                    continue;
                }
                if let Some(directory) = arguments.get(2) {
                    let file = format!("{directory}/{zoom}-{x}-{y}.mvt");
                    fs::write(file, &encoded).expect("a directory that can be written");
                }
                bytes += encoded.len();
                let (segments, count) = lines(encoded, tile);
                features += count;
                busiest = busiest.max(count);
                for p in segments.iter().flat_map(|s| samples(*s, STEP_M)) {
                    all += 1;
                    near += usize::from(index.distance(p) <= NEAR_M);
                }
                drawn.extend(segments);
            }
        }
        say(&format!(
            "z{zoom}: {features} features (busiest {busiest}), {bytes} B, {:.1} km drawn, {:.1} % of it within {NEAR_M} m of a road",
            f64::from(all) * STEP_M / 1000.0,
            100.0 * near as f64 / f64::from(all)
        ));
        if zoom == 14 {
            let tracks: Vec<Index> = driven.iter().map(|track| Index::new(track)).collect();
            let shown = Index::new(&drawn);
            let (mut busy, mut found) = (0, 0);
            for p in roads.iter().flat_map(|road| samples(*road, 10.0)) {
                let drivers = tracks.iter().filter(|t| t.distance(p) <= NEAR_M).take(3).count();
                if drivers == 3 {
                    busy += 1;
                    found += usize::from(shown.distance(p) <= NEAR_M);
                }
            }
            say(&format!(
                "roads driven by 3 trips or more: {:.1} km, {:.1} % of them drawn",
                f64::from(busy) / 100.0,
                100.0 * found as f64 / f64::from(busy)
            ));
        }
    }
}
