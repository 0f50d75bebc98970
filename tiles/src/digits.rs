//! The index of a hexagon, from its place on a face, in integers.
//!
//! An H3 index is a base cell and a digit for each resolution: which of its parent's seven children
//! the cell is. Each parent of a hexagon is found by turning and shrinking the lattice by the square
//! root of seven. Digits counted so are those of the face; a base cell counts them from a direction of
//! its own, turned by a multiple of 60 degrees, which is learnt from h3o once for each base cell and
//! face. (H3's documentation, "Coordinate systems" and "Cell indexing"; IJ axes lie 120 degrees apart.)

use std::sync::OnceLock;

use h3o::{CellIndex, Resolution};

use crate::lattice::{Hexagon, Lattice};

const FACES: usize = 20;
/// Hexagons of resolution 0 have IJ coordinates from -2 to 2 where they touch the face.
const REACH: i32 = 2;
const WIDTH: usize = 2 * REACH as usize + 1;

/// Digits by direction, anticlockwise in steps of 60 degrees from the I axis.
const DIGIT_OF_TURN: [u8; 6] = [4, 6, 2, 3, 1, 5];

const MODE_CELL: u64 = 1 << 59;
const RESOLUTION_SHIFT: u32 = 52;
const BASE_SHIFT: u32 = 45;
/// All fifteen digits unused.
const NO_DIGITS: u64 = (1 << BASE_SHIFT) - 1;

/// A base cell as it lies on a face.
#[derive(Clone, Copy, Debug)]
struct Base {
    number: u8,
    /// How many steps of 60 degrees its own digits are turned from the face's.
    turn: u8,
}

/// The base cells around every face. Pentagons are not among them: their digits turn in the middle.
#[derive(Debug)]
pub(crate) struct Bases([[[Option<Base>; WIDTH]; WIDTH]; FACES]);

impl Bases {
    /// The table, computed at the first call.
    pub(crate) fn learnt() -> &'static Self {
        static NONE: Bases = Bases([[[None; WIDTH]; WIDTH]; FACES]);
        static LEARNT: OnceLock<Bases> = OnceLock::new();
        LEARNT.get_or_init(|| {
            let lattice = Lattice::new(Resolution::One, &NONE);
            Self(core::array::from_fn(|face| {
                core::array::from_fn(|i| {
                    core::array::from_fn(|j| {
                        learn(&lattice, face as u8, (i as i32 - REACH, j as i32 - REACH))
                    })
                })
            }))
        })
    }

    /// The cell of a hexagon that lies on its face; `None` where the table does not tell.
    pub(crate) fn cell(&self, hexagon: Hexagon, resolution: Resolution) -> Option<CellIndex> {
        let finest = u8::from(resolution);
        let mut at = ij(hexagon);
        // Three bits each, as in an index: the direction, 0 to 5, or 7 for the middle child.
        let mut turns = 0_u64;
        for level in (1..=finest).rev() {
            let (parent, turn) = parent(at, level)?;
            turns |= u64::from(turn) << shift(level);
            at = parent;
        }
        let entry = |i: i32| usize::try_from(i + REACH).ok();
        let row = self.0.get(usize::from(hexagon.face))?.get(entry(at.0)?)?;
        let base = (*row.get(entry(at.1)?)?)?;
        let mut digits = NO_DIGITS;
        for level in 1..=finest {
            let turn = (turns >> shift(level) & 7) as u8;
            let digit =
                if turn == MIDDLE { 0 } else { DIGIT_OF_TURN[usize::from(turn + base.turn) % 6] };
            digits ^= u64::from(7 ^ digit) << shift(level);
        }
        let prefix = MODE_CELL | u64::from(finest) << RESOLUTION_SHIFT;
        CellIndex::try_from(prefix | u64::from(base.number) << BASE_SHIFT | digits).ok()
    }
}

/// The direction of a child that is none: the middle one.
const MIDDLE: u8 = 7;
/// Where no child lies.
const NOWHERE: u8 = 8;
/// Directions by steps on I and J, from -1 to 1 each: a table rather than branches that nothing foretells.
const TURNS: [u8; 9] = [4, 3, NOWHERE, 5, MIDDLE, 2, NOWHERE, 0, 1];

/// Where the digit of a resolution stands in an index.
fn shift(level: u8) -> u32 {
    3 * (15 - u32::from(level))
}

/// Axial coordinates, whose axes lie 60 degrees apart, to H3's IJ.
fn ij(hexagon: Hexagon) -> (i32, i32) {
    (hexagon.q + hexagon.r, hexagon.r)
}

/// The parent of a hexagon of resolution `level`, and the direction that the child lies in from it.
fn parent((i, j): (i32, i32), level: u8) -> Option<((i32, i32), u8)> {
    // To the nearest: children lie at most 3/7 away on either axis.
    let seventh = |n: i32| (n + 3).div_euclid(7);
    let (parent, (middle_i, middle_j)) = if level % 2 == 1 {
        let (pi, pj) = (seventh(3 * i - j), seventh(i + 2 * j));
        ((pi, pj), (2 * pi + pj, 3 * pj - pi))
    } else {
        let (pi, pj) = (seventh(2 * i + j), seventh(3 * j - i));
        ((pi, pj), (3 * pi - pj, pi + 2 * pj))
    };
    let turn = *TURNS.get(usize::try_from(3 * (i - middle_i) + (j - middle_j) + 4).ok()?)?;
    (turn != NOWHERE).then_some((parent, turn))
}

/// The base cell at `at` of a face, from the first of its children whose middle lies on the face.
fn learn(lattice: &Lattice, face: u8, at: (i32, i32)) -> Option<Base> {
    (0..=6).flat_map(|q| (0..=6).map(move |r| (q - 3, r - 3))).find_map(|(dq, dr)| {
        // The middle child, in IJ, and from there in axial coordinates.
        let (middle_i, middle_j) = (2 * at.0 + at.1, 3 * at.1 - at.0);
        let hexagon = Hexagon { face, q: middle_i - middle_j + dq, r: middle_j + dr };
        let (base, turn) = parent(ij(hexagon), 1)?;
        if base != at || turn == MIDDLE {
            return None;
        }
        let cell = lattice.middle(hexagon)?.to_latlng()?.to_cell(Resolution::One);
        let (number, index) = (cell.base_cell(), u64::from(cell));
        let digit = (index >> shift(1) & 7) as u8;
        let own = DIGIT_OF_TURN.iter().position(|d| *d == digit)? as u8;
        (!number.is_pentagon()).then(|| Base { number: number.into(), turn: (own + 6 - turn) % 6 })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seven_base_cells_lie_on_each_face_beside_the_pentagons() {
        let bases = Bases::learnt();
        let mut all = BTreeSet::new();
        for face in &bases.0 {
            let numbers: BTreeSet<u8> =
                face.iter().flatten().flatten().map(|base| base.number).collect();
            assert_eq!(numbers.len(), 7);
            all.extend(numbers);
        }
        assert_eq!(all.len(), 122 - 12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Wherever the table tells a cell, it is the one that h3o finds in the hexagon's middle; and it
        /// tells all but those of pentagons and a few at the edge of the face.
        #[test]
        fn cells_are_those_of_h3o(face in 0u8..20, x in -0.6..0.6f64, y in -0.6..0.6f64, res in 0u8..16) {
            let resolution = Resolution::try_from(res).unwrap();
            let lattice = Lattice::of(resolution);
            let scale = libm::pow(7.0, f64::from(res) / 2.0) / 0.382;
            let hexagon = Hexagon { face, q: (x * scale) as i32, r: (y * scale) as i32 };
            if let Some(middle) = lattice.middle(hexagon) {
                let want = middle.to_latlng().unwrap().to_cell(resolution);
                let got = Bases::learnt().cell(hexagon, resolution);
                prop_assert!(got.is_none_or(|got| got == want));
                let inner = hexagon.q.abs().max(hexagon.r.abs()).max((hexagon.q + hexagon.r).abs());
                if f64::from(inner) < 0.5 * scale * 0.382 {
                    prop_assert_eq!(got, Some(want));
                }
            }
        }
    }
}
