//! Whole cells with the traffic of all their directions, for low zooms.

use h3o::CellIndex;

use crate::{Level, group::Group, level::Flow, sphere::Vec3, world::WorldPoint};

/// A cell, its outline and its level.
#[derive(Debug)]
pub(crate) struct HexCell {
    pub(crate) ring: Vec<WorldPoint>,
    pub(crate) level: Level,
}

/// The cells of resolutions 8, 7 and 6 of a shard.
#[derive(Debug)]
pub(crate) struct Hexagons([Vec<HexCell>; 3]);

impl Hexagons {
    pub(crate) fn of_groups(groups: [&Vec<Group>; 3]) -> Self {
        Self(groups.map(|groups| hex_cells(groups)))
    }

    /// The cells of a resolution from 6 to 8; none of any other.
    pub(crate) fn cells(&self, resolution: u8) -> &[HexCell] {
        8usize.checked_sub(usize::from(resolution)).and_then(|i| self.0.get(i)).map_or(&[], |h| h)
    }

    pub(crate) fn rings(&self) -> impl Iterator<Item = &[WorldPoint]> {
        self.0.iter().flatten().map(|hexagon| &hexagon.ring[..])
    }
}

/// One hexagon for each cell that has groups, in the groups' order.
pub(crate) fn hex_cells(groups: &[Group]) -> Vec<HexCell> {
    groups
        .chunk_by(|a, b| a.cell == b.cell)
        .filter_map(|of_cell| {
            let cell = CellIndex::try_from(of_cell[0].cell).ok()?;
            let mut flow = Flow::default();
            for group in of_cell {
                flow.add(&group.flow);
            }
            Some(HexCell { ring: ring(cell), level: flow.level() })
        })
        .collect()
}

/// The outline of a cell.
pub(crate) fn ring(cell: CellIndex) -> Vec<WorldPoint> {
    let corner = |at: &h3o::LatLng| WorldPoint::of_point(Vec3::from_latlng(*at));
    cell.boundary().iter().map(corner).collect()
}
