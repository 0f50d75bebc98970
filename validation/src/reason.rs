//! Why a fix is dropped or a trace rejected.

use core::fmt;

/// One reason, for a dropped fix and for a rejected trace alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// Captured before a fix that precedes it in the trace.
    TimeOrder = 0,
    /// Captured at the same millisecond as the fix before it.
    DuplicateTime = 1,
    /// Made by an app, as the platform says.
    Mock = 2,
    /// Reported accuracy is too poor to place it on a road.
    Accuracy = 3,
    /// Faster than any vehicle on a road.
    Speed = 4,
    /// So far away that nothing on Earth's surface gets there in the time.
    Teleport = 5,
    /// A change of speed or direction that tyres cannot transmit.
    Acceleration = 6,
    /// Standing longer than traffic stands.
    Parked = 7,
    /// Fewer than two fixes left: no stretch of road. Rejects a trace; drops no fix.
    TooFewFixes = 8,
}

impl Reason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 9] = [
        Self::TimeOrder,
        Self::DuplicateTime,
        Self::Mock,
        Self::Accuracy,
        Self::Speed,
        Self::Teleport,
        Self::Acceleration,
        Self::Parked,
        Self::TooFewFixes,
    ];

    /// The stable code: lower-case words joined by underscores.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TimeOrder => "time_order",
            Self::DuplicateTime => "duplicate_time",
            Self::Mock => "mock",
            Self::Accuracy => "accuracy",
            Self::Speed => "speed",
            Self::Teleport => "teleport",
            Self::Acceleration => "acceleration",
            Self::Parked => "parked",
            Self::TooFewFixes => "too_few_fixes",
        }
    }

    /// The reason of a code, or `None` where no reason has it.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// One sentence for the driver.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::TimeOrder => "The phone's clock ran backwards between two positions.",
            Self::DuplicateTime => "The phone reported two positions for the same moment.",
            Self::Mock => "The position was made by an app instead of being measured.",
            Self::Accuracy => "The position was too inaccurate to tell the road.",
            Self::Speed => "The movement was faster than any vehicle on a road.",
            Self::Teleport => "The position jumped to a place that could not be reached in time.",
            Self::Acceleration => {
                "The position swerved or changed speed more sharply than a vehicle can."
            }
            Self::Parked => "The vehicle was parked, which says nothing about the traffic.",
            Self::TooFewFixes => "Too few usable positions were left to tell a stretch of road.",
        }
    }

    /// Whether a fix dropped for this counts against its trace. Standing still, and a position
    /// reported twice, are ordinary.
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::DuplicateTime | Self::Parked)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How many fixes were dropped for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u32; Reason::ALL.len()]);

impl Dropped {
    /// Fixes dropped for `reason`.
    pub const fn of(&self, reason: Reason) -> u32 {
        self.0[reason as usize]
    }

    /// Fixes dropped in all.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Fixes dropped for reasons that count against the trace.
    pub fn faults(&self) -> u32 {
        self.iter().filter(|(reason, _)| reason.is_fault()).map(|(_, count)| count).sum()
    }

    /// The reasons that dropped any fix, in the order of [`Reason::ALL`], and how many.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u32)> + '_ {
        Reason::ALL.into_iter().map(|reason| (reason, self.of(reason))).filter(|(_, n)| *n > 0)
    }

    pub(crate) fn count(fates: &[Option<Reason>]) -> Self {
        let mut dropped = Self::default();
        for reason in fates.iter().flatten() {
            dropped.0[*reason as usize] += 1;
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_and_found_again() {
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert!(reason.code().bytes().all(|c| c.is_ascii_lowercase() || c == b'_'));
            assert!(reason.describe().ends_with('.'));
        }
        assert_eq!(Reason::from_code("Speed"), None);
        assert_eq!(Reason::from_code(""), None);
    }

    #[test]
    fn faults_leave_out_what_is_ordinary() {
        let dropped = Dropped::count(&[
            Some(Reason::Parked),
            None,
            Some(Reason::Mock),
            Some(Reason::Mock),
            Some(Reason::DuplicateTime),
        ]);
        assert_eq!((dropped.total(), dropped.faults()), (4, 2));
        let listed: Vec<_> = dropped.iter().collect();
        assert_eq!(listed, [(Reason::DuplicateTime, 1), (Reason::Mock, 2), (Reason::Parked, 1)]);
    }
}
