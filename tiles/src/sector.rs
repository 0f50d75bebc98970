//! Eight bearing sectors.

use core::fmt;

/// One of eight bearing sectors of 45 degrees, numbered clockwise; sector 0 is centred on north, so
/// that the streets of a north-south grid lie in the middle of a sector and not on a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sector(u8);

impl Sector {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// The sector of a number, 0 to 7.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 8 { Some(Self(number)) } else { None }
    }

    /// The sector that holds a bearing in tenths of a degree clockwise from north; whole turns are
    /// taken off.
    ///
    /// ```
    /// # use hexmile_tiles::Sector;
    /// assert_eq!(Sector::of_heading(3590), Sector::of_heading(10));
    /// assert_eq!(Sector::of_heading(900).number(), 2);
    /// ```
    pub const fn of_heading(heading_ddeg: u16) -> Self {
        Self(((heading_ddeg as u32 + 225) / 450 % 8) as u8)
    }

    /// The number, 0 (north) to 7 (north-west).
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The next sector clockwise.
    #[must_use]
    pub const fn clockwise(self) -> Self {
        Self((self.0 + 1) % 8)
    }

    /// The next sector anticlockwise.
    #[must_use]
    pub(crate) const fn anticlockwise(self) -> Self {
        Self((self.0 + 7) % 8)
    }
}

impl fmt::Display for Sector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
