//! Contributions are built from passes and survive packing.

use hexmile_rewards::{
    Cell, CellPass, Contribution, SLOT_MS, UnpackError, contributions, pack, unpack,
};
use hexmile_trace::TraceId;
use proptest::{collection::vec, prelude::*};

const TRACE: TraceId = TraceId([5; 32]);

/// Cells 1 km apart.
fn cell(number: u16) -> Cell {
    let at = h3o::LatLng::new(-60.0 + f64::from(number) * 0.01, 11.5).expect("finite");
    Cell::try_from(u64::from(at.to_cell(h3o::Resolution::Ten))).expect("of resolution 10")
}

fn pass() -> impl Strategy<Value = CellPass> {
    let time = prop_oneof![any::<u64>(), 0..20 * SLOT_MS, 480_000 * SLOT_MS..480_002 * SLOT_MS];
    (0..200u16, time, prop_oneof![any::<u64>(), 0..60_000u64]).prop_map(
        |(number, entered_ms, distance_cm)| CellPass {
            cell: cell(number),
            entered_ms,
            distance_cm,
        },
    )
}

#[test]
fn passes_of_one_cell_and_hour_merge() {
    let at = |cell, entered_ms, distance_cm| CellPass {
        cell: self::cell(cell),
        entered_ms,
        distance_cm,
    };
    let hour = 480_000 * SLOT_MS;
    let passes = [
        at(1, hour + 5_000, 400),
        at(1, hour + SLOT_MS, 30),
        at(1, hour + 1_000, 600),
        at(0, hour, 7),
    ];
    let received_ms = hour + 61_000;
    let want = |cell, slot, distance_cm, delay_s| Contribution {
        trace: TRACE,
        cell: self::cell(cell),
        slot,
        quality_ppm: 900_000,
        distance_cm,
        delay_s,
    };
    assert_eq!(
        contributions(TRACE, 900_000, received_ms, passes),
        [want(1, 480_000, 1_000, 60), want(1, 480_001, 30, 0), want(0, 480_000, 7, 61)],
    );
    assert_eq!(contributions(TRACE, u32::MAX, 0, [passes[0]])[0].quality_ppm, 1_000_000);
}

#[test]
fn what_is_packed_belongs_together() {
    let passes = [0, 1].map(|n| CellPass { cell: cell(n), entered_ms: 0, distance_cm: 1 });
    let good = contributions(TRACE, 9, 0, passes);
    let refused = |change: fn(&mut Vec<Contribution>)| {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(pack(&bad).is_err(), "{bad:?}");
    };
    refused(|c| c.swap(0, 1));
    refused(|c| c[1] = c[0]);
    refused(|c| c[1].trace = TraceId([6; 32]));
    refused(|c| c[1].quality_ppm = 8);
    refused(|c| c.iter_mut().for_each(|c| c.quality_ppm = 1_000_001));
    let bytes = pack(&good).unwrap();
    assert_eq!(unpack(TRACE, &[]), Err(UnpackError::Truncated));
    assert_eq!(unpack(TRACE, &[2, 0, 0]), Err(UnpackError::Version(2)));
    assert_eq!(unpack(TRACE, &[&bytes[..], &[0]].concat()), Err(UnpackError::Trailing));
    assert_eq!(unpack(TRACE, &[1, 9, 0x7f]), Err(UnpackError::Field("count")));
    assert_eq!(unpack(TRACE, &[1, 9, 1, 0, 0, 0, 0]), Err(UnpackError::Field("cell")));
}

proptest! {
    #[test]
    fn packing_round_trips(passes in vec(pass(), 0..60), quality in 0..=1_000_000u32, received in any::<u64>()) {
        let made = contributions(TRACE, quality, received, passes.iter().copied());
        prop_assert!(made.is_sorted_by(|a, b| (a.cell, a.slot) < (b.cell, b.slot)));
        let driven: u128 = passes.iter().map(|p| u128::from(p.distance_cm)).sum();
        let kept: u128 = made.iter().map(|c| u128::from(c.distance_cm)).sum();
        prop_assert!(kept == driven || made.iter().any(|c| c.distance_cm == u32::MAX));
        let bytes = pack(&made).unwrap();
        prop_assert_eq!(unpack(TRACE, &bytes), Ok(made));
        for cut in 0..bytes.len() {
            prop_assert!(unpack(TRACE, &bytes[..cut]).is_err());
        }
    }

    #[test]
    fn the_order_of_passes_does_not_matter(mut passes in vec(pass(), 0..30), shift in any::<usize>()) {
        let made = contributions(TRACE, 1, 0, passes.iter().copied());
        let turn = shift.checked_rem(passes.len()).unwrap_or(0);
        passes.rotate_left(turn);
        passes.reverse();
        prop_assert_eq!(contributions(TRACE, 1, 0, passes), made);
    }

    #[test]
    fn hostile_bytes_are_read_in_one_form_or_refused(
        passes in vec(pass(), 0..8), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        garbage in any::<Vec<u8>>(),
    ) {
        let mut bytes = pack(&contributions(TRACE, 77, 0, passes)).unwrap();
        for (at, value) in flips {
            let len = bytes.len();
            bytes[at.index(len)] = value;
        }
        let versioned = [&[1], &garbage[..]].concat();
        for bytes in [bytes, garbage, versioned] {
            if let Ok(read) = unpack(TRACE, &bytes) {
                prop_assert_eq!(pack(&read).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn an_entry_takes_few_bytes(count in 1..60u16) {
        let passes = (0..count).map(|n| CellPass {
            cell: cell(n), entered_ms: 480_000 * SLOT_MS + u64::from(n), distance_cm: 10_400,
        });
        let bytes = pack(&contributions(TRACE, 900_000, 480_000 * SLOT_MS + 90_000, passes)).unwrap();
        prop_assert!(bytes.len() <= 20 + 11 * usize::from(count));
    }
}
