//! Roads that an operator declared closed: a state of their own, which traffic says nothing about.

use std::sync::Arc;

use h3o::{CellIndex, LatLng};
use hexmile_trace::Position;

use crate::{
    OBSERVATION_RESOLUTION, TileId, bounds::Bounds, digest::Digest, group::ancestor, sphere::Vec3,
    world::WorldPoint,
};

/// Most points of a closure's path.
pub const MAX_CLOSURE_POINTS: usize = 500;

/// Longest path of a closure, metres.
pub const MAX_CLOSURE_M: f64 = 100_000.0;

/// Longest reason, bytes.
pub const MAX_REASON_BYTES: usize = 200;

/// Steps in which a path is walked to find its cells, metres: corners that it cuts off by less are passed over.
const STEP_M: f64 = 4.0;

/// Why a closure cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClosureError {
    /// Fewer than two points, or more than [`MAX_CLOSURE_POINTS`].
    #[error("a path of {0} points; it must have 2 to {MAX_CLOSURE_POINTS}")]
    Points(usize),
    /// No length, or above [`MAX_CLOSURE_M`].
    #[error("a path of {0:.0} m; it must have 1 to {MAX_CLOSURE_M:.0}")]
    Length(f64),
    /// It ends before it begins, or at once.
    #[error("it ends at {until_ms}, which is not after its beginning at {from_ms}")]
    Times {
        /// Unix milliseconds.
        from_ms: u64,
        /// Unix milliseconds.
        until_ms: u64,
    },
    /// A reason of no bytes, or of more than [`MAX_REASON_BYTES`].
    #[error("a reason of {0} bytes; it must have 1 to {MAX_REASON_BYTES}")]
    Reason(usize),
}

/// A road that is closed for some time.
#[derive(Clone, Debug)]
pub struct Closure {
    id: String,
    reason: String,
    from_ms: u64,
    until_ms: u64,
    pub(crate) path: Vec<WorldPoint>,
    /// Whether it is closed against the path's direction as well.
    both_ways: bool,
    bounds: Bounds,
    /// Cells of resolution 11 that it leads through, in order, each once.
    cells: Vec<u64>,
    tag: u64,
}

impl Closure {
    /// A closure of the road along `path`, in its direction or both ways, from one Unix time in milliseconds
    /// until before another.
    ///
    /// # Errors
    /// [`ClosureError`], the first found.
    pub fn new(
        id: String,
        reason: String,
        path: &[Position],
        both_ways: bool,
        from_ms: u64,
        until_ms: u64,
    ) -> Result<Self, ClosureError> {
        if path.len() < 2 || path.len() > MAX_CLOSURE_POINTS {
            return Err(ClosureError::Points(path.len()));
        }
        let length_m: f64 = path.windows(2).map(|ends| ends[0].distance_m(ends[1])).sum();
        if !(1.0..=MAX_CLOSURE_M).contains(&length_m) {
            return Err(ClosureError::Length(length_m));
        }
        if from_ms >= until_ms {
            return Err(ClosureError::Times { from_ms, until_ms });
        }
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(ClosureError::Reason(reason.len()));
        }
        let points: Vec<WorldPoint> =
            path.iter().map(|at| WorldPoint::of_point(Vec3::from_position(*at))).collect();
        let mut bounds = Bounds::at(points[0]);
        for point in &points {
            bounds.add(*point);
        }
        let mut digest = Digest::new(until_ms);
        for byte in id.bytes().chain(reason.bytes()).chain([u8::from(both_ways)]) {
            digest.add(byte.into());
        }
        for point in &points {
            digest.add(u64::from(point.x) << 32 | u64::from(point.y));
        }
        let (cells, tag) = (cells(path), digest.finish());
        Ok(Self { id, reason, from_ms, until_ms, path: points, both_ways, bounds, cells, tag })
    }

    /// As given.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As given.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it begins, Unix milliseconds.
    pub fn from_ms(&self) -> u64 {
        self.from_ms
    }

    /// When it ends, Unix milliseconds.
    pub fn until_ms(&self) -> u64 {
        self.until_ms
    }

    /// Whether both directions are closed.
    pub fn both_ways(&self) -> bool {
        self.both_ways
    }
}

/// Cells along a path.
fn cells(path: &[Position]) -> Vec<u64> {
    let mut cells = Vec::new();
    for ends in path.windows(2) {
        let length_m = ends[0].distance_m(ends[1]);
        let steps = libm::ceil(length_m / STEP_M).max(1.0);
        let (from, to) = (Vec3::from_position(ends[0]), Vec3::from_position(ends[1]));
        for step in 0..=steps as u32 {
            let part = f64::from(step) / steps;
            let at = from.scaled(1.0 - part).plus(to, part).to_latlng();
            cells.extend(at.map(|at: LatLng| u64::from(at.to_cell(OBSERVATION_RESOLUTION))));
        }
    }
    cells.sort_unstable();
    cells.dedup();
    cells
}

/// Closures in one order.
#[derive(Clone, Debug, Default)]
pub struct Closures {
    list: Vec<Arc<Closure>>,
    tag: u64,
}

impl Closures {
    /// Closures, put in order of id.
    pub fn new(mut list: Vec<Arc<Closure>>) -> Self {
        list.sort_by(|a, b| a.id.cmp(&b.id));
        let mut digest = Digest::new(0);
        for closure in &list {
            digest.add(closure.tag);
        }
        let tag = if list.is_empty() { 0 } else { digest.finish() };
        Self { list, tag }
    }

    /// Those in force at a Unix time in milliseconds.
    #[must_use]
    pub fn at(&self, unix_ms: u64) -> Self {
        let in_force = |c: &&Arc<Closure>| c.from_ms <= unix_ms && unix_ms < c.until_ms;
        Self::new(self.list.iter().filter(in_force).cloned().collect())
    }

    /// In order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Closure> {
        self.list.iter().map(Arc::as_ref)
    }

    /// Those that lead through a cell of resolution 1 to 11, in order of id.
    pub fn through(&self, cell: CellIndex) -> impl Iterator<Item = &Closure> {
        let resolution = u8::from(cell.resolution());
        let is_in = move |c: &&Closure| {
            c.cells.iter().any(|of_path| ancestor(*of_path, resolution) == u64::from(cell))
        };
        self.iter().filter(is_in)
    }

    /// Those that show in a tile or its buffer.
    pub(crate) fn near(&self, tile: TileId) -> impl Iterator<Item = &Closure> {
        let (centre, reach) = (tile.centre(), tile.reach());
        self.iter().filter(move |closure| closure.bounds.reaches(centre, reach))
    }

    /// Digest of all that tiles show of them; 0 where there is none.
    pub(crate) fn tag(&self) -> u64 {
        self.tag
    }

    /// Adds what a tile shows of them to its digest.
    pub(crate) fn add_to(&self, digest: &mut Digest, tile: TileId) {
        self.near(tile).for_each(|closure| digest.add(closure.tag));
    }
}
