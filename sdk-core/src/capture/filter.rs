//! Fixes that are not worth keeping: stale, of the future, repeated, out of order, inaccurate, out of
//! range.
//!
//! Mock fixes pass with their flag: hiding them would only hide the evidence.

use hexmile_trace::{Fix, FixError, RawFix};

use super::clock::{PhoneClock, Timing};

/// Why a fix was dropped; the codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The driver has not agreed, or has withdrawn.
    NoConsent,
    /// No trip is under way.
    NoTrip,
    /// Not a number, or out of range.
    OutOfRange,
    /// Captured long before it was delivered.
    Stale,
    /// Captured after it was delivered: by a clock that is ahead.
    Future,
    /// Captured at the time of the fix before it.
    Repeated,
    /// Captured before the fix before it.
    OutOfOrder,
    /// Less accurate than is of use.
    Inaccurate,
    /// In a zone of which nothing leaves the phone.
    Zone,
    /// In quiet hours.
    QuietHours,
    /// On the stretch that is cut at the start of a trip.
    TripStart,
    /// On the stretch that is cut at the end of a trip.
    TripEnd,
    /// Held back at the end of a trip until there was no more room to hold it.
    HeldTooLong,
    /// The disk has been full for so long that there is no room in memory, either.
    NoRoom,
}

impl DropReason {
    /// All of them, in order of declaration.
    pub const ALL: [Self; 14] = [
        Self::NoConsent,
        Self::NoTrip,
        Self::OutOfRange,
        Self::Stale,
        Self::Future,
        Self::Repeated,
        Self::OutOfOrder,
        Self::Inaccurate,
        Self::Zone,
        Self::QuietHours,
        Self::TripStart,
        Self::TripEnd,
        Self::HeldTooLong,
        Self::NoRoom,
    ];

    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoConsent => "no_consent",
            Self::NoTrip => "no_trip",
            Self::OutOfRange => "out_of_range",
            Self::Stale => "stale",
            Self::Future => "future",
            Self::Repeated => "repeated",
            Self::OutOfOrder => "out_of_order",
            Self::Inaccurate => "inaccurate",
            Self::Zone => "zone",
            Self::QuietHours => "quiet_hours",
            Self::TripStart => "trip_start",
            Self::TripEnd => "trip_end",
            Self::HeldTooLong => "held_too_long",
            Self::NoRoom => "no_room",
        }
    }
}

/// Limits of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// Oldest fix taken when it is delivered, milliseconds. Platforms replay cached fixes on start.
    pub max_age_ms: u64,
    /// Furthest ahead of the phone's clock, as corrected by satellites or a server, milliseconds.
    pub max_ahead_ms: u64,
    /// Worst accuracy taken, metres.
    pub max_accuracy_m: u32,
}

impl Default for FilterLimits {
    fn default() -> Self {
        Self { max_age_ms: 60_000, max_ahead_ms: 10_000, max_accuracy_m: 100 }
    }
}

/// Judges fixes one after another.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    limits: FilterLimits,
    last_ms: Option<u64>,
}

impl Filter {
    /// Nothing seen yet.
    pub(crate) const fn new(limits: FilterLimits) -> Self {
        Self::resume(limits, None)
    }

    /// Goes on where an earlier process stopped, after a fix of this time.
    pub(crate) const fn resume(limits: FilterLimits, last_ms: Option<u64>) -> Self {
        Self { limits, last_ms }
    }

    /// Quantises a fix and judges it. The clock learns from it whatever becomes of it.
    ///
    /// # Errors
    /// Why it is dropped.
    pub(crate) fn take(
        &mut self,
        raw: &RawFix,
        now_ms: u64,
        clock: &mut PhoneClock,
    ) -> Result<Fix, DropReason> {
        let fix = Fix::quantise(raw).map_err(|_: FixError| DropReason::OutOfRange)?;
        clock.observe(&fix, now_ms);
        let FilterLimits { max_age_ms, max_ahead_ms, max_accuracy_m } = self.limits;
        let timing = |time_ms| clock.timing(time_ms, now_ms, max_age_ms, max_ahead_ms);
        match timing(fix.time_ms()) {
            Timing::Timely => {}
            Timing::Stale => return Err(DropReason::Stale),
            Timing::Future => return Err(DropReason::Future),
        }
        if fix.accuracy_dm().is_some_and(|a| u32::from(a) > max_accuracy_m.saturating_mul(10)) {
            return Err(DropReason::Inaccurate);
        }
        // After the clock was set back, what came before it is of the future, and no measure.
        let last_ms = self.last_ms.filter(|last| timing(*last) != Timing::Future);
        match last_ms {
            Some(last) if fix.time_ms() == last => Err(DropReason::Repeated),
            Some(last) if fix.time_ms() < last => Err(DropReason::OutOfOrder),
            _ => {
                self.last_ms = Some(fix.time_ms());
                Ok(fix)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hexmile_trace::Provider;

    #[test]
    fn each_reason_has_its_fix() {
        let good = RawFix { time_ms: 100_000, accuracy_m: Some(5.0), ..RawFix::default() };
        let check = |first: Option<RawFix>, raw: RawFix, now_ms, want| {
            let mut filter = Filter::new(FilterLimits::default());
            let clock = &mut PhoneClock::default();
            if let Some(first) = first {
                filter.take(&first, first.time_ms as u64, clock).unwrap();
            }
            assert_eq!(filter.take(&raw, now_ms, clock).err(), want, "{raw:?}");
        };
        check(None, good, 100_000, None);
        check(None, good, 160_000, None);
        check(None, good, 160_001, Some(DropReason::Stale));
        check(None, good, 90_000, None);
        check(None, good, 89_999, Some(DropReason::Future));
        check(Some(good), good, 100_000, Some(DropReason::Repeated));
        check(
            Some(good),
            RawFix { time_ms: 99_999, ..good },
            100_000,
            Some(DropReason::OutOfOrder),
        );
        check(
            None,
            RawFix { accuracy_m: Some(100.1), ..good },
            100_000,
            Some(DropReason::Inaccurate),
        );
        check(
            None,
            RawFix { latitude_deg: f64::NAN, ..good },
            100_000,
            Some(DropReason::OutOfRange),
        );
        check(None, RawFix { mock: true, ..good }, 100_000, None);
    }

    /// Fixes taken of a drive at 1 Hz whose clocks are as `clocks` says: second of the drive to
    /// capture time and time of delivery.
    fn taken(seconds: u64, provider: Provider, clocks: impl Fn(u64) -> (u64, u64)) -> Vec<bool> {
        let mut filter = Filter::new(FilterLimits::default());
        let clock = &mut PhoneClock::default();
        let mut take = |second| {
            let (time_ms, now_ms) = clocks(second);
            let raw = RawFix { time_ms: time_ms as i64, provider, ..RawFix::default() };
            filter.take(&raw, now_ms, clock).is_ok()
        };
        (0..seconds).map(&mut take).collect()
    }

    const START_MS: u64 = 1_700_000_000_000;

    #[test]
    fn a_fix_of_the_future_does_not_stop_the_trip() {
        let at = |s| START_MS + s * 1000;
        let taken =
            taken(60, Provider::Fused, |s| (at(s) + if s == 10 { 3_600_000 } else { 0 }, at(s)));
        let lost: Vec<usize> = (0..60).filter(|s| !taken[*s]).collect();
        assert_eq!(lost, [10]);
    }

    #[test]
    fn a_phone_whose_clock_is_wrong_still_records() {
        let at = |s| START_MS + s * 1000;
        for wrong_ms in [3_600_000, -3_600_000, -1_000_000_000_000] {
            let taken =
                taken(60, Provider::Gnss, |s| (at(s), at(s).saturating_add_signed(wrong_ms)));
            assert_eq!(taken.iter().filter(|t| !**t).count(), 4, "{wrong_ms}: until five agree");
            assert!(taken[4..].iter().all(|t| *t));
        }
    }

    #[test]
    fn a_clock_set_back_in_mid_trip_does_not_stop_it() {
        let at = |s: u64| START_MS + s * 1000 - if s >= 30 { 3_600_000 } else { 0 };
        let taken = taken(60, Provider::Fused, |s| (at(s), at(s)));
        assert!(taken.iter().all(|t| *t), "{taken:?}");
    }
}
