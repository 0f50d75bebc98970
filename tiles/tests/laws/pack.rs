//! Laws of observations and of their packed form.

use std::collections::BTreeSet;

use h3o::{CellIndex, LatLng, Resolution};
use hexmile_tiles::{
    MIN_DISTANCE_CM, Observation, Offset, PARKED_MS, Sector, Slot, TrafficKey, UnpackError,
    observe, pack, snap, unpack,
};
use hexmile_trace::{Fix, FixParts, Position};
use proptest::prelude::*;

fn offset() -> impl Strategy<Value = Option<Offset>> {
    proptest::option::of(
        (-1000i16..=1000, -1000i16..=1000)
            .prop_map(|(east_dm, north_dm)| Offset { east_dm, north_dm }),
    )
}

fn observation() -> impl Strategy<Value = Observation> {
    let cell = (-90.0..90.0f64, -180.0..180.0f64)
        .prop_map(|(lat, lon)| LatLng::new(lat, lon).unwrap().to_cell(Resolution::Eleven));
    (cell, 0u8..8, any::<u32>(), any::<u32>(), any::<u32>(), 0u16..3600, offset(), offset())
        .prop_map(|(cell, sector, slot, distance_cm, duration_ms, heading_ddeg, entry, exit)| {
            Observation {
                key: TrafficKey::new(cell, Sector::new(sector).unwrap()).unwrap(),
                slot: Slot::new(slot),
                distance_cm,
                duration_ms,
                heading_ddeg,
                entry,
                exit,
            }
        })
}

proptest! {
    #[test]
    fn packing_round_trips(observations in proptest::collection::vec(observation(), 0..40)) {
        let bytes = pack(&observations);
        prop_assert_eq!(unpack(&bytes), Ok(observations));
    }

    /// Hostile bytes give an error or the one sequence that packs to them.
    #[test]
    fn unpacking_is_total_and_canonical(
        observations in proptest::collection::vec(observation(), 0..4),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = pack(&observations);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(found) = unpack(&bytes) {
            prop_assert_eq!(pack(&found), bytes);
        }
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut versioned = vec![1];
        versioned.extend(&bytes);
        for bytes in [bytes, versioned] {
            if let Ok(found) = unpack(&bytes) {
                prop_assert_eq!(pack(&found), bytes);
            }
        }
    }

    /// What is observed is what was snapped, but for parking and touched corners.
    #[test]
    fn observing_conserves_distance_and_time(
        lat in -89.0..89.0f64, lon in -180.0..180.0f64,
        steps in proptest::collection::vec((1u64..20, 0.0..360.0f64, prop_oneof![Just(0.0), 0.0..60.0f64]), 1..60),
    ) {
        let fixes = drive(lat, lon, &steps);
        let observed = observe(&fixes);
        let snapped = snap(&fixes, Resolution::Eleven);
        let cells: BTreeSet<CellIndex> = snapped.iter().map(|pass| pass.cell).collect();
        prop_assert!(observed.iter().all(|o| cells.contains(&o.key.cell())));
        let parked = snapped.iter().any(|pass| pass.stopped_ms >= PARKED_MS);
        let (got_cm, want_cm): (u64, u64) = (
            observed.iter().map(|o| u64::from(o.distance_cm)).sum(),
            snapped.iter().map(|pass| pass.distance_cm).sum(),
        );
        prop_assert!(got_cm <= want_cm);
        // At most a touched corner for each turn and each pass.
        let corners = 2 * (snapped.len() + steps.len()) as u64 * MIN_DISTANCE_CM;
        prop_assert!(parked || got_cm + corners >= want_cm, "{} of {} cm", got_cm, want_cm);
    }

    /// A drive that neither turns nor clips a corner is observed as it was snapped.
    #[test]
    fn passes_straight_through_are_observed_as_they_are(
        lat in -80.0..80.0f64, lon in -180.0..180.0f64, bearing in 0.0..360.0f64,
        steps in proptest::collection::vec((1u64..9, 3.0..60.0f64), 4..40),
    ) {
        let steps: Vec<_> = steps.into_iter().map(|(seconds, metres)| (seconds, bearing, metres)).collect();
        let fixes = drive(lat, lon, &steps);
        let passes = snap(&fixes, Resolution::Eleven);
        let observed = observe(&fixes);
        for near in passes.windows(3).filter(|near| near.iter().all(|p| p.distance_cm >= 1_200)) {
            let p = near[1];
            let o = observed.iter().find(|o| o.key.cell() == p.cell).expect("an observation of it");
            prop_assert_eq!(o.key.sector(), p.sector);
            prop_assert_eq!((o.distance_cm as u64, o.duration_ms as u64), (p.distance_cm, p.duration_ms));
            prop_assert_eq!((o.entry.is_some(), o.exit.is_some()), (p.entered, p.left));
        }
    }
}

fn drive(lat: f64, lon: f64, steps: &[(u64, f64, f64)]) -> Vec<Fix> {
    let mut at = Position::from_rad(lat.to_radians(), lon.to_radians());
    let mut time_ms = 1_700_000_000_000;
    let fix = |time_ms, at: Position| {
        let (lat_e6, lon_e6) = (at.lat_e6(), at.lon_e6());
        Fix::from_parts(&FixParts { time_ms, lat_e6, lon_e6, ..FixParts::default() }).unwrap()
    };
    let mut fixes = vec![fix(time_ms, at)];
    for (seconds, bearing, metres) in steps {
        time_ms += seconds * 1000;
        at = at.destination(*bearing, *metres);
        fixes.push(fix(time_ms, at));
    }
    fixes
}

#[test]
fn offsets_point_at_where_the_border_was_crossed() {
    let fixes = drive(41.88, -87.63, &[(2, 80.0, 30.0); 20]);
    let observations = observe(&fixes);
    let borders: Vec<Position> =
        snap(&fixes, Resolution::Eleven).iter().flat_map(|pass| [pass.entry, pass.exit]).collect();
    assert!(observations.len() > 8);
    for observation in &observations {
        let centre = LatLng::from(observation.key.cell());
        let centre = Position::from_rad(centre.lat_radians(), centre.lng_radians());
        for offset in [observation.entry, observation.exit].into_iter().flatten() {
            let bearing = libm::atan2(offset.east_dm.into(), offset.north_dm.into()).to_degrees();
            let metres = libm::hypot(offset.east_dm.into(), offset.north_dm.into()) / 10.0;
            let at = centre.destination(bearing, metres);
            assert!(borders.iter().any(|border| border.distance_m(at) < 0.4));
        }
    }
}

/// The road up to a junction is observed apart from the road behind it, the wait with the former.
#[test]
fn a_turn_cuts_a_pass() {
    let mut steps = vec![(2, 90.0, 20.0); 9];
    steps.extend([(20, 90.0, 0.0), (20, 90.0, 0.0), (2, 90.0, 6.0)]);
    steps.extend([(2, 0.0, 20.0); 9]);
    let observations = observe(&drive(41.88, -87.63, &steps));
    assert!(observations.iter().all(|o| [0, 2].contains(&o.key.sector().number())));
    let slow: Vec<_> = observations.iter().filter(|o| o.duration_ms > 40_000).collect();
    assert!(slow.len() == 1 && slow[0].key.sector().number() == 2, "{slow:?}");
    // Nothing is missing between the ends of two that follow one another.
    assert!(
        observations[1..observations.len() - 1]
            .iter()
            .all(|o| o.entry.is_some() && o.exit.is_some())
    );
}

#[test]
fn a_parked_car_is_not_traffic_and_a_red_light_is() {
    let stand = |seconds: u64| {
        let mut steps = vec![(2, 90.0, 20.0); 3];
        steps.extend(vec![(10, 0.0, 0.0); seconds as usize / 10]);
        steps.extend(vec![(2, 90.0, 20.0); 3]);
        let longest = observe(&drive(41.88, -87.63, &steps)).iter().map(|o| o.duration_ms).max();
        longest.unwrap_or(0) > 10_000
    };
    assert!(stand(120));
    assert!(!stand(200));
    assert!(observe(&drive(41.88, -87.63, &[(10, 0.0, 0.0); 10])).is_empty());
}

#[test]
fn faults_are_named() {
    let cell = CellIndex::try_from(0x08b2_6649_5125_1fff).unwrap();
    let one = pack(&[Observation {
        key: TrafficKey::new(cell, Sector::new(3).unwrap()).unwrap(),
        slot: Slot::new(1),
        distance_cm: 2,
        duration_ms: 3,
        heading_ddeg: 4,
        entry: None,
        exit: None,
    }]);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = one.clone();
        change(&mut bytes);
        unpack(&bytes)
    };
    for (got, want) in [
        (unpack(&[]), UnpackError::Truncated),
        (unpack(&[9, 0]), UnpackError::Version(9)),
        (unpack(&[1, 0x80]), UnpackError::Truncated),
        (unpack(&[1, 0x80, 0]), UnpackError::Overlong),
        (unpack(&[1, 0, 0]), UnpackError::Trailing),
        (unpack(&[1, 0xff, 0xff, 0xff, 0x7f]), UnpackError::Count),
        (
            with(&|b| {
                b.pop();
            }),
            UnpackError::Truncated,
        ),
        (with(&|b| b.push(0)), UnpackError::Trailing),
        (with(&|b| b[2] = 0xff), UnpackError::Cell),
    ] {
        assert_eq!(got, Err(want));
    }
    assert!(TrafficKey::from_u64(0).is_none());
    assert!(
        TrafficKey::new(cell.parent(Resolution::Ten).unwrap(), Sector::new(0).unwrap()).is_none()
    );
}
