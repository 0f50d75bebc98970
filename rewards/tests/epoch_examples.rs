//! Epochs by example: what drivers earn, and what is refused.

mod world;

use hexmile_rewards::{
    Bucket, Credited, EpochError, EpochInput, Pool, RegionId, Rules, close, ledger,
};
use world::{Drive, cell, close_with, epoch, pool, score_of, score_sum};

#[test]
fn a_first_pass_earns_both_bases() {
    assert_eq!(score_sum(&epoch(&[Drive::by(1, 0)])), 1_100_000);
    let late = |delay_s| score_sum(&epoch(&[Drive { delay_s, ..Drive::by(1, 0) }]));
    assert_eq!(late(360), 1_100_000);
    assert_eq!(late(1_980), 1_050_000);
    assert_eq!(late(3_600), 1_000_000);
    assert_eq!(late(600_000), 1_000_000);
    let weak = Drive { quality_ppm: 300_000, ..Drive::by(1, 0) };
    assert_eq!(score_sum(&epoch(&[weak])), 330_000);
}

#[test]
fn a_slot_is_divided_by_quality() {
    let weak = Drive { quality_ppm: 250_000, ..Drive::by(2, 0) };
    let result = epoch(&[Drive::by(1, 0), weak]);
    assert_eq!((score_of(&result, 1), score_of(&result, 2)), (880_000, 220_000));
    // Three passes of one account are one, whichever comes first.
    let again = |trace| Drive { trace, quality_ppm: 500_000, ..Drive::by(1, 0) };
    let repeated = epoch(&[again(1), Drive::by(1, 0), weak, again(2)]);
    assert_eq!((score_of(&repeated, 1), score_of(&repeated, 2)), (880_000, 220_000));
}

#[test]
fn a_car_of_three_phones_is_one_driver() {
    let phone = |account| Drive { unit: 9, trace: u16::from(account), ..Drive::by(account, 0) };
    let result = epoch(&[phone(1), phone(2), phone(3), Drive::by(4, 0)]);
    assert_eq!(score_of(&result, 4), 550_000);
    for account in 1..=3 {
        assert_eq!(score_of(&result, account), 500_000 / 3 + 50_000 / 3);
    }
}

/// Coverage earned in a week by `laps` laps a day, evenly spread, each day an epoch.
fn week(laps: u32) -> u64 {
    let rules = Rules { freshness_score: 0, ..Rules::default() };
    let mut buckets: Vec<Bucket> = Vec::new();
    let mut sum = 0;
    for day in 0..7 {
        let drives = (0..laps).map(|lap| Drive {
            trace: (day * laps + lap) as u16,
            slot: day * 24 + lap * 24 / laps,
            ..Drive::by(1, 0)
        });
        let result = close_with(u64::from(day), pool(1, 1), drives, buckets, &rules);
        sum += score_sum(&result);
        buckets = result.buckets;
    }
    sum
}

#[test]
fn circling_earns_what_the_bucket_refills() {
    // One lap: the full bucket, then six days' refill. A hundred: up to the last hour of the week.
    assert_eq!(week(1), 1_000_000 + 6 * 24 * 1_000_000 / 168);
    let ratio_ppm = week(100) * 1_000_000 / week(1);
    assert!((1_070_000..=1_077_000).contains(&ratio_ppm), "{ratio_ppm}");
}

#[test]
fn late_passes_come_after_what_was_paid() {
    let rules = Rules::default();
    let first = close_with(1, pool(1, 1), [Drive::by(1, 30)], vec![], &rules);
    assert_eq!(first.buckets[0].last_slot, world::FIRST_SLOT + 30);
    // Captured earlier, and received when its slot was long paid: it gets one slot's refill.
    let late = Drive { delay_s: 9_000, ..Drive::by(2, 10) };
    let second = close_with(2, pool(1, 1), [late], first.buckets, &rules);
    assert_eq!(score_sum(&second), 1_000_000 / 168);
    assert_eq!(second.buckets[0].last_slot, world::FIRST_SLOT + 31);
}

#[test]
fn below_the_target_the_rest_is_unallocated() {
    let result =
        close_with(1, pool(1_000, 2_200_000), [Drive::by(1, 0)], vec![], &Rules::default());
    assert_eq!((result.scores[0].pay, result.pools[0].unallocated), (500, 500));
    let empty = close_with(1, pool(1_000, 0), [], vec![], &Rules::default());
    assert_eq!((empty.scores.len(), empty.pools[0].unallocated), (0, 1_000));
    let balances = ledger::verify(&empty.entries).unwrap();
    assert!(balances.is_empty());
}

#[test]
fn bad_input_is_refused_by_name() {
    let rules = Rules::default();
    let with = |pools: Vec<Pool>, contributions: Vec<Credited>, buckets: Vec<Bucket>| {
        close(EpochInput { number: 1, pools, contributions, buckets, rules: &rules })
    };
    let one = Drive::by(1, 0).credited();
    let bucket = epoch(&[Drive::by(1, 0)]).buckets;
    let check =
        |got: Result<_, EpochError>, want: EpochError| assert_eq!(got.map(|_| ()), Err(want));

    check(with(vec![], vec![one], vec![]), EpochError::NoPool(RegionId(0)));
    check(with(vec![pool(1, 1); 2], vec![], vec![]), EpochError::DuplicatePool(RegionId(0)));
    check(with(vec![pool(1 << 63, 1)], vec![], vec![]), EpochError::PoolTooLarge(RegionId(0)));
    check(
        with(vec![pool(1, 1)], vec![], [bucket.clone(), bucket].concat()),
        EpochError::DuplicateBucket(cell(0)),
    );
    let mut other = one;
    other.contribution.distance_cm += 1;
    check(
        with(vec![pool(1, 1)], vec![one, other], vec![]),
        EpochError::ConflictingContributions(cell(0)),
    );
    let mut elsewhere = Drive::by(2, 0).credited();
    elsewhere.region = RegionId(1);
    let pools = vec![pool(1, 1), Pool { region: RegionId(1), ..pool(1, 1) }];
    check(with(pools, vec![one, elsewhere], vec![]), EpochError::ConflictingRegions(cell(0)));
    let broken = Rules { coverage_refill_slots: 0, ..rules };
    let input = EpochInput {
        number: 1,
        pools: vec![],
        contributions: vec![],
        buckets: vec![],
        rules: &broken,
    };
    assert!(matches!(close(input), Err(EpochError::Rules(_))));
}

#[test]
fn extreme_values_do_not_overflow() {
    let rules = Rules {
        coverage_score: 1 << 30,
        coverage_refill_slots: 8_784,
        freshness_score: 1 << 30,
        freshness_refill_slots: 8_784,
        ..Rules::default()
    };
    let mut late = Drive::by(1, 0).credited();
    late.contribution.slot = u32::MAX;
    late.contribution.distance_cm = u32::MAX;
    let full = Bucket {
        cell: cell(0),
        last_slot: u32::MAX,
        coverage_level: u64::MAX,
        freshness_level: u64::MAX,
        earned: vec![],
    };
    for buckets in [vec![], vec![full]] {
        let pools = vec![pool((1 << 63) - 1, 1)];
        let contributions = vec![late, Drive::by(2, 0).credited()];
        let result =
            close(EpochInput { number: u64::MAX, pools, contributions, buckets, rules: &rules });
        let result = result.unwrap();
        assert!(result.pools[0].paid > (1 << 63) - 10);
        ledger::verify(&result.entries).unwrap();
    }
}
