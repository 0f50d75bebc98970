//! Laws of snapping, checked against slow and obvious computations.

use h3o::{CellIndex, LatLng, Resolution};
use hexmile_tiles::{Pass, snap};
use hexmile_trace::{Fix, FixParts, MAX_JOIN_CM, MAX_JOIN_MS, Position};
use proptest::prelude::*;

fn fix(time_ms: u64, position: Position) -> Fix {
    let (lat_e6, lon_e6) = (position.lat_e6(), position.lon_e6());
    Fix::from_parts(&FixParts { time_ms, lat_e6, lon_e6, ..FixParts::default() }).unwrap()
}

fn position(lat: f64, lon: f64) -> Position {
    Position::from_rad(lat.to_radians(), lon.to_radians())
}

/// A drive from a place by steps of (seconds, bearing, metres).
fn drive(start: Position, steps: &[(u64, f64, f64)]) -> Vec<Fix> {
    let mut at = start;
    let mut time_ms = 1_700_000_000_000;
    let mut fixes = vec![fix(time_ms, at)];
    for (seconds, bearing, metres) in steps {
        time_ms += seconds * 1000;
        at = at.destination(*bearing, *metres);
        fixes.push(fix(time_ms, at));
    }
    fixes
}

fn cell_of(p: Position, resolution: Resolution) -> CellIndex {
    LatLng::from_radians(p.lat_rad(), p.lon_rad()).unwrap().to_cell(resolution)
}

/// Metres from a position to the nearest place of another cell, by looking round it in circles.
fn is_on_border(p: Position, resolution: Resolution, within_m: f64) -> bool {
    let here = cell_of(p, resolution);
    (0..16).any(|i| cell_of(p.destination(f64::from(i) * 22.5, within_m), resolution) != here)
}

fn joined(fixes: &[Fix]) -> (u64, u64) {
    let mut sum = (0, 0);
    for pair in fixes.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let cm = libm::round(a.position().distance_m(b.position()) * 100.0) as u64;
        let ms = b.time_ms() - a.time_ms();
        if ms <= MAX_JOIN_MS && cm <= MAX_JOIN_CM {
            sum = (sum.0 + cm, sum.1 + ms);
        }
    }
    sum
}

fn credited(passes: &[Pass]) -> (u64, u64) {
    passes.iter().fold((0, 0), |s, p| (s.0 + p.distance_cm, s.1 + p.duration_ms))
}

/// Places where H3 or longitude is special, and ordinary ones.
fn start() -> impl Strategy<Value = Position> {
    let pentagons: Vec<Position> = Resolution::Zero
        .pentagons()
        .map(LatLng::from)
        .map(|at| Position::from_rad(at.lat_radians(), at.lng_radians()))
        .collect();
    prop_oneof![
        (-89.9..89.9f64, -180.0..180.0f64).prop_map(|(lat, lon)| position(lat, lon)),
        (-80.0..80.0f64, 179.999..180.001f64).prop_map(|(lat, lon)| position(lat, lon)),
        (89.998..90.0f64, -180.0..180.0f64).prop_map(|(lat, lon)| position(lat, lon)),
        (-90.0..-89.998f64, -180.0..180.0f64).prop_map(|(lat, lon)| position(lat, lon)),
        (proptest::sample::select(pentagons), 0.0..360.0f64, 0.0..300.0f64)
            .prop_map(|(p, bearing, metres)| p.destination(bearing, metres)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(u64, f64, f64)>> {
    proptest::collection::vec(
        (1u64..32, 0.0..360.0f64, prop_oneof![Just(0.0), 0.0..60.0f64, 0.0..510.0f64]),
        1..20,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn distance_and_time_are_conserved(start in start(), steps in steps(), res in 0u8..16) {
        let fixes = drive(start, &steps);
        let passes = snap(&fixes, Resolution::try_from(res).unwrap());
        prop_assert_eq!(credited(&passes), joined(&fixes));
    }

    #[test]
    fn passes_lie_in_their_cells_and_meet_on_borders(start in start(), steps in steps(), res in 7u8..14) {
        let resolution = Resolution::try_from(res).unwrap();
        let passes = snap(&drive(start, &steps), resolution);
        for pass in &passes {
            prop_assert_eq!(pass.cell.resolution(), resolution);
            for (crossed, at) in [(pass.entered, pass.entry), (pass.left, pass.exit)] {
                if crossed {
                    prop_assert!(is_on_border(at, resolution, 0.3), "{:?}", pass);
                } else {
                    prop_assert!(cell_of(at, resolution) == pass.cell || is_on_border(at, resolution, 0.3));
                }
            }
        }
        for pair in passes.windows(2) {
            let end_ms = pair[0].entered_ms + pair[0].duration_ms;
            if pair[0].left && pair[1].entered && end_ms == pair[1].entered_ms {
                prop_assert!(pair[0].exit.distance_m(pair[1].entry) < 0.3);
            }
        }
    }

    /// Sampling each metre finds no cell that snapping missed, but for touched corners.
    #[test]
    fn no_cell_on_the_way_is_missed(start in start(), bearing in 0.0..360.0f64, metres in 50.0..499.0f64) {
        let resolution = Resolution::Eleven;
        let end = start.destination(bearing, metres);
        let passes = snap(&[fix(0, start), fix(20_000, end)], resolution);
        let bearing = start.bearing_deg(end);
        let mut run = Vec::<(CellIndex, u32)>::new();
        for metre in 0..metres as u32 {
            let cell = cell_of(start.destination(bearing, f64::from(metre)), resolution);
            match run.last_mut() {
                Some((last, count)) if *last == cell => *count += 1,
                _ => run.push((cell, 1)),
            }
        }
        for (cell, count) in run {
            prop_assert!(count < 4 || passes.iter().any(|p| p.cell == cell), "{cell} {count}");
        }
    }
}

#[test]
fn a_reversal_in_one_cell_is_two_passes() {
    let resolution = Resolution::Seven;
    let centre = LatLng::from(cell_of(position(41.88, -87.63), resolution));
    let start = Position::from_rad(centre.lat_radians(), centre.lng_radians());
    let there = [(2, 0.0, 20.0); 5];
    let back = [(2, 180.0, 20.0); 5];
    let passes = snap(&drive(start, &[there, back].concat()), resolution);
    let summary: Vec<_> =
        passes.iter().map(|p| (p.sector.number(), p.duration_ms, p.entered, p.left)).collect();
    assert_eq!(summary, [(0, 10_000, false, false), (4, 10_000, false, false)]);
}

#[test]
fn standing_extends_a_pass_and_gaps_end_it() {
    let start = position(41.88, -87.63);
    let resolution = Resolution::Five;
    for (steps, want) in [
        (
            vec![(5, 90.0, 50.0), (20, 0.0, 0.0), (20, 0.0, 0.0), (5, 90.0, 50.0)],
            vec![(50_000, 40_000)],
        ),
        (vec![(5, 90.0, 50.0), (31, 90.0, 50.0), (5, 90.0, 50.0)], vec![(5_000, 0), (5_000, 0)]),
        (vec![(5, 90.0, 50.0), (20, 90.0, 501.0), (5, 90.0, 50.0)], vec![(5_000, 0), (5_000, 0)]),
        (vec![(5, 90.0, 50.0), (0, 90.0, 10.0), (5, 90.0, 50.0)], vec![(10_000, 0)]),
        (vec![], vec![]),
    ] {
        let got: Vec<_> = snap(&drive(start, &steps), resolution)
            .iter()
            .map(|p| (p.duration_ms, p.stopped_ms))
            .collect();
        assert_eq!(got, want, "{steps:?}");
    }
}
