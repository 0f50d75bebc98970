//! What holds for every epoch, whatever was driven.

mod world;

use hexmile_rewards::{
    Bucket, EpochInput, EpochResult, Pool, RegionId, Rules, close,
    ledger::{self, LedgerAccount},
    merkle,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use world::{Drive, close_with, epoch, pool, score_of, score_sum};

fn drive() -> impl Strategy<Value = Drive> {
    let quality = prop_oneof![0..=1_000_000u32, Just(1_000_000), 0..3u32];
    (0..6u8, 0..4u8, 0..40u16, 0..4u16, 0..60u32, quality, 0..5_000u64).prop_map(
        |(account, unit, trace, cell, slot, quality_ppm, delay_s)| Drive {
            account,
            unit,
            trace,
            cell,
            slot,
            quality_ppm,
            delay_s,
        },
    )
}

/// Buckets after some earlier epoch.
fn earlier() -> impl Strategy<Value = Vec<Bucket>> {
    vec(drive(), 0..10).prop_map(|drives| epoch(&drives).buckets)
}

fn rules() -> impl Strategy<Value = Rules> {
    (1..1u32 << 30, 1..8_784u32, 0..1u32 << 30, 1..100u32, 1..40_000u32).prop_map(
        |(c, cs, f, fs, d)| Rules {
            coverage_score: c,
            coverage_refill_slots: cs,
            freshness_score: f,
            freshness_refill_slots: fs,
            full_distance_cm: d,
            ..Rules::default()
        },
    )
}

fn bytes(result: &EpochResult) -> Vec<u8> {
    let mut out: Vec<u8> = result.scores.iter().flat_map(|s| s.leaf(result.number)).collect();
    for bucket in &result.buckets {
        out.extend(u64::from(bucket.cell).to_be_bytes());
        out.extend(bucket.pack());
    }
    for entry in &result.entries {
        out.extend(format!("{entry:?}").bytes());
    }
    out.extend(result.scores_root);
    out
}

proptest! {
    #[test]
    fn pay_and_unallocated_are_the_pool(drives in vec(drive(), 0..80), buckets in earlier(), rules in rules(),
                                        amount in 0..1u64 << 63, target in any::<u64>()) {
        let result = close_with(4, pool(amount, target), drives, buckets, &rules);
        let paid: u64 = result.scores.iter().map(|s| s.pay).sum();
        let pool = result.pools[0];
        prop_assert_eq!(paid, pool.paid);
        prop_assert_eq!(u128::from(paid) + u128::from(pool.unallocated), u128::from(amount));
        prop_assert_eq!(result.scores.iter().map(|s| s.score).sum::<u64>(), pool.score_sum);

        let balances = ledger::verify(&result.entries).unwrap();
        prop_assert_eq!(balances.values().sum::<i128>(), 0);
        for score in &result.scores {
            let balance = balances.get(&LedgerAccount::Driver(score.account)).copied();
            prop_assert_eq!(balance.unwrap_or(0), i128::from(score.pay));
        }
        let leaves: Vec<_> = result.scores.iter().map(|s| merkle::leaf_hash(&s.leaf(4))).collect();
        prop_assert_eq!(merkle::root_of(&leaves), result.scores_root);
    }

    #[test]
    fn order_and_repetition_do_not_matter(drives in vec(drive(), 1..60), buckets in earlier(),
                                          swaps in vec(any::<[Index; 2]>(), 0..60), again in vec(any::<Index>(), 0..5)) {
        let result = |drives: &[Drive], buckets: Vec<Bucket>| {
            close_with(1, pool(1 << 40, 1 << 20), drives.iter().copied(), buckets, &Rules::default())
        };
        let first = bytes(&result(&drives, buckets.clone()));
        let mut other = drives.clone();
        other.extend(again.iter().map(|i| drives[i.index(drives.len())]));
        for [a, b] in swaps {
            let len = other.len();
            other.swap(a.index(len), b.index(len));
        }
        let mut reversed = buckets;
        reversed.reverse();
        prop_assert_eq!(first, bytes(&result(&other, reversed)));
    }

    #[test]
    fn cells_do_not_touch_one_another(drives in vec(drive(), 0..60)) {
        let whole = epoch(&drives);
        let apart: u64 = (0..4)
            .map(|cell| {
                let there: Vec<Drive> = drives.iter().copied().filter(|d| d.cell == cell).collect();
                score_sum(&epoch(&there))
            })
            .sum();
        prop_assert_eq!(score_sum(&whole), apart);
    }

    #[test]
    fn weak_passes_never_earn_more_than_a_strong_one(qualities in vec(0..=1_000_000u32, 1..20)) {
        let weak: Vec<Drive> = (1u8..).zip(&qualities)
            .map(|(account, &quality_ppm)| Drive { quality_ppm, ..Drive::by(account, 3) })
            .collect();
        let best = *qualities.iter().max().unwrap();
        let strong = epoch(&[Drive { quality_ppm: best, ..Drive::by(1, 3) }]);
        prop_assert!(score_sum(&epoch(&weak)) <= score_sum(&strong));
    }

    #[test]
    fn another_pass_no_better_raises_nobody(mut drives in vec(drive(), 1..30), extra in drive()) {
        for drive in &mut drives {
            drive.slot = 0;
            drive.cell = 0;
            drive.unit = drive.account;
            drive.delay_s = 0;
        }
        let best = drives.iter().map(|d| d.quality_ppm).max().unwrap();
        let before = epoch(&drives);
        drives.push(Drive {
            account: 99, unit: 99, slot: 0, cell: 0, delay_s: 0, quality_ppm: extra.quality_ppm.min(best), ..extra
        });
        let after = epoch(&drives);
        // Up to what flooring leaves in the bucket, less than one unit for each share.
        prop_assert!(score_sum(&after) < score_sum(&before) + 2 * drives.len() as u64);
        for account in 0..6 {
            prop_assert!(score_of(&after, account) <= score_of(&before, account));
        }
    }

    #[test]
    fn more_phones_in_a_car_earn_no_more(drives in vec(drive(), 1..30), phones in 2..5u8) {
        // Each drive again by other accounts of the same unit, with traces of their own.
        let crowd: Vec<Drive> = drives
            .iter()
            .flat_map(|&d| (0..phones).map(move |p| Drive { account: d.account + 10 * p, trace: d.trace + 100 * u16::from(p), ..d }))
            .collect();
        let alone = epoch(&drives);
        let together = epoch(&crowd);
        // Up to what flooring leaves in a bucket, which a later slot may pay.
        prop_assert!(score_sum(&together) <= score_sum(&alone) + crowd.len() as u64);
    }

    #[test]
    fn a_unit_earns_at_most_one_freshness_base_per_cell_and_day(
        drives in vec(drive(), 0..60), cut in any::<Index>(),
    ) {
        // Coverage out of the way; the day in two epochs, cut anywhere.
        let rules = Rules { coverage_score: 1, coverage_refill_slots: 8_784, ..Rules::default() };
        let mut drives: Vec<Drive> = drives.into_iter().map(|d| Drive { account: 1, unit: 1, cell: 0, slot: d.slot % 24, ..d }).collect();
        drives.sort_by_key(|d| d.slot);
        let (early, late) = drives.split_at(cut.index(drives.len() + 1));
        let first = close_with(1, pool(1, 1), early.iter().copied(), vec![], &rules);
        let second = close_with(2, pool(1, 1), late.iter().copied(), first.buckets.clone(), &rules);
        // Two slots of the first day may become slots of the next, pushed on by the cut.
        let pushed = second.buckets.iter().any(|b| b.last_slot / 24 != (world::FIRST_SLOT) / 24);
        let days = if pushed { 2 } else { 1 };
        prop_assert!(score_sum(&first) + score_sum(&second) <= days * 100_000 + 1);
    }

    #[test]
    fn a_late_joiner_earns_the_same_for_the_same_work(history in vec(drive(), 0..40), slot in 60..100u32) {
        // Account 1 has a past, account 200 has none; both drive a cell that nobody has driven.
        let past = history.into_iter().map(|d| Drive { account: 1, unit: 1, ..d });
        let first = close_with(1, pool(1_000, 1), past, vec![], &Rules::default());
        let drives = [1, 200].map(|account| Drive { cell: 50, ..Drive::by(account, slot) });
        let second = close_with(2, pool(1_000_000, 1), drives, first.buckets, &Rules::default());
        prop_assert_eq!(score_of(&second, 1), score_of(&second, 200));
        let pay: Vec<u64> = second.scores.iter().map(|s| s.pay).collect();
        prop_assert_eq!(pay[0], pay[1]);
    }

    #[test]
    fn regions_pay_from_their_own_pools(drives in vec(drive(), 0..60), amounts in any::<[u32; 2]>()) {
        let mut contributions: Vec<_> = drives.iter().map(|d| {
            let mut credited = d.credited();
            credited.region = RegionId(u32::from(d.cell % 2));
            credited
        }).collect();
        let pools: Vec<Pool> = (0..2u32)
            .map(|r| Pool { region: RegionId(r), amount: amounts[r as usize].into(), target_score: 1 })
            .collect();
        let rules = Rules::default();
        let input = EpochInput { number: 1, pools: pools.clone(), contributions: contributions.clone(), buckets: vec![], rules: &rules };
        let both = close(input).unwrap();
        ledger::verify(&both.entries).unwrap();
        contributions.retain(|c| c.region == RegionId(1));
        let one = close(EpochInput { number: 1, pools: vec![pools[1]], contributions, buckets: vec![], rules: &rules }).unwrap();
        let of_one: Vec<_> = both.scores.iter().filter(|s| s.region == RegionId(1)).copied().collect();
        prop_assert_eq!(of_one, one.scores);
        prop_assert_eq!(both.pools[1], one.pools[0]);
    }
}
