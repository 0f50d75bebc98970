//! The thresholds of all rules, and the rules, one file each.
//!
//! Each rule marks fates: `None` is a fix that is kept so far, `Some(reason)` one that is dropped. A
//! rule looks only at fixes that the rules before it kept, and never keeps one again.

pub(crate) mod acceleration;
pub(crate) mod accuracy;
pub(crate) mod mock;
pub(crate) mod parked;
pub(crate) mod speed;
pub(crate) mod teleport;
pub(crate) mod time_order;
pub(crate) mod too_few_fixes;

use hexmile_trace::{Fix, MAX_JOIN_CM, MAX_JOIN_MS};

use crate::Reason;

/// Thresholds of every rule. Integers, so that a change is exact and can be published.
///
/// `Default` is the version in force; where each number comes from stands in the file of its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Raised whenever a threshold or a rule's meaning changes.
    pub version: u32,
    /// Accuracy above which a fix is dropped, dm.
    pub max_accuracy_dm: u16,
    /// Accuracy assumed where a fix reports none, dm.
    pub assumed_accuracy_dm: u16,
    /// Fastest ground speed, cm/s.
    pub max_speed_cmps: u32,
    /// Speed above which a jump is a teleport, cm/s.
    pub teleport_speed_cmps: u32,
    /// Hardest acceleration, braking or cornering, cm/s².
    pub max_acceleration_cmps2: u32,
    /// Error allowed between two reported speeds, cm/s.
    pub speed_error_cmps: u32,
    /// Radius that a parked vehicle's fixes stay within, dm.
    pub parked_radius_dm: u32,
    /// Standing time from which a vehicle counts as parked, ms.
    pub parked_after_ms: u64,
    /// Longest time between two fixes that are joined, ms.
    pub join_max_ms: u64,
    /// Longest distance between two fixes that are joined, dm.
    pub join_max_dm: u32,
    /// Share of mocked fixes above which the trace is rejected, ppm. This and the other shares are
    /// of the fixes kept and those dropped for the same.
    pub mock_share_ppm: u32,
    /// Share of fixes dropped for one impossible motion (time order, speed, teleport, acceleration)
    /// above which the trace is rejected, ppm.
    pub impossible_share_ppm: u32,
    /// Share of fixes dropped for any faults together above which the trace is rejected, ppm.
    pub fault_share_ppm: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            version: 1,
            max_accuracy_dm: 500,
            assumed_accuracy_dm: 150,
            max_speed_cmps: 7_000,
            teleport_speed_cmps: 30_000,
            max_acceleration_cmps2: 1_200,
            speed_error_cmps: 500,
            parked_radius_dm: 300,
            parked_after_ms: 180_000,
            join_max_ms: MAX_JOIN_MS,
            join_max_dm: (MAX_JOIN_CM / 10) as u32,
            mock_share_ppm: 200_000,
            impossible_share_ppm: 200_000,
            fault_share_ppm: 500_000,
        }
    }
}

impl Rules {
    /// Runs every rule that drops fixes, in this order, and gives each fix its fate.
    pub(crate) fn mark(&self, fixes: &[Fix]) -> Vec<Option<Reason>> {
        let mut fates = vec![None; fixes.len()];
        mock::mark(fixes, &mut fates);
        accuracy::mark(fixes, &mut fates, self);
        time_order::mark(fixes, &mut fates);
        speed::mark(fixes, &mut fates, self);
        teleport::mark(fixes, &mut fates, self);
        acceleration::mark(fixes, &mut fates, self);
        parked::mark(fixes, &mut fates, self);
        fates
    }

    /// Accuracy of a fix in metres, as the kinematic rules allow for it: reported or assumed, and at
    /// least 5 m, since phones claim more than they keep.
    pub(crate) fn position_error_m(&self, fix: &Fix) -> f64 {
        f64::from(fix.accuracy_dm().unwrap_or(self.assumed_accuracy_dm).max(50)) / 10.0
    }
}

/// The fixes that are kept so far, with their index.
pub(crate) fn kept<'a>(
    fixes: &'a [Fix],
    fates: &'a [Option<Reason>],
) -> impl Iterator<Item = (usize, &'a Fix)> {
    fixes
        .iter()
        .zip(fates)
        .enumerate()
        .filter(|(_, (_, fate))| fate.is_none())
        .map(|(i, (f, _))| (i, f))
}
