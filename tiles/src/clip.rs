//! Clipping in tile coordinates, in integers.

/// A point in tile units, x east and y south of the tile's corner.
pub(crate) type TilePoint = (i32, i32);

/// A square from `min` to `max` in both coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) min: i32,
    pub(crate) max: i32,
}

impl Frame {
    pub(crate) fn contains(self, (x, y): TilePoint) -> bool {
        (self.min..=self.max).contains(&x) && (self.min..=self.max).contains(&y)
    }

    /// Cuts a line to the frame, appending its parts: each of two points or more, none repeated.
    pub(crate) fn clip_line(self, line: &[TilePoint], parts: &mut Vec<Vec<TilePoint>>) {
        let mut part: Vec<TilePoint> = Vec::new();
        for ends in line.windows(2) {
            let Some((from, to)) = self.clip_segment(ends[0], ends[1]) else { continue };
            if part.last() != Some(&from) {
                keep(&mut part, parts);
                part.push(from);
            }
            if from != to {
                part.push(to);
            }
        }
        keep(&mut part, parts);
    }

    /// The part of a segment inside the frame (Liang and Barsky 1984).
    fn clip_segment(self, a: TilePoint, b: TilePoint) -> Option<(TilePoint, TilePoint)> {
        if self.contains(a) && self.contains(b) {
            return Some((a, b));
        }
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        let (ax, ay) = (f64::from(a.0), f64::from(a.1));
        let (dx, dy) = (f64::from(b.0) - ax, f64::from(b.1) - ay);
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        for (step, room) in [(-dx, ax - min), (dx, max - ax), (-dy, ay - min), (dy, max - ay)] {
            if step == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if step < 0.0 {
                enter = enter.max(room / step);
            } else {
                leave = leave.min(room / step);
            }
        }
        let at = |t: f64| {
            let round = |v: f64| libm::round(v).clamp(min, max) as i32;
            (round(ax + t * dx), round(ay + t * dy))
        };
        (enter <= leave).then(|| {
            (if enter > 0.0 { at(enter) } else { a }, if leave < 1.0 { at(leave) } else { b })
        })
    }

    /// Cuts a ring (not closed) to the frame (Sutherland and Hodgman 1974); empty where nothing is left.
    pub(crate) fn clip_ring(self, ring: &[TilePoint]) -> Vec<TilePoint> {
        let mut ring = ring.to_vec();
        if ring.iter().all(|point| self.contains(*point)) {
            return ring;
        }
        let swap = |(x, y): TilePoint| (y, x);
        for _ in 0..2 {
            ring = cut(&ring, self.max, |v, edge| v <= edge);
            ring = cut(&ring, self.min, |v, edge| v >= edge);
            for point in &mut ring {
                *point = swap(*point);
            }
        }
        ring
    }
}

/// Hands a finished part over if it is a line.
fn keep(part: &mut Vec<TilePoint>, parts: &mut Vec<Vec<TilePoint>>) {
    let part = core::mem::take(part);
    if part.len() > 1 {
        parts.push(part);
    }
}

/// Keeps the side of a ring whose x is on the right side of an edge.
fn cut(ring: &[TilePoint], edge: i32, is_in: impl Fn(i32, i32) -> bool) -> Vec<TilePoint> {
    let mut kept = Vec::with_capacity(ring.len() + 2);
    for (i, &b) in ring.iter().enumerate() {
        let a = ring[(i + ring.len() - 1) % ring.len()];
        if is_in(a.0, edge) != is_in(b.0, edge) {
            // The same whichever way the edge is walked: neighbours share their borders.
            let (p, q) = if a < b { (a, b) } else { (b, a) };
            let t = (f64::from(edge) - f64::from(p.0)) / (f64::from(q.0) - f64::from(p.0));
            let y = f64::from(p.1) + t * (f64::from(q.1) - f64::from(p.1));
            kept.push((edge, libm::round(y) as i32));
        }
        if is_in(b.0, edge) {
            kept.push(b);
        }
    }
    kept
}

/// Twice the signed area of a ring (surveyor's formula), positive clockwise on a screen.
pub(crate) fn doubled_area(ring: &[TilePoint]) -> i64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .map(|(a, b)| i64::from(a.0) * i64::from(b.1) - i64::from(b.0) * i64::from(a.1))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Frame = Frame { min: -64, max: 4160 };

    #[test]
    fn lines() {
        for (line, want) in [
            (vec![(0, 0), (10, 10)], vec![vec![(0, 0), (10, 10)]]),
            (vec![(-200, 0), (-100, 0)], vec![]),
            (vec![(-100, 5), (100, 5)], vec![vec![(-64, 5), (100, 5)]]),
            (
                vec![(0, 0), (-100, 0), (-100, 50), (0, 50)],
                vec![vec![(0, 0), (-64, 0)], vec![(-64, 50), (0, 50)]],
            ),
            (vec![(3, 3), (3, 3)], vec![]),
        ] {
            let mut parts = Vec::new();
            FRAME.clip_line(&line, &mut parts);
            assert_eq!(parts, want, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn all_is_inside(line in proptest::collection::vec((-9000..9000i32, -9000..9000i32), 2..9)) {
            let mut parts = Vec::new();
            FRAME.clip_line(&line, &mut parts);
            for part in &parts {
                prop_assert!(part.iter().all(|p| FRAME.contains(*p)));
                prop_assert!(part.windows(2).all(|ends| ends[0] != ends[1]));
            }
            let ring = FRAME.clip_ring(&line);
            prop_assert!(ring.iter().all(|p| FRAME.contains(*p)));
            prop_assert!(doubled_area(&ring).abs() <= 2 * 4224 * 4224 * 9);
        }
    }
}
