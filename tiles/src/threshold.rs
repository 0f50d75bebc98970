//! How many distinct drivers it takes before anything is published.

/// Number of distinct drivers in whose company an observation is published: 3 or more.
///
/// An operator can raise it and cannot lower it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u8);

/// A threshold below 3, or too large to keep in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publication threshold is {0}; it must be from 3 to 64 drivers")]
pub struct ThresholdError(pub u8);

impl Threshold {
    /// The lowest there is, and the default.
    pub const MIN: Self = Self(3);

    /// The lowest there is for typical traffic.
    pub const TYPICAL_MIN: Self = Self(5);

    /// A threshold of `drivers`, 3 to 64.
    ///
    /// # Errors
    /// [`ThresholdError`] outside that range.
    pub const fn new(drivers: u8) -> Result<Self, ThresholdError> {
        if drivers < 3 || drivers > 64 { Err(ThresholdError(drivers)) } else { Ok(Self(drivers)) }
    }

    /// The number of drivers.
    pub const fn drivers(self) -> u8 {
        self.0
    }
}

impl Default for Threshold {
    fn default() -> Self {
        Self::MIN
    }
}
