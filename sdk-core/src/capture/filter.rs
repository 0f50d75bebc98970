//! Fixes that are not worth keeping: stale, repeated, out of order, inaccurate, out of range.
//!
//! Mock fixes pass with their flag: hiding them would only hide the evidence.

use hexmile_trace::{Fix, FixError, RawFix};

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
    /// Captured at the time of the fix before it.
    Repeated,
    /// Captured before the fix before it.
    OutOfOrder,
    /// Less accurate than is of use.
    Inaccurate,
    /// On the stretch that is cut at the start of a trip.
    TripStart,
    /// On the stretch that is cut at the end of a trip.
    TripEnd,
}

impl DropReason {
    /// All of them, in order of declaration.
    pub const ALL: [Self; 9] = [
        Self::NoConsent,
        Self::NoTrip,
        Self::OutOfRange,
        Self::Stale,
        Self::Repeated,
        Self::OutOfOrder,
        Self::Inaccurate,
        Self::TripStart,
        Self::TripEnd,
    ];

    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoConsent => "no_consent",
            Self::NoTrip => "no_trip",
            Self::OutOfRange => "out_of_range",
            Self::Stale => "stale",
            Self::Repeated => "repeated",
            Self::OutOfOrder => "out_of_order",
            Self::Inaccurate => "inaccurate",
            Self::TripStart => "trip_start",
            Self::TripEnd => "trip_end",
        }
    }
}

/// Limits of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// Oldest fix taken when it is delivered, milliseconds. Platforms replay cached fixes on start.
    pub max_age_ms: u64,
    /// Worst accuracy taken, metres.
    pub max_accuracy_m: u32,
}

impl Default for FilterLimits {
    fn default() -> Self {
        Self { max_age_ms: 60_000, max_accuracy_m: 100 }
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
        Self { limits, last_ms: None }
    }

    /// Quantises a fix and judges it.
    ///
    /// # Errors
    /// Why it is dropped.
    pub(crate) fn take(&mut self, raw: &RawFix, now_ms: u64) -> Result<Fix, DropReason> {
        let fix = Fix::quantise(raw).map_err(|_: FixError| DropReason::OutOfRange)?;
        if now_ms.saturating_sub(fix.time_ms()) > self.limits.max_age_ms {
            return Err(DropReason::Stale);
        }
        if fix.accuracy_dm().is_some_and(|a| u32::from(a) > self.limits.max_accuracy_m * 10) {
            return Err(DropReason::Inaccurate);
        }
        match self.last_ms {
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

    #[test]
    fn each_reason_has_its_fix() {
        let good = RawFix { time_ms: 100_000, accuracy_m: Some(5.0), ..RawFix::default() };
        let check = |first: Option<RawFix>, raw: RawFix, now_ms, want| {
            let mut filter = Filter::new(FilterLimits::default());
            if let Some(first) = first {
                filter.take(&first, first.time_ms as u64).unwrap();
            }
            assert_eq!(filter.take(&raw, now_ms).err(), want, "{raw:?}");
        };
        check(None, good, 100_000, None);
        check(None, good, 160_000, None);
        check(None, good, 160_001, Some(DropReason::Stale));
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
}
