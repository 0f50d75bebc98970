//! Real drives, where they are present: `$HEXMILE_DATA`, or `../shared/data` beside the workspace.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use h3o::Resolution;
use hexmile_tiles::{Row, Slot, Tick, TileId, encode, observe, pack, snap, unpack};
use hexmile_trace::{Fix, FixParts, Position};

use crate::world::{START_MS, decode, state_of};

fn read(name: &str) -> Option<String> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = env::var_os("HEXMILE_DATA").map_or(beside, PathBuf::from);
    let file = root.join("chicago").join(name);
    let text = fs::read_to_string(&file);
    if text.is_err() {
        eprintln!("PASSED OVER: no real drives at {}", file.display());
    }
    text.ok()
}

/// The straight pieces of the area's roads: latitude and longitude of both ends, degrees.
pub(crate) fn roads() -> Option<Vec<[(f64, f64); 2]>> {
    let piece = |line: &str| {
        let columns: Vec<f64> = line.split(',').map(|n| n.parse().unwrap()).collect();
        [(columns[0], columns[1]), (columns[2], columns[3])]
    };
    Some(read("osm_roads.csv")?.lines().skip(1).map(piece).collect())
}

pub(crate) fn trips() -> Option<BTreeMap<u64, Vec<Fix>>> {
    let text = read("trips.csv")?;
    let mut trips = BTreeMap::<u64, Vec<Fix>>::new();
    for line in text.lines().skip(1) {
        let columns: Vec<f64> = line.split(',').map(|n| n.parse().unwrap()).collect();
        let fix = Fix::from_parts(&FixParts {
            time_ms: columns[1] as u64 * 1000,
            lat_e6: libm::round(columns[2] * 1e6) as i32,
            lon_e6: libm::round(columns[3] * 1e6) as i32,
            ..FixParts::default()
        });
        trips.entry(columns[0] as u64).or_default().push(fix.unwrap());
    }
    Some(trips)
}

#[test]
fn real_drives_become_traffic() {
    let Some(trips) = trips() else { return };
    let (mut rows, mut passes, mut observed) = (Vec::new(), 0, 0);
    for (position, (driver, fixes)) in (0..).zip(&trips) {
        let mut observations = observe(fixes);
        assert_eq!(unpack(&pack(&observations)), Ok(observations.clone()));
        let snapped = snap(fixes, Resolution::Eleven);
        passes += snapped.iter().map(|pass| pass.distance_cm).sum::<u64>();
        observed += observations.iter().map(|o| u64::from(o.distance_cm)).sum::<u64>();
        for observation in &mut observations {
            observation.slot = Slot::of_unix_ms(START_MS);
        }
        rows.push(Row {
            position,
            driver: *driver,
            folded_at_ms: START_MS,
            observations,
            ..Row::default()
        });
    }
    // What is left out, parking and touched corners, is little of the way driven.
    assert!(observed * 1000 > passes * 985, "{observed} of {passes} cm");
    let snapshot = state_of(rows).publish(Tick::of_unix_ms(START_MS));
    assert!(snapshot.line_count() > 900, "{}", snapshot.line_count());
    let middle = Position::from_e6(41_870_000, -87_655_000).unwrap();
    for z in 0..=14 {
        let tile = TileId::of_position(z, middle).unwrap();
        assert!(!decode(&encode(&snapshot, tile), tile).is_empty(), "z{z}");
    }
}
