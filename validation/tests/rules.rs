//! Each rule by example: what it lets pass, what it drops, what rejects, and its edges.

mod drive;

use drive::{fix, quantise, straight};
use hexmile_trace::RawFix;
use hexmile_validation::{Reason, Rules, assess};

/// Asserts how many fixes are dropped for which reasons, and which reasons reject.
fn check(name: &str, raw: &[RawFix], dropped: &[(Reason, u32)], reasons: &[Reason]) {
    let fixes = quantise(raw);
    let got = assess(&fixes, &Rules::default());
    assert_eq!(got.dropped.iter().collect::<Vec<_>>(), dropped, "{name}: dropped");
    assert_eq!(got.reasons, reasons, "{name}: reasons");
    assert_eq!(got.fixes_kept() as usize, got.kept(&fixes).count(), "{name}: kept");
    if !reasons.is_empty() {
        assert_eq!(got.quality_ppm, 0, "{name}: quality");
    }
}

/// `raw` with the fixes at `places` changed.
fn with(
    mut raw: Vec<RawFix>,
    places: impl IntoIterator<Item = usize>,
    change: impl Fn(&mut RawFix),
) -> Vec<RawFix> {
    for i in places {
        change(&mut raw[i]);
    }
    raw
}

fn moved_north(
    raw: Vec<RawFix>,
    places: impl IntoIterator<Item = usize>,
    metres: f64,
) -> Vec<RawFix> {
    with(raw, places, |f| f.latitude_deg += metres / 111_194.9)
}

#[test]
fn honest_drives() {
    check("city, 1 Hz", &straight(300, 1.0, 14.0), &[], &[]);
    check("sparse", &straight(20, 30.0, 16.0), &[], &[]);
    check("every minute", &straight(20, 60.0, 16.0), &[], &[]);
    check("no accuracy", &with(straight(50, 1.0, 14.0), 0..50, |f| f.accuracy_m = None), &[], &[]);
    check("two fixes", &straight(2, 1.0, 14.0), &[], &[]);
}

#[test]
fn too_few_fixes() {
    check("none", &[], &[], &[Reason::TooFewFixes]);
    check("one", &straight(1, 1.0, 14.0), &[], &[Reason::TooFewFixes]);
}

#[test]
fn mock() {
    let drive = || straight(100, 1.0, 14.0);
    let mocked = |places| with(drive(), places, |f| f.mock = true);
    check("one", &mocked(50..51), &[(Reason::Mock, 1)], &[]);
    check("a fifth", &mocked(0..20), &[(Reason::Mock, 20)], &[]);
    check("more than a fifth", &mocked(0..21), &[(Reason::Mock, 21)], &[Reason::Mock]);
    check("all", &mocked(0..100), &[(Reason::Mock, 100)], &[Reason::Mock, Reason::TooFewFixes]);
}

#[test]
fn accuracy() {
    let poor =
        |places, metres| with(straight(100, 1.0, 14.0), places, |f| f.accuracy_m = Some(metres));
    check("just good enough", &poor(0..100, 50.0), &[], &[]);
    check("just too poor", &poor(0..50, 50.1), &[(Reason::Accuracy, 50)], &[]);
    check("mostly too poor", &poor(0..51, 50.1), &[(Reason::Accuracy, 51)], &[Reason::Accuracy]);
}

#[test]
fn time_order() {
    let drive = || straight(100, 1.0, 14.0);
    let late = |places, ms: i64| with(drive(), places, move |f| f.time_ms += ms);
    check("one from the past", &late(50..51, -10_000), &[(Reason::TimeOrder, 1)], &[]);
    check("one from the future", &late(50..51, 86_400_000), &[(Reason::TimeOrder, 1)], &[]);
    check("one twice", &late(50..51, -1000), &[(Reason::DuplicateTime, 1)], &[]);
    let mut twice: Vec<RawFix> = drive().into_iter().flat_map(|f| [f, f]).collect();
    check("all twice", &twice, &[(Reason::DuplicateTime, 100)], &[]);
    twice = drive();
    twice.reverse();
    check(
        "backwards",
        &twice,
        &[(Reason::TimeOrder, 99)],
        &[Reason::TimeOrder, Reason::TooFewFixes],
    );
}

#[test]
fn speed() {
    check("fast on an empty motorway", &straight(300, 1.0, 69.0), &[], &[]);
    check("an express train", &straight(300, 1.0, 85.0), &[(Reason::Speed, 298)], &[Reason::Speed]);
    check(
        "an airliner",
        &straight(60, 1.0, 240.0),
        &[(Reason::Speed, 59)],
        &[Reason::Speed, Reason::TooFewFixes],
    );
    let reported = |mps| with(straight(100, 1.0, 14.0), 7..8, move |f| f.speed_mps = Some(mps));
    check("reported, at the limit", &reported(70.0), &[], &[]);
    check("reported, above it", &reported(70.01), &[(Reason::Speed, 1)], &[]);
    let jitter = with(straight(100, 1.0, 14.0), (0..100).step_by(2), |f| {
        f.latitude_deg += 10.0 / 111_194.9;
    });
    check("jitter is not speed", &jitter, &[], &[]);
}

#[test]
fn teleport() {
    let drive = || straight(100, 1.0, 14.0);
    check("a stale first fix", &moved_north(drive(), 0..1, 5e3), &[(Reason::Teleport, 1)], &[]);
    check("an excursion", &moved_north(drive(), 40..50, 5e3), &[(Reason::Teleport, 10)], &[]);
    check("two places, short", &moved_north(drive(), 80..100, 5e4), &[(Reason::Teleport, 20)], &[]);
    check(
        "two places",
        &moved_north(drive(), 60..100, 5e4),
        &[(Reason::Teleport, 40)],
        &[Reason::Teleport],
    );
    let mut flight = drive();
    for f in &mut flight[50..] {
        f.time_ms += 3_600_000;
    }
    check("far, but after an hour", &moved_north(flight, 50..100, 1e5), &[], &[]);
}

#[test]
fn acceleration() {
    let drive = || straight(100, 1.0, 14.0);
    check("a swerve within error", &moved_north(drive(), 50..51, 25.0), &[], &[]);
    check("one fix aside", &moved_north(drive(), 50..51, 45.0), &[(Reason::Acceleration, 1)], &[]);
    let at_the_antimeridian = with(drive(), 0..100, |f| {
        f.longitude_deg += 180.0 - 11.585;
        if f.longitude_deg > 180.0 {
            f.longitude_deg -= 360.0;
        }
    });
    let aside = moved_north(at_the_antimeridian, 53..54, 45.0);
    check("one fix aside where longitude wraps", &aside, &[(Reason::Acceleration, 1)], &[]);
    for end in [0, 99] {
        let fixes = quantise(&moved_north(drive(), [end], 80.0));
        let got = assess(&fixes, &Rules::default());
        assert_eq!(got.fates[end], Some(Reason::Acceleration), "an outlier at an end");
        assert_eq!(got.dropped.total(), 1);
    }
    let speeds = |places: core::ops::Range<usize>, mps| {
        let steady = with(drive(), 0..100, |f| f.speed_mps = Some(14.0));
        with(steady, places, move |f| f.speed_mps = Some(mps))
    };
    check("sets off with an old speed", &speeds(0..1, 0.0), &[], &[]);
    check("emergency stop", &speeds(50..100, 0.0), &[], &[]);
    check("a spike of speed", &speeds(50..51, 32.0), &[(Reason::Acceleration, 1)], &[]);
    check("a leap of speed", &speeds(50..100, 50.0), &[(Reason::Acceleration, 2)], &[]);
}

#[test]
fn turns_of_a_real_car_pass() {
    // A right angle at 8 m/s with a radius of 10 m (6.4 m/s², already spirited).
    let mut raw = straight(50, 1.0, 8.0);
    raw.extend((1..50).map(|i| fix(49.0 + f64::from(i), 49.0 * 8.0 + 5.0, f64::from(i) * 8.0)));
    check("a corner", &raw, &[], &[]);
}

#[test]
fn parked() {
    let standing =
        |seconds: usize| {
            let mut raw = straight(60, 1.0, 10.0);
            raw.extend((0..seconds).map(|i| fix(60.0 + i as f64, 600.0 + (i % 7) as f64, 3.0)));
            raw.extend((0..60).map(|i| {
                fix((60 + seconds) as f64 + f64::from(i), 610.0 + f64::from(i) * 10.0, 0.0)
            }));
            raw
        };
    check("a red light", &standing(120), &[], &[]);
    // The stay starts up to 30 m before the place and ends as far after it.
    let fixes = quantise(&standing(400));
    let long = assess(&fixes, &Rules::default());
    assert!((395..=405).contains(&long.dropped.of(Reason::Parked)), "{:?}", long.dropped);
    assert_eq!(long.dropped.total(), long.dropped.of(Reason::Parked));
    assert!(long.reasons.is_empty());
    assert_eq!(long.quality_ppm, 1_000_000);
    // Only the drive before and after is credited.
    assert!((1_130..=1_200).contains(&(long.distance_cm / 100)), "{}", long.distance_cm);

    let creeping = straight(600, 1.0, 0.25);
    check("a queue that creeps 45 m in 180 s", &creeping, &[], &[]);
    let all_day: Vec<RawFix> = (0..300).map(|i| fix(f64::from(i), 0.0, 0.0)).collect();
    check("a whole trace of it", &all_day, &[(Reason::Parked, 298)], &[]);
    let just: Vec<RawFix> = (0..=180).map(|i| fix(f64::from(i), 0.0, 0.0)).collect();
    check("from three minutes", &just, &[(Reason::Parked, 179)], &[]);
    check("below three minutes", &just[..180], &[], &[]);
    let sparse: Vec<RawFix> = (0..20).map(|i| fix(f64::from(i) * 60.0, 0.0, 0.0)).collect();
    check("with nothing joined", &sparse, &[], &[]);
}

#[test]
fn many_small_faults_together_reject() {
    let mut raw = with(straight(100, 1.0, 14.0), 0..36, |f| f.accuracy_m = Some(90.0));
    raw = with(raw, 40..60, |f| f.mock = true);
    check(
        "a half and more",
        &raw,
        &[(Reason::Mock, 20), (Reason::Accuracy, 36)],
        &[Reason::Mock, Reason::Accuracy],
    );
}

#[test]
fn distance_leaves_out_what_is_not_joined() {
    let metres = |raw: &[RawFix]| assess(&quantise(raw), &Rules::default()).distance_cm / 100;
    assert_eq!(metres(&straight(31, 1.0, 10.0)), 300);
    assert_eq!(metres(&straight(11, 30.0, 10.0)), 3_000);
    assert_eq!(metres(&straight(11, 30.1, 10.0)), 0);
    assert_eq!(metres(&straight(11, 20.0, 24.9)), 4_980);
    assert_eq!(metres(&straight(11, 20.0, 25.1)), 0);
}

#[test]
fn quality_falls_with_accuracy_interval_and_faults() {
    let quality = |raw: &[RawFix]| assess(&quantise(raw), &Rules::default()).quality_ppm;
    assert_eq!(quality(&straight(20, 1.0, 14.0)), 1_000_000);
    assert_eq!(quality(&straight(20, 16.5, 14.0)), 650_000);
    assert_eq!(quality(&straight(20, 31.0, 14.0)), 300_000);
    let poor = with(straight(20, 1.0, 14.0), 0..20, |f| f.accuracy_m = Some(30.0));
    assert_eq!(quality(&poor), 625_000);
    let faulty = with(straight(20, 1.0, 14.0), 0..2, |f| f.mock = true);
    assert_eq!(quality(&faulty), 800_000);
}
