//! What leaves the phone, as an attacker sees it.

use hexmile_trace::{Fix, Position, RawFix, TripId};
use proptest::prelude::*;

use super::{Capture, EndTrim, FilterLimits, Privacy, SealLimits, Step, Zone};

const METRE_E6: f64 = 1e6 / 111_195.0;

/// Metres east and north of a corner of the plane; near the equator, where degrees are square.
type Point = (f64, f64);

fn position((east, north): Point) -> Position {
    Position::from_e6((north * METRE_E6).round() as i32, (east * METRE_E6).round() as i32).unwrap()
}

fn point(position: Position) -> Point {
    (f64::from(position.lon_e6()) / METRE_E6, f64::from(position.lat_e6()) / METRE_E6)
}

fn distance((a, b): Point, (c, d): Point) -> f64 {
    (a - c).hypot(b - d)
}

/// What is sealed of a trip at 1 Hz, run by run, without context fixes.
fn sealed(path: &[Point], trim: EndTrim, privacy: &Privacy) -> Vec<Vec<Fix>> {
    let mut capture =
        Capture::new(FilterLimits::default(), SealLimits::ECONOMY, trim, privacy.clone());
    let mut steps = Vec::new();
    capture.start(TripId([1; 8]), &mut steps);
    for (second, place) in path.iter().enumerate() {
        let position = position(*place);
        let raw = RawFix {
            time_ms: 1000 * second as i64,
            latitude_deg: position.lat_deg(),
            longitude_deg: position.lon_deg(),
            accuracy_m: Some(5.0),
            ..RawFix::default()
        };
        capture.record(&raw, 1000 * second as u64, &mut steps);
    }
    capture.stop(&mut steps);
    let runs = steps.into_iter().filter_map(|step| match step {
        Step::Seal(run) => Some(run),
        Step::Keep(_) => None,
    });
    runs.map(|run| run.fixes[usize::from(run.context)..].to_vec()).collect()
}

/// xorshift64*: enough for roads and noise.
struct Draw(u64);

impl Draw {
    fn even(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.even() * n as f64) as usize).min(n - 1)
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

/// The way from home to one of its exits, 3 km off, along streets in blocks of 120 by 90 m that lie
/// askew by `turn`: a driver's own way, the same every time.
fn route(home: Point, exit: f64, turn: f64, draw: &mut Draw) -> Vec<Point> {
    let (sin, cos) = (exit - turn).sin_cos();
    let (mut across, mut along) = ((3000.0 * cos / 120.0) as i32, (3000.0 * sin / 90.0) as i32);
    let mut at: Point = (0.0, 0.0);
    let mut corners = vec![at];
    while across != 0 || along != 0 {
        let left = f64::from(across.abs() + along.abs());
        if draw.even() < f64::from(across.abs()) / left {
            at.0 += 120.0 * f64::from(across.signum());
            across -= across.signum();
        } else {
            at.1 += 90.0 * f64::from(along.signum());
            along -= along.signum();
        }
        corners.push(at);
    }
    let (sin, cos) = turn.sin_cos();
    let turned = |(x, y): Point| (home.0 + x * cos - y * sin, home.1 + x * sin + y * cos);
    corners.into_iter().map(turned).collect()
}

/// Fixes at 1 Hz of a drive at 10 m/s along corners, 5 minutes parked before it, with noise.
fn drive(corners: &[Point], draw: &mut Draw) -> Vec<Point> {
    let mut path = vec![corners[0]; 300];
    let mut over = 0.0;
    for pair in corners.windows(2) {
        let length = distance(pair[0], pair[1]);
        while over < length {
            let part = over / length;
            path.push((
                pair[0].0 + part * (pair[1].0 - pair[0].0),
                pair[0].1 + part * (pair[1].1 - pair[0].1),
            ));
            over += 10.0;
        }
        over -= length;
    }
    path.iter().map(|(x, y)| (x + 4.0 * draw.normal(), y + 4.0 * draw.normal())).collect()
}

/// The first fix that left the phone of a drive from home, or the last of one to it, and the one
/// half a minute further from home.
type End = (Point, Point);

fn end(path: &[Point], homeward: bool, privacy: &Privacy) -> Option<End> {
    let runs = sealed(path, EndTrim::default(), privacy);
    let mut fixes: Vec<Point> = runs.concat().iter().map(|f| point(f.position())).collect();
    if homeward {
        fixes.reverse();
    }
    Some((*fixes.first()?, *fixes.get(30)?))
}

/// Centre of the circle that fits the ends best (Kåsa's linear least squares).
fn circle(ends: &[End]) -> Point {
    let n = ends.len() as f64;
    let mean = ends.iter().fold((0.0, 0.0), |m, (e, _)| (m.0 + e.0 / n, m.1 + e.1 / n));
    let (mut uu, mut uv, mut vv, mut zu, mut zv) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (end, _) in ends {
        let (u, v) = (end.0 - mean.0, end.1 - mean.1);
        let z = f64::midpoint(u * u, v * v);
        uu += u * u;
        uv += u * v;
        vv += v * v;
        zu += z * u;
        zv += z * v;
    }
    let det = uu * vv - uv * uv;
    (mean.0 + (zu * vv - zv * uv) / det, mean.1 + (zv * uu - zu * uv) / det)
}

/// The point nearest to all lines through the ends in the direction of driving there.
fn headings(ends: &[End]) -> Point {
    let (mut a, mut b, mut c, mut p, mut q) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (end, further) in ends {
        let length = distance(*end, *further);
        let normal = ((end.1 - further.1) / length, (further.0 - end.0) / length);
        let offset = normal.0 * end.0 + normal.1 * end.1;
        a += normal.0 * normal.0;
        b += normal.0 * normal.1;
        c += normal.1 * normal.1;
        p += normal.0 * offset;
        q += normal.1 * offset;
    }
    let det = a * c - b * b;
    ((p * c - q * b) / det, (q * a - p * b) / det)
}

fn mean(ends: &[End]) -> Point {
    let n = ends.len() as f64;
    ends.iter().fold((0.0, 0.0), |m, (e, _)| (m.0 + e.0 / n, m.1 + e.1 / n))
}

/// Median errors over 100 homes, 50 trips each, of circle fit, heading extrapolation and mean end.
fn attack(exits: usize, zones: bool) -> [f64; 3] {
    let mut draw = Draw(42);
    let mut errors = [const { Vec::new() }; 3];
    for home_number in 0..100_u8 {
        let home = (50_000.0 * draw.even(), 50_000.0 * draw.even());
        let mut secret = [7; 32];
        secret[0] = home_number;
        let zone = Zone::around(position(home), &secret);
        let privacy = Privacy::new(if zones { vec![zone] } else { Vec::new() }).unwrap();
        let turn = draw.even();
        let first = draw.even();
        let routes: Vec<_> = (0..exits)
            .map(|n| {
                let exit = first + std::f64::consts::TAU * n as f64 / exits as f64;
                route(home, exit, turn, &mut draw)
            })
            .collect();
        let mut ends = Vec::new();
        for trip in 0..50 {
            let mut path = drive(&routes[draw.below(exits)], &mut draw);
            let homeward = trip % 2 == 1;
            if homeward {
                path.reverse();
            }
            ends.extend(end(&path, homeward, &privacy));
        }
        assert!(ends.len() == 50, "every drive leaves something: {}", ends.len());
        for (n, guess) in [circle(&ends), headings(&ends), mean(&ends)].into_iter().enumerate() {
            errors[n].push(distance(guess, home));
        }
    }
    errors.map(|mut errors| {
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    })
}

#[test]
fn fifty_trips_do_not_show_where_home_is() {
    for exits in [4, 8] {
        let errors = attack(exits, true);
        assert!(errors.iter().all(|m| *m >= 250.0), "{exits} exits: {errors:.0?} m");
        // The attack is one: without a zone it finds the home.
        let bare = attack(exits, false);
        assert!(bare.iter().any(|m| *m < 120.0), "{exits} exits without a zone: {bare:.0?} m");
    }
}

proptest! {
    /// Whatever way a trip takes, nothing in a zone is sealed, and no trace goes through one.
    #[test]
    fn nothing_in_a_zone_is_sealed(
        moves in proptest::collection::vec((0.0..40.0f64, -0.5..0.5f64), 10..400),
        zones in proptest::collection::vec((-1500.0..1500.0f64, -1500.0..1500.0f64, 50..700u32), 1..6),
        trimmed: bool,
    ) {
        let (mut at, mut heading) = ((0.0, 0.0), 0.0f64);
        let path: Vec<Point> = moves.iter().map(|(step, turn)| {
            heading += turn;
            at = (at.0 + step * heading.sin(), at.1 + step * heading.cos());
            at
        }).collect();
        let circle = |(east, north, radius_m): &(f64, f64, u32)| {
            Zone::Circle { centre: position((*east, *north)), radius_m: *radius_m }
        };
        let privacy = Privacy::new(zones.iter().map(circle).collect()).unwrap();
        let trim = if trimmed { EndTrim::Metres(100) } else { EndTrim::Off };
        let runs = sealed(&path, trim, &privacy);
        let hidden = |second: usize| privacy.contains(position(path[second]));
        for run in &runs {
            let seconds: Vec<usize> = run.iter().map(|f| (f.time_ms() / 1000) as usize).collect();
            for second in &seconds {
                prop_assert!(!hidden(*second), "second {second}");
            }
            for pair in seconds.windows(2) {
                prop_assert!(!(pair[0]..pair[1]).any(hidden), "between {pair:?}");
            }
        }
        if !trimmed {
            let kept: usize = runs.iter().map(Vec::len).sum();
            prop_assert_eq!(kept, (0..path.len()).filter(|s| !hidden(*s)).count());
        }
    }
}
