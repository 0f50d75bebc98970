//! The cell that a contribution is for.

use core::fmt;
use h3o::{CellIndex, Resolution};

/// A valid H3 cell of resolution 10 (edge about 76 m), ordered by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(u64);

/// A number that is no H3 cell of resolution 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:#x} is not an H3 cell of resolution 10")]
pub struct NotACell(pub u64);

impl TryFrom<u64> for Cell {
    type Error = NotACell;

    fn try_from(number: u64) -> Result<Self, NotACell> {
        match CellIndex::try_from(number) {
            Ok(cell) if cell.resolution() == Resolution::Ten => Ok(Self(number)),
            _ => Err(NotACell(number)),
        }
    }
}

impl From<Cell> for u64 {
    fn from(cell: Cell) -> Self {
        cell.0
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_resolution_10_passes() {
        let at = h3o::LatLng::new(41.88, -87.63).unwrap();
        for resolution in Resolution::range(Resolution::Zero, Resolution::Fifteen) {
            let number = u64::from(at.to_cell(resolution));
            assert_eq!(Cell::try_from(number).is_ok(), resolution == Resolution::Ten);
        }
        for bad in [0, u64::MAX, 0x8a00_0000_0000_0000] {
            assert_eq!(Cell::try_from(bad), Err(NotACell(bad)));
        }
    }
}
