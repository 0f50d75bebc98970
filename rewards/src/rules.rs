//! The parameters of scoring, versioned, with a canonical text whose hash is published.
//!
//! The text is a small part of TOML: `key = value` lines with unsigned integers, comments, empty
//! lines. It is read and written here, since a general reader would accept many texts for one meaning
//! and say less of what is wrong.

use sha2::{Digest, Sha256};

/// How contributions are scored. Committed versions stand in `rewards/rules/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Raised whenever a parameter or its meaning changes.
    pub version: u32,
    /// What a full coverage bucket pays a pass of full quality, in score units.
    pub coverage_score: u32,
    /// Slots (hours) in which the coverage bucket refills from empty.
    pub coverage_refill_slots: u32,
    /// What a full freshness bucket pays, and the most a unit earns of it per cell and day.
    pub freshness_score: u32,
    /// Slots (hours) in which the freshness bucket refills from empty.
    pub freshness_refill_slots: u32,
    /// Distance in a cell from which a pass counts in full, cm.
    pub full_distance_cm: u32,
    /// Upload delay up to which a pass is fully fresh, s.
    pub fresh_until_s: u32,
    /// Upload delay from which it is not fresh at all, s.
    pub stale_from_s: u32,
}

/// One parameter: its key, its least and greatest value, and how to reach it.
struct Parameter {
    key: &'static str,
    range: core::ops::RangeInclusive<u32>,
    of: fn(&mut Rules) -> &mut u32,
}

/// Scores stay below 2^30, and refills below a year, so that the sums of an epoch fit 64 bits.
const SCORE_MAX: u32 = 1 << 30;
const SLOTS_MAX: u32 = 8_784;

/// In the order of the canonical text.
const PARAMETERS: [Parameter; 8] = [
    Parameter { key: "version", range: 1..=1, of: |r| &mut r.version },
    Parameter { key: "coverage_score", range: 1..=SCORE_MAX, of: |r| &mut r.coverage_score },
    Parameter {
        key: "coverage_refill_slots",
        range: 1..=SLOTS_MAX,
        of: |r| &mut r.coverage_refill_slots,
    },
    Parameter { key: "freshness_score", range: 0..=SCORE_MAX, of: |r| &mut r.freshness_score },
    Parameter {
        key: "freshness_refill_slots",
        range: 1..=SLOTS_MAX,
        of: |r| &mut r.freshness_refill_slots,
    },
    Parameter { key: "full_distance_cm", range: 1..=u32::MAX, of: |r| &mut r.full_distance_cm },
    Parameter { key: "fresh_until_s", range: 0..=u32::MAX - 1, of: |r| &mut r.fresh_until_s },
    Parameter { key: "stale_from_s", range: 1..=u32::MAX, of: |r| &mut r.stale_from_s },
];

/// Why a text is no set of rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// A line that is not `key = value`.
    #[error("line {line}: expected `key = value`")]
    Syntax {
        /// Counted from 1.
        line: usize,
    },
    /// A key that no parameter has.
    #[error("line {line}: unknown key `{key}`")]
    UnknownKey {
        /// Counted from 1.
        line: usize,
        /// As written.
        key: String,
    },
    /// A key that was given before.
    #[error("line {line}: `{key}` is given twice")]
    DuplicateKey {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
    },
    /// A key that is not given.
    #[error("`{key}` is missing")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A value that is no integer of the parameter's range.
    #[error("`{key}` must be an integer from {min} to {max}")]
    Value {
        /// The key.
        key: &'static str,
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
    },
    /// `stale_from_s` does not exceed `fresh_until_s`.
    #[error("`stale_from_s` must exceed `fresh_until_s`")]
    FreshnessOrder,
}

impl Default for Rules {
    /// Version 1, as in `rewards/rules/v1.toml`.
    fn default() -> Self {
        Self {
            version: 1,
            coverage_score: 1_000_000,
            coverage_refill_slots: 168,
            freshness_score: 100_000,
            freshness_refill_slots: 1,
            full_distance_cm: 10_000,
            fresh_until_s: 360,
            stale_from_s: 3_600,
        }
    }
}

impl Rules {
    /// Reads a rules file.
    ///
    /// # Errors
    /// Names the line or key: see [`RulesError`].
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let mut given = [None; PARAMETERS.len()];
        for (number, line) in text.lines().enumerate() {
            let line_number = number + 1;
            let content = line.split_once('#').map_or(line, |(before, _)| before).trim();
            if content.is_empty() {
                continue;
            }
            let (key, value) =
                content.split_once('=').ok_or(RulesError::Syntax { line: line_number })?;
            let key = key.trim();
            let at = PARAMETERS
                .iter()
                .position(|p| p.key == key)
                .ok_or_else(|| RulesError::UnknownKey { line: line_number, key: key.to_owned() })?;
            let value = integer(value.trim()).ok_or_else(|| PARAMETERS[at].refusal())?;
            if given[at].replace(value).is_some() {
                return Err(RulesError::DuplicateKey {
                    line: line_number,
                    key: PARAMETERS[at].key,
                });
            }
        }
        let mut rules = Self::default();
        for (parameter, value) in PARAMETERS.iter().zip(given) {
            *(parameter.of)(&mut rules) =
                value.ok_or(RulesError::MissingKey { key: parameter.key })?;
        }
        rules.check()?;
        Ok(rules)
    }

    /// Whether every parameter is within its range.
    ///
    /// # Errors
    /// [`RulesError::Value`] or [`RulesError::FreshnessOrder`].
    pub fn check(&self) -> Result<(), RulesError> {
        let mut rules = *self;
        for parameter in &PARAMETERS {
            if !parameter.range.contains((parameter.of)(&mut rules)) {
                return Err(parameter.refusal());
            }
        }
        if self.stale_from_s <= self.fresh_until_s {
            return Err(RulesError::FreshnessOrder);
        }
        Ok(())
    }

    /// The canonical text: `key = value` lines in a fixed order, each ended by a line feed.
    pub fn canonical(&self) -> String {
        let mut rules = *self;
        let lines = PARAMETERS.each_ref().map(|p| format!("{} = {}\n", p.key, (p.of)(&mut rules)));
        lines.concat()
    }

    /// SHA-256 of the canonical text.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }
}

impl Parameter {
    fn refusal(&self) -> RulesError {
        RulesError::Value { key: self.key, min: *self.range.start(), max: *self.range.end() }
    }
}

/// Decimal digits without sign and leading zeros, as canonical text has them.
fn integer(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|c| c.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = include_str!("../rules/v1.toml");

    #[test]
    fn the_committed_file_is_the_default() {
        assert_eq!(Rules::parse(V1), Ok(Rules::default()));
        assert_eq!(Rules::parse(&Rules::default().canonical()), Ok(Rules::default()));
    }

    #[test]
    fn the_hash_is_of_the_meaning() {
        assert_eq!(
            hex::encode(Rules::default().hash()),
            "cf1a553958adb5a22c80a7ea66d5938a72d5d16f85de3816a2e057c0abbf36b5"
        );
        let changed = Rules { coverage_score: 999_999, ..Rules::default() };
        assert_ne!(changed.hash(), Rules::default().hash());
    }

    #[test]
    fn errors_name_line_and_key() {
        let with = |line: &str| Rules::parse(&format!("{}{line}\n", Rules::default().canonical()));
        let replaced = |key: &str, value: &str| {
            let canonical = Rules::default().canonical();
            let lines = canonical.lines().map(|line| match line.split_once(" = ") {
                Some((k, _)) if k == key => format!("{key} = {value}\n"),
                _ => format!("{line}\n"),
            });
            Rules::parse(&lines.collect::<String>())
        };
        assert_eq!(with("nonsense"), Err(RulesError::Syntax { line: 9 }));
        let unknown = RulesError::UnknownKey { line: 9, key: "colour".to_owned() };
        assert_eq!(with("colour = 3"), Err(unknown));
        assert_eq!(with("version = 1"), Err(RulesError::DuplicateKey { line: 9, key: "version" }));
        assert_eq!(Rules::parse(""), Err(RulesError::MissingKey { key: "version" }));
        for bad in ["0", "-1", "+1", "01", "1.0", "", "1_000", "4294967296", "\"1\""] {
            let refused = RulesError::Value { key: "coverage_score", min: 1, max: SCORE_MAX };
            assert_eq!(replaced("coverage_score", bad), Err(refused), "{bad}");
        }
        assert_eq!(replaced("stale_from_s", "360"), Err(RulesError::FreshnessOrder));
        assert_eq!(
            replaced("version", "2").unwrap_err().to_string(),
            "`version` must be an integer from 1 to 1"
        );
    }
}
