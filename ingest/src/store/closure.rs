//! Closures, as a store keeps them.

/// A road that an operator declared closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosureRow {
    /// Chosen at random by whoever declares it.
    pub id: [u8; 8],
    /// Unix milliseconds, below 2^63.
    pub from_ms: u64,
    /// Unix milliseconds, below 2^63.
    pub until_ms: u64,
    /// Where and why: JSON, which a store does not read.
    pub body: String,
    /// Unix milliseconds.
    pub declared_at_ms: u64,
}
