//! The two clocks of traffic: capture slots and the shared tick. Neither is ever read here.

/// Length of a capture slot, milliseconds.
const SLOT_MS: u64 = 5 * 60 * 1000;

/// Length of a tick, milliseconds.
const TICK_MS: u64 = 30 * 1000;

/// Five minutes of capture time, counted from the Unix epoch.
///
/// Observations carry no finer time, so ages advance in whole slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub(crate) u32);

impl Slot {
    /// The slot that holds a Unix time in milliseconds; the last one for times too far.
    pub const fn of_unix_ms(unix_ms: u64) -> Self {
        let number = unix_ms / SLOT_MS;
        Self(if number > u32::MAX as u64 { u32::MAX } else { number as u32 })
    }

    /// The slot of a number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// How many slots began before it since the Unix epoch.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// When it begins, Unix milliseconds.
    pub const fn begins_at_ms(self) -> u64 {
        self.0 as u64 * SLOT_MS
    }

    /// Slots from this one to a later one; 0 where `later` is not later.
    pub(crate) const fn until(self, later: Self) -> u32 {
        later.0.saturating_sub(self.0)
    }
}

/// Thirty seconds of Unix time, counted from the epoch: the beat on which every node publishes.
///
/// A snapshot is taken for a tick. What it shows ages when a tick begins a new [`Slot`]; between
/// those, ticks change nothing by themselves, so that a client's copy stays valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tick(u64);

impl Tick {
    /// Length of a tick in seconds, for `Cache-Control`.
    pub const SECONDS: u64 = TICK_MS / 1000;

    /// The tick that holds a Unix time in milliseconds.
    pub const fn of_unix_ms(unix_ms: u64) -> Self {
        Self(unix_ms / TICK_MS)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// When it begins, Unix milliseconds.
    pub const fn begins_at_ms(self) -> u64 {
        self.0.saturating_mul(TICK_MS)
    }

    /// When it ends and the next begins, Unix milliseconds.
    pub const fn ends_at_ms(self) -> u64 {
        self.0.saturating_add(1).saturating_mul(TICK_MS)
    }

    /// The slot that its beginning lies in.
    pub const fn slot(self) -> Slot {
        Slot::of_unix_ms(self.begins_at_ms())
    }
}
