//! For what time a map is asked.

use std::{fmt, str::FromStr};

use hexmile_tiles::WeekSlot;
use jiff::Timestamp;

/// A time that something typical is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// An instant, Unix milliseconds: at each place, its local time then.
    Instant(u64),
    /// A time of the local week, at every place.
    Week(WeekSlot),
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an instant like 2026-11-23T08:00:00Z, or a time of the local week like mon-08:00"
)]
pub struct NoTime;

impl FromStr for When {
    type Err = NoTime;

    /// Reads `mon-08:00`, or an instant as RFC 3339 has it, from 1970 on.
    fn from_str(text: &str) -> Result<Self, NoTime> {
        week(text).map(Self::Week).or_else(|| instant(text).map(Self::Instant)).ok_or(NoTime)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Week(slot) => slot.fmt(f),
            Self::Instant(unix_ms) => {
                let instant = i64::try_from(*unix_ms).ok().map(Timestamp::from_millisecond);
                instant.and_then(Result::ok).map_or(Err(fmt::Error), |instant| instant.fmt(f))
            }
        }
    }
}

fn week(text: &str) -> Option<WeekSlot> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let (day, time) = text.split_once('-')?;
    let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day))?;
    let (hour, minute) = time.split_once(':')?;
    let two_digits = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())?
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    if hour < 24 && minute < 60 { WeekSlot::of_day(day as u8, 60 * hour + minute) } else { None }
}

fn instant(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, want, said) in [
            ("mon-00:00", When::Week(WeekSlot::new(0).unwrap()), "mon-00:00"),
            ("Sun-23:59", When::Week(WeekSlot::new(2015).unwrap()), "sun-23:55"),
            ("2026-11-23T08:00:00Z", When::Instant(1_795_420_800_000), "2026-11-23T08:00:00Z"),
            ("2026-11-23T09:00:00+01:00", When::Instant(1_795_420_800_000), "2026-11-23T08:00:00Z"),
        ] {
            let when: When = text.parse().unwrap();
            assert_eq!((when, when.to_string().as_str()), (want, said), "{text}");
        }
        for text in [
            "",
            "mon",
            "mon-8:00",
            "mon-24:00",
            "mon-08:60",
            "day-08:00",
            "mon-+8:00",
            "2026-11-23",
            "2026-11-23T08:00:00",
            "1900-01-01T00:00:00Z",
            "now",
            "1795420800",
        ] {
            assert_eq!(text.parse::<When>(), Err(NoTime), "{text}");
        }
    }
}
