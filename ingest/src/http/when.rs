//! `?t=`: for what time a map is asked.

use hexmile_tiles::WeekSlot;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;

/// A time that something typical is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// An instant, Unix milliseconds: at each place, its local time then.
    Instant(u64),
    /// A time of the local week, at every place.
    Week(WeekSlot),
}

/// The query of everything that shows traffic. Other parameters are passed over: maps add their own.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct At {
    /// What is typical at an instant (RFC 3339) or in the local week; what is live, if absent.
    #[param(example = "mon-08:00")]
    t: Option<String>,
}

impl At {
    /// The time asked for; `None` where it is now.
    pub(super) fn when(&self) -> Result<Option<When>, Problem> {
        let Some(text) = &self.t else { return Ok(None) };
        let when = week(text).map(When::Week).or_else(|| instant(text).map(When::Instant));
        when.map(Some).ok_or_else(|| {
            Problem::parameter("t", "expected an instant like 2026-11-23T08:00:00Z, or a time of the local week like mon-08:00")
        })
    }

    /// The query again, for addresses that follow from this one.
    pub(super) fn suffix(&self) -> Result<String, Problem> {
        self.when()?;
        Ok(self
            .t
            .as_ref()
            .map_or_else(String::new, |t| format!("?t={}", t.replace(['+', ' '], "%2B"))))
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
    // In a query, a plus sign that was not written as %2B arrives as a space.
    let text = text.replace(' ', "+");
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let when = |t: &str| At { t: Some(t.to_owned()) }.when();
        for (text, want) in [
            ("mon-00:00", When::Week(WeekSlot::new(0).unwrap())),
            ("Sun-23:59", When::Week(WeekSlot::new(2015).unwrap())),
            ("2026-11-23T08:00:00Z", When::Instant(1_795_420_800_000)),
            ("2026-11-23T09:00:00+01:00", When::Instant(1_795_420_800_000)),
            ("2026-11-23T09:00:00 01:00", When::Instant(1_795_420_800_000)),
        ] {
            assert_eq!(when(text).unwrap(), Some(want), "{text}");
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
            assert_eq!(when(text).unwrap_err().code, "parameter_invalid", "{text}");
        }
        assert_eq!(At { t: None }.when().unwrap(), None);
        let at = At { t: Some("2026-11-23T09:00:00+01:00".to_owned()) };
        assert_eq!(at.suffix().unwrap(), "?t=2026-11-23T09:00:00%2B01:00");
    }
}
