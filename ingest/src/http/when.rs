//! `?t=`: for what time a map is asked.

use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use crate::when::When;

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
        // A plus sign that was not written as %2B arrives as a space.
        let when = text.replace(' ', "+").parse::<When>();
        when.map(Some).map_err(|error| Problem::parameter("t", &error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let at = |t: Option<&str>| At { t: t.map(str::to_owned) };
        assert_eq!(at(None).when().unwrap(), None);
        assert_eq!(at(Some("now")).when().unwrap_err().code, "parameter_invalid");
        let instant = Some(When::Instant(1_795_420_800_000));
        assert_eq!(at(Some("2026-11-23T09:00:00 01:00")).when().unwrap(), instant);
        let at = at(Some("2026-11-23T09:00:00+01:00"));
        assert_eq!(at.when().unwrap(), instant);
        assert_eq!(at.suffix().unwrap(), "?t=2026-11-23T09:00:00%2B01:00");
    }
}
