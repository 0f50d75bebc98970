//! Fixes as points of the sphere, joined to segments: what snapping at any resolution begins with.

use hexmile_trace::{EARTH_RADIUS_M, Fix, MAX_JOIN_CM, MAX_JOIN_MS};

use crate::{
    lattice::OnFace,
    sphere::{Tangent, Vec3},
};

/// The course of a drive, computed once for all resolutions.
///
/// Fixes are joined where the later one is at most [`MAX_JOIN_MS`] after and [`MAX_JOIN_CM`] from the
/// earlier one; a repeated timestamp is passed over, and anything else is a gap.
#[derive(Clone, Debug)]
pub struct Course(Vec<Leg>);

/// One fix, and how it follows from the one before.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) end: OnFace,
    /// `None` at first and after a gap.
    pub(crate) join: Option<Join>,
}

/// The great circle between two joined fixes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join {
    pub(crate) start_ms: u64,
    pub(crate) duration_ms: u64,
    pub(crate) distance_cm: u64,
    /// Metres driven east and north.
    pub(crate) east_m: f64,
    pub(crate) north_m: f64,
}

impl Course {
    /// The course of fixes in order of time.
    pub fn new<'a>(fixes: impl IntoIterator<Item = &'a Fix>) -> Self {
        let fixes = fixes.into_iter();
        let mut legs: Vec<Leg> = Vec::with_capacity(fixes.size_hint().1.unwrap_or_default());
        let mut last_ms = None;
        for fix in fixes {
            let time_ms = fix.time_ms();
            if last_ms == Some(time_ms) {
                continue;
            }
            let from = legs.last().map(|leg| leg.end);
            let hint = from.map_or(0, |from| from.face());
            let end = OnFace::of_point(Vec3::from_position(fix.position()), hint);
            let join = Option::zip(last_ms, from)
                .and_then(|(start_ms, from)| Join::of(start_ms, time_ms, from.point, end.point));
            legs.push(Leg { end, join });
            last_ms = Some(time_ms);
        }
        Self(legs)
    }

    pub(crate) fn legs(&self) -> &[Leg] {
        &self.0
    }
}

impl Join {
    fn of(start_ms: u64, end_ms: u64, from: Vec3, to: Vec3) -> Option<Self> {
        let duration_ms = end_ms.checked_sub(start_ms).filter(|t| *t <= MAX_JOIN_MS)?;
        let distance_cm = libm::round(arc_m(from, to) * 100.0) as u64;
        if distance_cm > MAX_JOIN_CM {
            return None;
        }
        let (east_m, north_m) = Tangent::at(from).components_m(to.plus(from, -1.0));
        Some(Self { start_ms, duration_ms, distance_cm, east_m, north_m })
    }
}

/// Great-circle distance between two unit vectors, metres: twice the arcsine of half the chord.
fn arc_m(a: Vec3, b: Vec3) -> f64 {
    2.0 * EARTH_RADIUS_M * libm::asin((b.plus(a, -1.0).length() / 2.0).min(1.0))
}
