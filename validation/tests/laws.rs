//! What holds for any fixes.

mod drive;

use drive::{START_MS, quantise, straight};
use hexmile_trace::{Fix, FixFlags, FixParts, RawFix};
use hexmile_validation::{Rules, Verdict, assess};
use proptest::{collection::vec, option, prelude::*};

/// Any fix at all; times and places come close to one another often enough to matter.
fn any_fix() -> impl Strategy<Value = Fix> {
    let time = prop_oneof![0..(1u64 << 44), 0..50u64, (0..400u64).prop_map(|s| s * 1000)];
    let lat = prop_oneof![-90_000_000..=90_000_000i32, 48_000_000..48_002_000i32, Just(90_000_000)];
    let lon =
        prop_oneof![-180_000_000..=180_000_000i32, 11_000_000..11_002_000i32, Just(-180_000_000)];
    (time, lat, lon, any::<[u16; 2]>(), 0..8u8).prop_map(
        |(time_ms, lat_e6, lon_e6, [a, s], bits)| {
            let flags = FixFlags::from_bits(bits).expect("in range");
            Fix::from_parts(&FixParts {
                time_ms,
                lat_e6,
                lon_e6,
                accuracy_dm: if flags.contains(FixFlags::ACCURACY) { a } else { 0 },
                speed_cmps: if flags.contains(FixFlags::SPEED) { s } else { 0 },
                flags,
                ..FixParts::default()
            })
            .expect("in range")
        },
    )
}

/// A bad fix put into a drive: where, and what is wrong with it.
fn spoil(raw: &mut [RawFix], places: &[(usize, u8)]) {
    for &(at, kind) in places {
        let fix = &mut raw[at];
        match kind {
            0 => fix.mock = true,
            1 => fix.accuracy_m = Some(400.0),
            2 => fix.latitude_deg += 0.05,
            3 => fix.latitude_deg += 0.0006,
            4 => fix.time_ms -= 60_000,
            5 => fix.time_ms += 3_600_000,
            6 => fix.speed_mps = Some(90.0),
            _ => fix.time_ms -= 1000,
        }
    }
}

proptest! {
    #[test]
    fn any_fixes_have_an_assessment(fixes in vec(any_fix(), 0..60)) {
        let got = assess(&fixes, &Rules::default());
        prop_assert_eq!(got.fates.len(), fixes.len());
        prop_assert_eq!(got.fixes_kept() + got.dropped.total(), fixes.len() as u32);
        prop_assert_eq!(got.kept(&fixes).count() as u32, got.fixes_kept());
        prop_assert!(got.quality_ppm <= 1_000_000);
        prop_assert_eq!(got.verdict() == Verdict::Accepted, got.reasons.is_empty());
        let times: Vec<u64> = got.kept(&fixes).map(Fix::time_ms).collect();
        prop_assert!(times.is_sorted_by(|a, b| a < b));
        prop_assert!(got.distance_cm <= 50_001 * u64::from(got.fixes_kept()));
    }

    #[test]
    fn any_thresholds_are_survived(fixes in vec(any_fix(), 0..30), n in any::<[u32; 8]>()) {
        let rules = Rules {
            max_speed_cmps: n[0], teleport_speed_cmps: n[1], max_acceleration_cmps2: n[2],
            speed_error_cmps: n[3], parked_radius_dm: n[4], join_max_dm: n[5],
            parked_after_ms: u64::from(n[6]) << 32, join_max_ms: u64::from(n[7]) << 32,
            max_accuracy_dm: n[0] as u16, assumed_accuracy_dm: n[1] as u16,
            ..Rules::default()
        };
        prop_assert!(assess(&fixes, &rules).quality_ppm <= 1_000_000);
    }

    #[test]
    fn a_straight_drive_is_accepted_whole(count in 2..300usize, interval in 0.5..30.0f64,
                                          speed in 1.0..60.0f64, accuracy in 3.0..20.0f64) {
        let mut raw = straight(count, interval, speed);
        for fix in &mut raw {
            fix.accuracy_m = Some(accuracy);
            fix.speed_mps = Some(speed);
        }
        let got = assess(&quantise(&raw), &Rules::default());
        prop_assert_eq!(got.verdict(), Verdict::Accepted);
        prop_assert_eq!(got.dropped.total(), 0);
    }

    #[test]
    fn the_time_of_day_does_not_matter(fixes in vec(any_fix(), 0..40), shift in 0..1u64 << 40) {
        let shifted: Option<Vec<Fix>> = fixes
            .iter()
            .map(|f| {
                let parts = f.parts();
                Fix::from_parts(&FixParts { time_ms: parts.time_ms + shift, ..parts }).ok()
            })
            .collect();
        if let Some(shifted) = shifted {
            let rules = Rules::default();
            prop_assert_eq!(assess(&fixes, &rules), assess(&shifted, &rules));
        }
    }

    #[test]
    fn removing_what_was_dropped_makes_no_verdict_worse(
        spoils in vec((0..60usize, 0..8u8), 0..8), stand in any::<bool>(),
    ) {
        let mut raw = straight(60, 1.0, 14.0);
        if stand {
            let tail = raw[59];
            raw.extend((1..250).map(|i| RawFix { time_ms: START_MS + 59_000 + i * 1000, ..tail }));
        }
        spoil(&mut raw, &spoils);
        let fixes = quantise(&raw);
        let rules = Rules::default();
        let whole = assess(&fixes, &rules);
        for i in (0..fixes.len()).filter(|&i| whole.fates[i].is_some()) {
            let mut fewer = fixes.clone();
            fewer.remove(i);
            let got = assess(&fewer, &rules);
            prop_assert!(
                whole.verdict() == Verdict::Rejected || got.verdict() == Verdict::Accepted,
                "without fix {}: {:?}", i, got.reasons
            );
        }
    }

    #[test]
    fn of_bad_fixes_here_and_there_each_is_dropped_and_nothing_else(kinds in vec(option::of(0..8u8), 7)) {
        let spoils: Vec<(usize, u8)> = (0usize..)
            .zip(kinds)
            .filter_map(|(i, kind)| kind.map(|kind| (i * 8 + 4, kind)))
            .collect();
        let mut raw = straight(60, 1.0, 14.0);
        spoil(&mut raw, &spoils);
        let fixes = quantise(&raw);
        let got = assess(&fixes, &Rules::default());
        let dropped: Vec<usize> = (0..60).filter(|&i| got.fates[i].is_some()).collect();
        let bad: Vec<usize> = spoils.iter().map(|&(at, _)| at).collect();
        prop_assert_eq!(dropped, bad);
        prop_assert_eq!(got.verdict(), Verdict::Accepted);
    }
}
