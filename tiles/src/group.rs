//! Coarser cells: sums of published directions, and a generalised line for each.

use crate::{Sector, level::Flow, sphere::bearing_ddeg, world::WorldPoint};

/// Traffic one way through a cell coarser than resolution 11: the sum of the directions in it whose
/// heading lies in one sector.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) cell: u64,
    pub(crate) sector: Sector,
    pub(crate) heading_ddeg: u16,
    pub(crate) flow: Flow,
    /// Its line, generalised, in travel direction; empty where only strays lie in it.
    pub(crate) path: Vec<WorldPoint>,
    /// Distance of the direction that the line was taken from: the heaviest child's leads. 0 without one.
    pub(crate) lead: u64,
}

/// The H3 index of the ancestor at a coarser resolution: its digits above stay, those below are 7.
pub(crate) fn ancestor(cell: u64, resolution: u8) -> u64 {
    let unused = (1 << (3 * (15 - u64::from(resolution)))) - 1;
    cell & !(0xf << 52) | u64::from(resolution) << 52 | unused
}

/// Mean heading of parts, weighted by distance.
pub(crate) fn mean_heading<'a>(parts: impl Iterator<Item = (u16, &'a Flow)>) -> u16 {
    let (mut east, mut north) = (0i64, 0i64);
    for (heading_ddeg, flow) in parts {
        let (sin, cos) = libm::sincos((f64::from(heading_ddeg) / 10.0).to_radians());
        let weight = flow.distance as f64;
        east += libm::round(weight * sin) as i64;
        north += libm::round(weight * cos) as i64;
    }
    bearing_ddeg(east as f64, north as f64)
}

/// Sums groups of one resolution into those of a coarser one. `finer` is in order of cell and sector,
/// and so is the result.
pub(crate) fn coarsen(finer: &[&Group], resolution: u8) -> Vec<Group> {
    let mut coarser = Vec::new();
    for of_cell in
        finer.chunk_by(|a, b| ancestor(a.cell, resolution) == ancestor(b.cell, resolution))
    {
        for number in 0..Sector::COUNT as u8 {
            let Some(sector) = Sector::new(number) else { continue };
            let parts: Vec<&Group> =
                of_cell.iter().copied().filter(|group| group.sector == sector).collect();
            if !parts.is_empty() {
                coarser.push(sum(&parts, sector, resolution));
            }
        }
    }
    coarser
}

fn sum(parts: &[&Group], sector: Sector, resolution: u8) -> Group {
    let mut flow = Flow::default();
    for part in parts {
        flow.add(&part.flow);
    }
    let lead = parts.iter().map(|part| part.lead).max().unwrap_or(0);
    Group {
        cell: ancestor(parts[0].cell, resolution),
        sector,
        heading_ddeg: mean_heading(parts.iter().map(|part| (part.heading_ddeg, &part.flow))),
        flow,
        path: generalise(parts, sector),
        lead,
    }
}

/// Eastward and southward steps of the eight sectors.
const STEPS: [(i64, i64); 8] =
    [(0, -7), (5, -5), (7, 0), (5, 5), (0, 7), (-5, 5), (-7, 0), (-5, -5)];

/// Through three measured places: where the first part begins, the middle of the heaviest part, and
/// where the last part ends, in the order of the sector's direction.
fn generalise(parts: &[&Group], sector: Sector) -> Vec<WorldPoint> {
    let Some(heaviest) = parts.iter().max_by_key(|part| (part.lead, core::cmp::Reverse(part.cell)))
    else {
        return Vec::new();
    };
    let Some(&origin) = heaviest.path.get(heaviest.path.len() / 2) else { return Vec::new() };
    let (east, south) = STEPS[usize::from(sector.number())];
    let along = |point: &WorldPoint| {
        let (x, y) = point.from(origin);
        x * east + y * south
    };
    let first = parts.iter().filter_map(|part| part.path.first()).min_by_key(|p| (along(p), **p));
    let last = parts.iter().filter_map(|part| part.path.last()).max_by_key(|p| (along(p), **p));
    let mut path: Vec<WorldPoint> =
        [first, Some(&origin), last].into_iter().flatten().copied().collect();
    path.dedup();
    path
}
