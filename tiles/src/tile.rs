//! Tiles: which there are, and where they lie.

use crate::{
    sphere::Vec3,
    world::{WORLD, WorldPoint},
};

/// Highest zoom that is made; maps zoom further into its tiles.
pub const MAX_ZOOM: u8 = 14;

/// Units beyond a tile's edge that its features reach into.
pub(crate) const BUFFER: i32 = 64;

/// H3 resolution by zoom: `round(4 + (zoom - 4) / 1.404)`, which keeps cells near 40 units wide, and no
/// coarser than 1, no finer than 11.
const RESOLUTIONS: [u8; 15] = [1, 2, 3, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 10, 11];

/// A tile of the Web Mercator scheme (XYZ), zoom 0 to 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    z: u8,
    x: u32,
    y: u32,
}

/// A tile that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileIdError {
    /// Zoom above [`MAX_ZOOM`].
    #[error("zoom {0} is above {MAX_ZOOM}")]
    Zoom(u8),
    /// Column or row not below 2^zoom.
    #[error("tile {x}/{y} does not exist at zoom {z}")]
    Place {
        /// Zoom.
        z: u8,
        /// Column.
        x: u32,
        /// Row.
        y: u32,
    },
}

impl TileId {
    /// The tile in column `x` (from the antimeridian eastwards) and row `y` (from the north).
    ///
    /// # Errors
    /// [`TileIdError`] where there is none.
    pub const fn new(z: u8, x: u32, y: u32) -> Result<Self, TileIdError> {
        if z > MAX_ZOOM {
            return Err(TileIdError::Zoom(z));
        }
        if x >> z != 0 || y >> z != 0 {
            return Err(TileIdError::Place { z, x, y });
        }
        Ok(Self { z, x, y })
    }

    /// The four tiles of the next zoom that lie in it; none at [`MAX_ZOOM`].
    pub(crate) fn children(self) -> Vec<Self> {
        let corners = [(0, 0), (1, 0), (0, 1), (1, 1)];
        let child = |(dx, dy)| Self::new(self.z + 1, self.x * 2 + dx, self.y * 2 + dy).ok();
        corners.into_iter().filter_map(child).collect()
    }

    /// The tile of a zoom that holds a position; beyond 85.05 degrees, the one at the world's edge.
    ///
    /// # Errors
    /// [`TileIdError::Zoom`] above [`MAX_ZOOM`].
    pub fn of_position(z: u8, position: hexmile_trace::Position) -> Result<Self, TileIdError> {
        let point = WorldPoint::of_point(Vec3::from_position(position));
        let part = |v: u32| (u64::from(v) >> (32 - u32::from(z.min(MAX_ZOOM)))) as u32;
        Self::new(z, part(point.x), part(point.y))
    }

    /// Zoom.
    pub const fn z(self) -> u8 {
        self.z
    }

    /// Column.
    pub const fn x(self) -> u32 {
        self.x
    }

    /// Row.
    pub const fn y(self) -> u32 {
        self.y
    }

    /// H3 resolution of the cells that the tile shows.
    pub fn resolution(self) -> u8 {
        RESOLUTIONS[usize::from(self.z)]
    }

    pub(crate) const fn to_u64(self) -> u64 {
        (self.z as u64) << 32 | (self.x as u64) << 16 | self.y as u64
    }

    /// log2 of the world units in one tile unit.
    pub(crate) const fn shift(self) -> u32 {
        20 - self.z as u32
    }

    /// World units along half a side.
    pub(crate) const fn half_side(self) -> i64 {
        WORLD >> (self.z + 1)
    }

    pub(crate) fn centre(self) -> WorldPoint {
        let centre = |n: u32| (((n as i64) << (32 - self.z)) + self.half_side()) as u32;
        WorldPoint { x: centre(self.x), y: centre(self.y) }
    }

    /// World units from the centre to the edge of the buffer, and to where rounding may reach beyond it.
    pub(crate) const fn reach(self) -> i64 {
        self.half_side() + ((BUFFER as i64 + 3) << self.shift())
    }
}
