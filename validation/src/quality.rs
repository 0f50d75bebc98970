//! Quality of a trace: the product of three factors in ppm, each floored.
//!
//! ```text
//! quality   = accuracy · sampling · soundness
//! accuracy  = 1 up to a mean of 10 m, then linear to 0.25 at the limit of the accuracy rule (50 m);
//!             where a fix reports none, 15 m is assumed
//! sampling  = 1 up to a mean joined interval of 3 s, then linear to 0.3 at 30 s; 0.3 with no joined pair
//! soundness = 1 - 2 · (faults / (kept + faults)), at least 0
//! ```
//!
//! The corners come from what the map gains: at 10 m a fix falls in its own resolution 11 cell (edge
//! 29 m) about as often as floating-car data do (87 %), and at 3 s and urban speed each such cell is
//! met by a fix. Parking and duplicates lower nothing.

use crate::{Dropped, Rules, assess::Travel};

const FULL_PPM: u64 = 1_000_000;
const GOOD_ACCURACY_DM: u64 = 100;
const POOREST_ACCURACY_PPM: u64 = 250_000;
const GOOD_INTERVAL_MS: u64 = 3_000;
const POOREST_SAMPLING_PPM: u64 = 300_000;

pub(crate) fn quality_ppm(travel: &Travel, dropped: &Dropped, rules: &Rules) -> u32 {
    if travel.fixes == 0 {
        return 0;
    }
    let accuracy_dm = travel.accuracy_dm_sum / u64::from(travel.fixes);
    let worst_dm = u64::from(rules.max_accuracy_dm);
    let accuracy = falling(accuracy_dm, GOOD_ACCURACY_DM, worst_dm, POOREST_ACCURACY_PPM);
    let sampling = match travel.joined_ms.checked_div(u64::from(travel.joined_steps)) {
        Some(ms) => falling(ms, GOOD_INTERVAL_MS, rules.join_max_ms, POOREST_SAMPLING_PPM),
        None => POOREST_SAMPLING_PPM,
    };
    let faults = u64::from(dropped.faults());
    let judged = u64::from(travel.fixes) + faults;
    let soundness = FULL_PPM.saturating_sub(2 * FULL_PPM * faults / judged);
    (accuracy * sampling / FULL_PPM * soundness / FULL_PPM) as u32
}

/// 1e6 up to `good`, `poorest` from `worst` on, linear between.
fn falling(value: u64, good: u64, worst: u64, poorest: u64) -> u64 {
    if value <= good {
        FULL_PPM
    } else if value >= worst {
        poorest
    } else {
        FULL_PPM - (FULL_PPM - poorest) * (value - good) / (worst - good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    fn check(accuracy_dm: u64, interval_ms: u64, faults: usize, want: u32) {
        let travel = Travel {
            fixes: 100,
            accuracy_dm_sum: 100 * accuracy_dm,
            joined_steps: 99,
            joined_ms: 99 * interval_ms,
            ..Travel::default()
        };
        let dropped = Dropped::count(&vec![Some(Reason::Speed); faults]);
        let got = quality_ppm(&travel, &dropped, &Rules::default());
        assert_eq!(got, want, "{accuracy_dm} dm, {interval_ms} ms, {faults} faults");
    }

    #[test]
    fn corners_of_the_formula() {
        check(40, 1_000, 0, 1_000_000);
        check(100, 3_000, 0, 1_000_000);
        check(300, 1_000, 0, 625_000);
        check(500, 1_000, 0, 250_000);
        check(9_000, 1_000, 0, 250_000);
        check(40, 16_500, 0, 650_000);
        check(40, 30_000, 0, 300_000);
        check(40, 1_000, 25, 600_000);
        check(40, 1_000, 100, 0);
        check(300, 16_500, 25, 243_750);
    }

    #[test]
    fn nothing_joined_is_poor_and_nothing_kept_is_worthless() {
        let rules = Rules::default();
        let alone = Travel { fixes: 2, accuracy_dm_sum: 80, ..Travel::default() };
        assert_eq!(quality_ppm(&alone, &Dropped::default(), &rules), 300_000);
        assert_eq!(quality_ppm(&Travel::default(), &Dropped::default(), &rules), 0);
    }
}
