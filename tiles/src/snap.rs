//! Fixes to passes: which cells a drive went through, when, how far and which way.

use h3o::{CellIndex, Resolution};
use hexmile_trace::{Fix, Position};

use crate::{
    Course, Sector,
    course::Join,
    lattice::{Hexagon, Lattice, Placed, way_out},
    sphere::{Vec3, bearing_ddeg},
};

/// Slower than this, a joined segment counts as standing, cm/s: the wander of a phone at rest.
const STANDING_CMPS: u64 = 50;

/// A reversal splits a pass only where it is driven, not wandered: from this speed on, cm/s.
const REVERSAL_CMPS: u64 = 200;

/// What must have been driven each way for a reversal to count, metres.
const REVERSAL_M: f64 = 2.0;

/// Where a stay is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Where the drive turns round: by more than 120 degrees.
    AtReversals,
    /// Also where it turns off: by more than 40 degrees.
    AtTurns,
}

impl Cut {
    /// Cosine of the largest angle that does not cut.
    const fn cosine(self) -> f64 {
        match self {
            Self::AtReversals => -0.5,
            Self::AtTurns => 0.766_044_443_118_978,
        }
    }
}

/// One stay of a drive in one cell, between its borders, a gap or a reversal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The cell.
    pub cell: CellIndex,
    /// Sector of `heading_ddeg`.
    pub sector: Sector,
    /// When it began, Unix milliseconds.
    pub entered_ms: u64,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// How far it went along the joined fixes, centimetres.
    pub distance_cm: u64,
    /// Longest standstill within it (below 0.5 m/s), milliseconds.
    pub stopped_ms: u64,
    /// Where it began.
    pub entry: Position,
    /// Where it ended.
    pub exit: Position,
    /// Whether `entry` is a crossing of the cell's border, not the start of the drive, a gap or a
    /// reversal.
    pub entered: bool,
    /// Whether `exit` is a crossing of the cell's border.
    pub left: bool,
    /// Mean heading weighted by distance, tenths of a degree clockwise from north, 0 to 3599. A pass
    /// that never moved has the heading of the pass before it, else 0.
    pub heading_ddeg: u16,
}

/// What a [`Pass`] says without its places: cheaper to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The cell.
    pub cell: CellIndex,
    /// When it began, Unix milliseconds.
    pub entered_ms: u64,
    /// How far it went along the joined fixes, centimetres.
    pub distance_cm: u64,
}

/// Joins consecutive fixes along the great circle and credits every cell on the way.
///
/// Fixes are joined as [`Course`] says. Only segments are credited, so the passes' distances and
/// durations add up exactly to those of the joined segments, and a first fix that repeats the end of
/// the trace before it is credited once.
///
/// Passes come in order of time. Every resolution, pole, pentagon and the antimeridian are handled.
pub fn snap(fixes: &[Fix], resolution: Resolution) -> Vec<Pass> {
    let mut passes = Vec::with_capacity(fixes.len() / 2);
    walk(Lattice::of(resolution), &Course::new(fixes), Cut::AtReversals, |stay| {
        passes.push(stay.to_pass());
    });
    passes
}

impl Course {
    /// The passes of [`snap`] at a resolution, each without its places.
    pub fn visits(&self, resolution: Resolution) -> Vec<Visit> {
        let mut visits = Vec::with_capacity(self.legs().len() / 4);
        walk(Lattice::of(resolution), self, Cut::AtReversals, |stay| visits.push(stay.to_visit()));
        visits
    }
}

/// [`snap`], handing each stay out in the form it is computed in.
pub(crate) fn walk(lattice: &Lattice, course: &Course, cut: Cut, each: impl FnMut(&Stay)) {
    let mut walk = Walk {
        lattice,
        // Only segments over the edge of a face are sampled, so it may be fine: corners of cells that
        // a step can clip unseen are shorter than a sixteenth of their edge.
        step_m: lattice.resolution().edge_length_m() / 16.0,
        straight: cut.cosine(),
        open: None,
        last_heading_ddeg: 0,
        each,
    };
    let mut previous: Option<Placed> = None;
    for leg in course.legs() {
        let here = lattice.placed(&leg.end);
        match (&previous, &leg.join) {
            (Some(from), Some(join)) => walk.follow(&Segment { from, to: &here, join }),
            (Some(_), None) => walk.gap(),
            (None, _) => {}
        }
        previous = Some(here);
    }
    walk.gap();
}

/// Two joined fixes, placed in the lattice.
struct Segment<'a> {
    from: &'a Placed,
    to: &'a Placed,
    join: &'a Join,
}

impl Segment<'_> {
    /// Whole centimetres and milliseconds up to a fraction of the way; all of them at 1.
    fn up_to(&self, at: f64) -> (u64, u64) {
        let Join { distance_cm, duration_ms, .. } = *self.join;
        if at == 0.0 {
            (0, 0)
        } else if at == 1.0 {
            (distance_cm, duration_ms)
        } else {
            let part = |whole: u64| libm::round(whole as f64 * at) as u64;
            (part(distance_cm), part(duration_ms))
        }
    }

    fn point(&self, at: f64) -> Vec3 {
        self.from.point.scaled(1.0 - at).plus(self.to.point, at).unit()
    }

    fn is_faster_than(&self, cmps: u64) -> bool {
        self.join.distance_cm * 1000 > cmps * self.join.duration_ms
    }
}

/// What begins or ends a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The cell's border.
    Border,
    /// A turn or a reversal, in the midst of the cell.
    Turn,
    /// The drive's beginning or end, or a gap.
    Drive,
}

/// A pass as it is computed: open until the walk hands it out.
pub(crate) struct Stay {
    pub(crate) cell: CellIndex,
    /// Its hexagon, unless it was reached over the edge of a face.
    pub(crate) hexagon: Option<Hexagon>,
    pub(crate) entered_ms: u64,
    pub(crate) duration_ms: u64,
    pub(crate) distance_cm: u64,
    standing_ms: u64,
    pub(crate) stopped_ms: u64,
    pub(crate) entry: Vec3,
    pub(crate) exit: Vec3,
    pub(crate) began: Limit,
    pub(crate) ended: Limit,
    pub(crate) heading_ddeg: u16,
    east_m: f64,
    north_m: f64,
}

struct Walk<'a, F> {
    lattice: &'a Lattice,
    step_m: f64,
    straight: f64,
    open: Option<Stay>,
    last_heading_ddeg: u16,
    each: F,
}

impl<F: FnMut(&Stay)> Walk<'_, F> {
    fn follow(&mut self, segment: &Segment<'_>) {
        if self.open.as_ref().is_some_and(|open| open.is_left_by(segment, self.straight)) {
            self.turn(segment.join.start_ms);
        }
        if self.open.is_none() {
            let Some(cell) = self.cell_of(segment.from.point) else { return };
            let hexagon = Some(segment.from.hexagon());
            self.begin(cell, hexagon, segment.join.start_ms, segment.from.point, Limit::Drive);
        }
        if segment.from.face() == segment.to.face() {
            self.follow_on_face(segment);
        } else {
            self.follow_across(segment);
        }
    }

    /// From border to border in closed form.
    fn follow_on_face(&mut self, segment: &Segment<'_>) {
        let on_face = |h: &Hexagon| h.face() == segment.from.face();
        let known = self.open.as_ref().and_then(|open| open.hexagon).filter(on_face);
        let mut hexagon = known.unwrap_or_else(|| segment.from.hexagon());
        let mut done = 0.0;
        // Each step enters a hexagon further along the line, so the straight line's length bounds them.
        let steps = 8 + (segment.join.distance_cm as f64 / (100.0 * self.step_m)) as usize;
        for _ in 0..steps {
            let Some(crossing) = way_out(hexagon, segment.from, segment.to) else { break };
            let at = crossing.at.max(done);
            let border = segment.point(at);
            self.credit(segment, done, at, border);
            let ahead = way_out(crossing.into, segment.from, segment.to).map_or(1.0, |c| c.at);
            let inside = segment.point(f64::midpoint(at, ahead.max(at)));
            let Some(cell) = self.lattice.cell_near(crossing.into, inside) else { break };
            hexagon = crossing.into;
            self.cross(segment, at, border, cell, Some(hexagon));
            done = at;
        }
        if let Some(open) = &mut self.open {
            open.hexagon = Some(hexagon);
        }
        self.credit(segment, done, 1.0, segment.to.point);
    }

    /// By samples and bisection, where the segment reaches over the edge of a face.
    fn follow_across(&mut self, segment: &Segment<'_>) {
        let steps = 1 + (segment.join.distance_cm as f64 / (100.0 * self.step_m)) as usize;
        let mut done = 0.0;
        for step in 1..=steps {
            let end = if step == steps { 1.0 } else { step as f64 / steps as f64 };
            let Some(cell) = self.cell_of(segment.point(end)) else { break };
            // A step may clip a corner: cross as often as there are cells, the next one found each time.
            while let Some(here) = self.open.as_ref().map(|open| open.cell).filter(|c| *c != cell) {
                let Some((at, into)) = self.border(segment, here, done, end, cell) else { break };
                let border = segment.point(at);
                self.credit(segment, done, at, border);
                self.cross(segment, at, border, into, None);
                done = at;
            }
        }
        if let Some(open) = &mut self.open {
            open.hexagon = Some(segment.to.hexagon());
        }
        self.credit(segment, done, 1.0, segment.to.point);
    }

    /// Bisects for the end of `here` between two fractions; gives it and the cell beyond.
    fn border(
        &self,
        segment: &Segment<'_>,
        here: CellIndex,
        from: f64,
        to: f64,
        beyond: CellIndex,
    ) -> Option<(f64, CellIndex)> {
        let (mut inside, mut outside, mut into) = (from, to, beyond);
        for _ in 0..24 {
            let middle = f64::midpoint(inside, outside);
            let cell = self.cell_of(segment.point(middle))?;
            if cell == here {
                inside = middle;
            } else {
                (outside, into) = (middle, cell);
            }
        }
        Some((outside, into))
    }

    fn cell_of(&self, point: Vec3) -> Option<CellIndex> {
        Some(point.to_latlng()?.to_cell(self.lattice.resolution()))
    }

    /// Credits the stretch between two fractions of a segment to the open pass.
    fn credit(&mut self, segment: &Segment<'_>, from: f64, to: f64, end: Vec3) {
        let Some(open) = &mut self.open else { return };
        let (from_cm, from_ms) = segment.up_to(from);
        let (to_cm, to_ms) = segment.up_to(to);
        open.distance_cm += to_cm - from_cm;
        open.duration_ms += to_ms - from_ms;
        open.east_m += segment.join.east_m * (to - from);
        open.north_m += segment.join.north_m * (to - from);
        open.exit = end;
        if segment.is_faster_than(STANDING_CMPS) {
            open.standing_ms = 0;
        } else {
            open.standing_ms += to_ms - from_ms;
            open.stopped_ms = open.stopped_ms.max(open.standing_ms);
        }
    }

    fn cross(
        &mut self,
        segment: &Segment<'_>,
        at: f64,
        border: Vec3,
        cell: CellIndex,
        hexagon: Option<Hexagon>,
    ) {
        self.end(Limit::Border);
        let entered_ms = segment.join.start_ms + segment.up_to(at).1;
        self.begin(cell, hexagon, entered_ms, border, Limit::Border);
    }

    /// Ends the open pass where the drive turned and begins another in the same cell.
    fn turn(&mut self, at_ms: u64) {
        if let Some((cell, hexagon, at)) =
            self.open.as_ref().map(|open| (open.cell, open.hexagon, open.exit))
        {
            self.end(Limit::Turn);
            self.begin(cell, hexagon, at_ms, at, Limit::Turn);
        }
    }

    fn begin(
        &mut self,
        cell: CellIndex,
        hexagon: Option<Hexagon>,
        entered_ms: u64,
        entry: Vec3,
        began: Limit,
    ) {
        self.open = Some(Stay {
            cell,
            hexagon,
            entered_ms,
            duration_ms: 0,
            distance_cm: 0,
            standing_ms: 0,
            stopped_ms: 0,
            entry,
            exit: entry,
            began,
            ended: Limit::Drive,
            heading_ddeg: 0,
            east_m: 0.0,
            north_m: 0.0,
        });
    }

    fn gap(&mut self) {
        self.end(Limit::Drive);
        self.last_heading_ddeg = 0;
    }

    /// Closes the open pass; one that took neither time nor distance (a touched corner) is nothing.
    fn end(&mut self, ended: Limit) {
        let Some(mut stay) = self.open.take() else { return };
        if stay.distance_cm == 0 && stay.duration_ms == 0 {
            return;
        }
        if stay.distance_cm > 0 {
            self.last_heading_ddeg = bearing_ddeg(stay.east_m, stay.north_m);
        }
        stay.ended = ended;
        stay.heading_ddeg = self.last_heading_ddeg;
        (self.each)(&stay);
    }
}

impl Stay {
    fn to_visit(&self) -> Visit {
        let Self { cell, entered_ms, distance_cm, .. } = *self;
        Visit { cell, entered_ms, distance_cm }
    }

    fn to_pass(&self) -> Pass {
        Pass {
            cell: self.cell,
            sector: Sector::of_heading(self.heading_ddeg),
            entered_ms: self.entered_ms,
            duration_ms: self.duration_ms,
            distance_cm: self.distance_cm,
            stopped_ms: self.stopped_ms,
            entry: self.entry.to_position(),
            exit: self.exit.to_position(),
            entered: self.began == Limit::Border,
            left: self.ended == Limit::Border,
            heading_ddeg: self.heading_ddeg,
        }
    }

    /// Whether a segment leaves the direction driven so far: the cosine of the angle between them is
    /// below `straight`.
    fn is_left_by(&self, segment: &Segment<'_>, straight: f64) -> bool {
        if !segment.is_faster_than(REVERSAL_CMPS) {
            return false;
        }
        let dot = self.east_m * segment.join.east_m + self.north_m * segment.join.north_m;
        if dot >= 0.0 && straight <= 0.0 {
            return false;
        }
        let driven = libm::hypot(self.east_m, self.north_m);
        let turned = libm::hypot(segment.join.east_m, segment.join.north_m);
        driven >= REVERSAL_M && turned >= REVERSAL_M && dot < straight * driven * turned
    }
}
