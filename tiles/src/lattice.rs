//! H3's own lattice: the twenty faces of its icosahedron, and the hexagons of one resolution on each.
//!
//! A great circle is a straight line in a face's gnomonic plane, and there H3's cells are exact
//! regular hexagons. So a segment on one face is walked from border to border in closed form, and the
//! index of each cell entered follows from its hexagon's place (`digits.rs`), without trigonometry.

use std::sync::OnceLock;

use h3o::{LatLng, Resolution};

use crate::{digits::Bases, sphere::Vec3};

/// One face: a unit vector to its middle, and the plane's axes, the first towards one of its corners.
#[derive(Clone, Copy, Debug)]
struct Face {
    centre: Vec3,
    x: Vec3,
    y: Vec3,
    /// Middles of the faces across its three edges.
    across: [Vec3; 3],
}

impl Face {
    /// Whether a point is on this face, `depth` being the cosine of its angle to the middle: no other
    /// middle is nearer, and of those only the ones across an edge can be.
    fn holds(&self, point: Vec3, depth: f64) -> bool {
        depth >= INSCRIBED_COS || self.across.iter().all(|middle| middle.dot(point) <= depth)
    }
}

/// The twenty faces, from the icosahedron's corners, which are the centres of the twelve pentagons.
fn faces() -> &'static [Face; 20] {
    static FACES: OnceLock<[Face; 20]> = OnceLock::new();
    FACES.get_or_init(|| {
        let corners: Vec<Vec3> = Resolution::Zero
            .pentagons()
            .map(|pentagon| Vec3::from_latlng(LatLng::from(pentagon)))
            .collect();
        // The cosine is 0.447 between neighbouring corners, below zero between all others.
        let joined = |a: usize, b: usize| corners[a].dot(corners[b]) > 0.0;
        let mut faces = Vec::with_capacity(20);
        for a in 0..corners.len() {
            for b in a + 1..corners.len() {
                for c in b + 1..corners.len() {
                    if joined(a, b) && joined(b, c) && joined(a, c) {
                        let centre = corners[a].plus(corners[b], 1.0).plus(corners[c], 1.0).unit();
                        let x = corners[a].plus(centre, -corners[a].dot(centre)).unit();
                        let across = [centre; 3];
                        faces.push(Face { centre, x, y: centre.cross(x), across });
                    }
                }
            }
        }
        let centres: Vec<Vec3> = faces.iter().map(|face: &Face| face.centre).collect();
        for face in &mut faces {
            // The cosine is 0.745 between faces that share an edge, 0.333 or less between all others.
            let near = |middle: &&Vec3| (0.5..0.9).contains(&middle.dot(face.centre));
            for (slot, middle) in face.across.iter_mut().zip(centres.iter().filter(near)) {
                *slot = *middle;
            }
        }
        let mut out = [faces[0]; 20];
        for (slot, face) in out.iter_mut().zip(faces) {
            *slot = face;
        }
        out
    })
}

/// Gnomonic distance between neighbouring cells at resolution 0: a corner is two cells away from the
/// middle of its face, at tan(37.377 degrees).
const SPACING_RES0: f64 = 0.381_966_011_250_105;

/// Cosine of the radius of the circle inscribed in a face (20.905 degrees): a point nearer than that to
/// a face's middle is on that face.
const INSCRIBED_COS: f64 = 0.934_172_4;

/// Which hexagon of which face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hexagon {
    pub(crate) face: u8,
    pub(crate) q: i32,
    pub(crate) r: i32,
}

impl Hexagon {
    pub(crate) fn face(self) -> u8 {
        self.face
    }
}

/// A point, with its place in the gnomonic plane of its face.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnFace {
    pub(crate) point: Vec3,
    face: u8,
    /// Cosine of the angle to the face's middle.
    depth: f64,
    x: f64,
    y: f64,
}

impl OnFace {
    /// Finds a point's face; `hint` is the one tried first.
    pub(crate) fn of_point(point: Vec3, hint: u8) -> Self {
        let faces = faces();
        let mut face = hint;
        let mut depth = faces[usize::from(hint)].centre.dot(point);
        if !faces[usize::from(hint)].holds(point, depth) {
            for (i, candidate) in faces.iter().enumerate() {
                let cos = candidate.centre.dot(point);
                if cos > depth {
                    (face, depth) = (i as u8, cos);
                }
            }
        }
        let axes = &faces[usize::from(face)];
        Self { point, face, depth, x: axes.x.dot(point) / depth, y: axes.y.dot(point) / depth }
    }

    pub(crate) fn face(&self) -> u8 {
        self.face
    }
}

/// A point, with its place in the plane of its face in units of the lattice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) point: Vec3,
    face: u8,
    depth: f64,
    q: f64,
    r: f64,
}

/// The lattice of one resolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lattice {
    resolution: Resolution,
    /// Plane to axial coordinates: `q = qx * x + qy * y`, `r = rx * x + ry * y`.
    qx: f64,
    qy: f64,
    rx: f64,
    ry: f64,
    determinant: f64,
    bases: &'static Bases,
}

impl Lattice {
    /// The lattice of a resolution; each is computed once.
    pub(crate) fn of(resolution: Resolution) -> &'static Self {
        static LATTICES: OnceLock<[Lattice; 16]> = OnceLock::new();
        let lattice = |i| {
            Self::new(Resolution::try_from(i as u8).unwrap_or(Resolution::Fifteen), Bases::learnt())
        };
        &LATTICES.get_or_init(|| core::array::from_fn(lattice))[usize::from(u8::from(resolution))]
    }

    pub(crate) fn new(resolution: Resolution, bases: &'static Bases) -> Self {
        let steps = f64::from(u8::from(resolution));
        let per_unit = libm::pow(7.0, steps / 2.0) / SPACING_RES0;
        // Odd resolutions (Class III) are turned by asin(sqrt(3/28)), clockwise.
        let angle = if resolution.is_class3() { libm::asin(libm::sqrt(3.0 / 28.0)) } else { 0.0 };
        let (sin, cos) = libm::sincos(angle);
        let root3 = libm::sqrt(3.0);
        // Turned coordinates u = x cos + y sin, v = y cos - x sin; axial q = u - v/sqrt3, r = 2v/sqrt3.
        let (qx, qy) = (per_unit * (cos + sin / root3), per_unit * (sin - cos / root3));
        let (rx, ry) = (per_unit * (-2.0 * sin / root3), per_unit * (2.0 * cos / root3));
        Self { resolution, qx, qy, rx, ry, determinant: qx * ry - qy * rx, bases }
    }

    pub(crate) fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// A point's place in the lattice; `hint` is the face tried first.
    pub(crate) fn place(&self, point: Vec3, hint: u8) -> Placed {
        self.placed(&OnFace::of_point(point, hint))
    }

    pub(crate) fn placed(&self, on: &OnFace) -> Placed {
        let OnFace { point, face, depth, x, y } = *on;
        Placed { point, face, depth, q: self.qx * x + self.qy * y, r: self.rx * x + self.ry * y }
    }

    /// The cell around a point that lies well inside `hexagon`, given a point of it that may touch its
    /// border. Falls back on the point itself where the hexagon reaches over the face's edge.
    pub(crate) fn cell_near(&self, hexagon: Hexagon, inside: Vec3) -> Option<h3o::CellIndex> {
        let placed = self.place(inside, hexagon.face);
        if placed.face == hexagon.face {
            let q = placed.q + (f64::from(hexagon.q) - placed.q) * 0.25;
            let r = placed.r + (f64::from(hexagon.r) - placed.r) * 0.25;
            let pulled = self.point(hexagon.face, q, r);
            if self.place(pulled, hexagon.face).face == hexagon.face {
                let cell = self.bases.cell(hexagon, self.resolution);
                return cell.or_else(|| Some(pulled.to_latlng()?.to_cell(self.resolution)));
            }
        }
        Some(inside.to_latlng()?.to_cell(self.resolution))
    }

    /// The middle of a hexagon, without trigonometry; `None` where it lies over the face's edge, and is
    /// not the middle of the cell.
    pub(crate) fn middle(&self, hexagon: Hexagon) -> Option<Vec3> {
        let middle = self.point(hexagon.face, f64::from(hexagon.q), f64::from(hexagon.r));
        (self.place(middle, hexagon.face).face == hexagon.face).then_some(middle)
    }

    /// The point of the sphere at axial coordinates of a face.
    pub(crate) fn point(&self, face: u8, q: f64, r: f64) -> Vec3 {
        let x = (q * self.ry - r * self.qy) / self.determinant;
        let y = (r * self.qx - q * self.rx) / self.determinant;
        let face = &faces()[usize::from(face)];
        face.centre.plus(face.x, x).plus(face.y, y).unit()
    }
}

impl Placed {
    pub(crate) fn face(&self) -> u8 {
        self.face
    }

    /// The hexagon that holds the point (rounding in cube coordinates).
    pub(crate) fn hexagon(&self) -> Hexagon {
        let s = -self.q - self.r;
        let (mut q, mut r, rs) = (libm::round(self.q), libm::round(self.r), libm::round(s));
        let (dq, dr, ds) = ((q - self.q).abs(), (r - self.r).abs(), (rs - s).abs());
        if dq > dr && dq > ds {
            q = -r - rs;
        } else if dr > ds {
            r = -q - rs;
        }
        Hexagon { face: self.face, q: q as i32, r: r as i32 }
    }
}

/// The way out of one hexagon on the straight line between two points of its face.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossing {
    /// Fraction of the great-circle arc at which the border is met, 0 to 1.
    pub(crate) at: f64,
    /// The hexagon on the other side.
    pub(crate) into: Hexagon,
}

/// Where the segment `from`-`to` leaves `hexagon`, if it does. Both points must be on its face.
///
/// With offsets `(dq, dr, ds)` from the hexagon's middle, its inside is where the three differences
/// `dq - dr`, `dr - ds`, `ds - dq` lie within one of zero.
pub(crate) fn way_out(hexagon: Hexagon, from: &Placed, to: &Placed) -> Option<Crossing> {
    const AXES: [(i32, i32); 3] = [(1, -1), (0, 1), (-1, 0)];
    let differences = |p: &Placed| {
        let (dq, dr) = (p.q - f64::from(hexagon.q), p.r - f64::from(hexagon.r));
        let ds = -dq - dr;
        [dq - dr, dr - ds, ds - dq]
    };
    let (start, end) = (differences(from), differences(to));
    let mut first: Option<(f64, Hexagon)> = None;
    for (axis, (step_q, step_r)) in AXES.into_iter().enumerate() {
        let sign = if end[axis] > start[axis] { 1.0 } else { -1.0 };
        let (here, there) = (start[axis] * sign, end[axis] * sign);
        if there <= 1.0 {
            continue;
        }
        // Rounding may leave a start a hair outside: it leaves at once.
        let t = ((1.0 - here) / (there - here)).clamp(0.0, 1.0);
        if first.is_none_or(|(best, _)| t < best) {
            let turn = sign as i32;
            let into = Hexagon {
                face: hexagon.face,
                q: hexagon.q + step_q * turn,
                r: hexagon.r + step_r * turn,
            };
            first = Some((t, into));
        }
    }
    first.map(|(t, into)| {
        // From a fraction of the line in the plane to one of the chord, which is the arc's for
        // segments this short.
        let at = t * to_weight(from, to) / ((1.0 - t) + t * to_weight(from, to));
        Crossing { at, into }
    })
}

/// Ratio of the depths of both ends: how much the gnomonic plane stretches one end against the other.
fn to_weight(from: &Placed, to: &Placed) -> f64 {
    from.depth / to.depth
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn there_are_twenty_faces_and_the_spacing_is_theirs() {
        let faces = faces();
        for face in faces {
            assert!((face.centre.length() - 1.0).abs() < 1e-12);
            let nearest = faces.iter().map(|f| f.centre.dot(face.centre)).filter(|c| *c < 0.999);
            assert!((nearest.fold(-1.0, f64::max) - 0.745_355_992_5).abs() < 1e-9);
            // The inscribed circle touches the edge half-way to the neighbour (half-angle formula).
            let half_way = libm::sqrt(f64::midpoint(1.0, 0.745_355_992_5));
            assert!((half_way - INSCRIBED_COS).abs() < 1e-7 && half_way < INSCRIBED_COS);
            assert!(
                face.across.iter().all(|m| (m.dot(face.centre) - 0.745_355_992_5).abs() < 1e-9)
            );
            assert!(face.across[0] != face.across[1] && face.across[1] != face.across[2]);
        }
    }

    #[test]
    fn a_start_outside_leaves_at_once() {
        let point = faces()[0].centre;
        let placed = |q| Placed { point, face: 0, depth: 1.0, q, r: 0.0 };
        let out = way_out(Hexagon { face: 0, q: 0, r: 0 }, &placed(1.0), &placed(2.0)).unwrap();
        assert_eq!(out.at, 0.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// A point's face is that of the nearest middle, whichever face is tried first.
        #[test]
        fn a_face_is_found_from_any_hint(lat in -1.5..1.5f64, lon in -3.1..3.1f64, hint in 0u8..20) {
            let point = Vec3::from_radians(lat, lon);
            let nearest = (0..20u8).max_by(|a, b| {
                let cos = |i: u8| faces()[usize::from(i)].centre.dot(point);
                cos(*a).total_cmp(&cos(*b))
            });
            prop_assert_eq!(Some(OnFace::of_point(point, hint).face()), nearest);
        }

        /// Two near points are in one hexagon exactly when `to_cell` says that they share a cell.
        #[test]
        fn hexagons_are_cells(lat in -1.5..1.5f64, lon in -3.1..3.1f64, res in 0u8..16,
                              east in -1.5..1.5f64, north in -1.5..1.5f64) {
            let resolution = Resolution::try_from(res).unwrap();
            let lattice = Lattice::of(resolution);
            let reach = resolution.edge_length_m();
            let tangent = crate::sphere::Tangent::at(Vec3::from_radians(lat, lon));
            let a = lattice.place(tangent.origin(), 0);
            let b = lattice.place(tangent.point(east * reach, north * reach), a.face());
            let cell = |p: &Placed| p.point.to_latlng().unwrap().to_cell(resolution);
            if a.face() == b.face() {
                prop_assert_eq!(a.hexagon() == b.hexagon(), cell(&a) == cell(&b));
                prop_assert_eq!(lattice.cell_near(a.hexagon(), a.point), Some(cell(&a)));
            } else {
                // Over the edge a hexagon's place says nothing: the point itself decides.
                prop_assert_eq!(lattice.cell_near(a.hexagon(), b.point), Some(cell(&b)));
            }
        }

        /// A line is left where it meets the border, on large cells too, where the plane is stretched.
        #[test]
        fn the_way_out_is_on_the_border(lat in -1.5..1.5f64, lon in -3.1..3.1f64, res in 0u8..8,
                                        east in -1.5..1.5f64, north in -1.5..1.5f64) {
            let lattice = Lattice::of(Resolution::try_from(res).unwrap());
            let reach = lattice.resolution().edge_length_m();
            let tangent = crate::sphere::Tangent::at(Vec3::from_radians(lat, lon));
            let a = lattice.place(tangent.origin(), 0);
            let b = lattice.place(tangent.point(east * reach, north * reach), a.face());
            let hexagon = a.hexagon();
            if let Some(out) = way_out(hexagon, &a, &b).filter(|_| a.face() == b.face()) {
                let chord = a.point.plus(a.point, -out.at).plus(b.point, out.at);
                let at = lattice.place(chord.unit(), a.face());
                let (dq, dr) = (at.q - f64::from(hexagon.q), at.r - f64::from(hexagon.r));
                let ds = -dq - dr;
                let furthest = [dq - dr, dr - ds, ds - dq].map(f64::abs).into_iter().fold(0.0, f64::max);
                prop_assert!((furthest - 1.0).abs() < 1e-9, "{furthest}");
            }
        }
    }
}
