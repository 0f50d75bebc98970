//! The local week, in slots of five minutes.

use core::fmt;

/// Slots of a day.
pub(crate) const DAY_SLOTS: u16 = 288;

/// First of the two days of the weekend, counted from Monday.
const SATURDAY: u16 = 5;

/// Five minutes of a week of local time, from Monday 00:00: 0 to 2015.
///
/// Which slot an instant falls in depends on the place: on its time zone, and on whether summer time is
/// in force. Finding that out is the caller's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WeekSlot(u16);

impl WeekSlot {
    /// Slots of a week.
    pub const COUNT: u16 = 7 * DAY_SLOTS;

    /// The slot of a number below [`WeekSlot::COUNT`].
    pub const fn new(number: u16) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// The slot of a day, 0 (Monday) to 6, and a minute of it, 0 to 1439.
    pub const fn of_day(day: u8, minute: u16) -> Option<Self> {
        if day < 7 && minute < 1440 {
            Some(Self(day as u16 * DAY_SLOTS + minute / 5))
        } else {
            None
        }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its day, 0 (Monday) to 6.
    pub const fn day(self) -> u8 {
        (self.0 / DAY_SLOTS) as u8
    }

    /// Slots since midnight.
    pub(crate) const fn of_midnight(self) -> u16 {
        self.0 % DAY_SLOTS
    }

    /// Whether its day is a Saturday or a Sunday.
    pub(crate) const fn is_weekend(self) -> bool {
        self.0 / DAY_SLOTS >= SATURDAY
    }
}

impl fmt::Display for WeekSlot {
    /// `mon-08:05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let minute = 5 * self.of_midnight();
        write!(f, "{}-{:02}:{:02}", DAYS[usize::from(self.day())], minute / 60, minute % 60)
    }
}
