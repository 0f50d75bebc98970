//! Observations: what one pass through a cell says about traffic.

use core::fmt;

use h3o::{CellIndex, Resolution};

use crate::{
    Sector, Slot,
    sphere::{Tangent, Vec3},
};

/// Resolution of observations.
pub const OBSERVATION_RESOLUTION: Resolution = Resolution::Eleven;

/// A cell of resolution 11 and a sector in one integer.
///
/// ```text
/// H3 index: mode, resolution 11, base cell, digits 1 to 11, digits 12 to 14 = 7 | digit 15
/// key:      the same                                                            | sector
/// ```
/// An H3 index of resolution 11 has 7 in its unused last digit, so `cell = key | 7`, and the eight
/// keys of a cell, and all keys of a coarser cell, are contiguous. Keys are private to the server:
/// nothing published carries one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrafficKey(u64);

impl TrafficKey {
    /// The key of a cell and a sector; `None` unless the cell is of resolution 11.
    pub fn new(cell: CellIndex, sector: Sector) -> Option<Self> {
        (cell.resolution() == OBSERVATION_RESOLUTION)
            .then(|| Self(u64::from(cell) & !7 | u64::from(sector.number())))
    }

    /// The key of an integer; `None` where its cell is not one of resolution 11.
    pub fn from_u64(key: u64) -> Option<Self> {
        let cell = CellIndex::try_from(key | 7).ok()?;
        Self::new(cell, Sector::new((key & 7) as u8)?)
    }

    /// The integer.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The cell.
    pub fn cell(self) -> CellIndex {
        CellIndex::try_from(self.0 | 7).expect("checked where the key was made")
    }

    /// The sector.
    pub fn sector(self) -> Sector {
        Sector::new((self.0 & 7) as u8).expect("three bits")
    }
}

impl fmt::Debug for TrafficKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrafficKey({:x}/{})", self.0 | 7, self.0 & 7)
    }
}

/// Metres east and north of a cell's centre in its tangent plane, in decimetres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Offset {
    /// Decimetres east.
    pub east_dm: i16,
    /// Decimetres north.
    pub north_dm: i16,
}

impl Offset {
    /// Largest component: no point of a cell of resolution 11 is farther from its centre.
    pub const MAX_DM: i16 = 1000;

    /// The offset of a point, each component cut at [`Offset::MAX_DM`].
    pub(crate) fn of_point(tangent: &Tangent, point: Vec3) -> Self {
        let (east_m, north_m) = tangent.components_m(point.plus(tangent.origin(), -1.0));
        let max = f64::from(Self::MAX_DM);
        let dm = |metres: f64| libm::round(metres * 10.0).clamp(-max, max) as i16;
        Self { east_dm: dm(east_m), north_dm: dm(north_m) }
    }
}

/// One pass through a cell of resolution 11, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Cell and sector.
    pub key: TrafficKey,
    /// Capture slot in which the pass began.
    pub slot: Slot,
    /// Distance, centimetres.
    pub distance_cm: u32,
    /// Duration, milliseconds.
    pub duration_ms: u32,
    /// Mean heading, tenths of a degree clockwise from north, 0 to 3599.
    pub heading_ddeg: u16,
    /// Where it came into the cell, or the road turned; `None` where the drive itself began or a gap ended.
    pub entry: Option<Offset>,
    /// Where it went out of the cell, or the road turned; `None` where the drive itself ended or a gap began.
    pub exit: Option<Offset>,
}
