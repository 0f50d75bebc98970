//! What only the state's own parts show: that rolling up conserves.

use super::*;
use crate::{Offset, Sector};
use h3o::{LatLng, Resolution};
use proptest::prelude::*;

const NOW_MS: u64 = 1_800_000_000_000;

fn observation(key: TrafficKey, duration_ms: u32) -> Observation {
    Observation {
        key,
        slot: Slot::of_unix_ms(NOW_MS),
        distance_cm: 4_000,
        duration_ms,
        heading_ddeg: u16::from(key.sector().number()) * 450,
        entry: Some(Offset { east_dm: -200, north_dm: 0 }),
        exit: Some(Offset { east_dm: 200, north_dm: 0 }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Distance, time and free-flow time of every resolution add up to those of the keys.
    #[test]
    fn rolling_up_conserves(
        lat in -80.0..80.0f64, lon in -180.0..180.0f64, rings in 0u32..12,
        durations in proptest::collection::vec((0u8..8, 1_000u32..99_000), 1..60),
    ) {
        let at = LatLng::new(lat, lon).unwrap().to_cell(Resolution::Eleven);
        let cells = at.grid_disk::<Vec<_>>(rings);
        let seen: Vec<_> = durations
            .iter()
            .enumerate()
            .map(|(i, (sector, duration_ms))| {
                let key = TrafficKey::new(cells[i * 7 % cells.len()], Sector::new(*sector).unwrap());
                observation(key.unwrap(), *duration_ms)
            })
            .collect();
        let mut state = TrafficState::new(TrafficConfig::default());
        for position in 0..3 {
            let observations = seen.clone();
            let row = Row { position, driver: position, folded_at_ms: NOW_MS, observations, ..Row::default() };
            state.apply(row).unwrap();
        }
        let snapshot = state.publish(Tick::of_unix_ms(NOW_MS));
        let live: Vec<_> = state
            .shards
            .values()
            .flat_map(|shard| published(&shard.keys))
            .map(|(_, published)| published.flow(snapshot.slot()))
            .collect();
        let want = live.iter().fold((0, 0), |s, f| (s.0 + f.distance, s.1 + f.duration));
        let shards = snapshot.shards();
        let mut free = None;
        for resolution in (1..=10).rev() {
            let mut groups: Vec<_> = shards.iter().flat_map(|s| s.groups(resolution)).collect();
            groups.extend(snapshot.coarse().groups(resolution));
            let got = groups
                .iter()
                .fold((0, 0), |s, g| (s.0 + g.flow.distance, s.1 + g.flow.duration));
            prop_assert_eq!(got, want, "resolution {}", resolution);
            let got: u64 = groups.iter().map(|group| group.flow.free).sum();
            prop_assert_eq!(got, *free.get_or_insert(got));
            for pair in groups.windows(2) {
                prop_assert!((pair[0].cell, pair[0].sector) < (pair[1].cell, pair[1].sector));
            }
        }
    }
}
