//! Line simplification (Douglas and Peucker 1973) in world units.

use crate::world::WorldPoint;

/// Keeps both ends and every point that the line needs to stay within `tolerance` units of all.
pub(crate) fn simplify(path: &[WorldPoint], tolerance: i64) -> Vec<WorldPoint> {
    let Some(&origin) = path.first() else { return Vec::new() };
    let flat: Vec<(i64, i64)> = path.iter().map(|point| point.from(origin)).collect();
    let mut kept = vec![false; path.len()];
    kept[0] = true;
    kept[path.len() - 1] = true;
    let mut stretches = vec![(0, path.len() - 1)];
    while let Some((from, to)) = stretches.pop() {
        let farthest = (from + 1..to)
            .map(|i| (deviation_squared(flat[i], flat[from], flat[to]), i))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        if let Some((deviation, i)) = farthest
            && deviation > (tolerance * tolerance) as f64
        {
            kept[i] = true;
            stretches.push((from, i));
            stretches.push((i, to));
        }
    }
    path.iter().zip(kept).filter_map(|(point, keep)| keep.then_some(*point)).collect()
}

/// Square of the distance of a point from the segment `a`-`b`.
fn deviation_squared(p: (i64, i64), a: (i64, i64), b: (i64, i64)) -> f64 {
    let difference = |to: (i64, i64)| ((to.0 - a.0) as f64, (to.1 - a.1) as f64);
    let ((px, py), (bx, by)) = (difference(p), difference(b));
    let length_squared = bx * bx + by * by;
    let t = if length_squared > 0.0 {
        ((px * bx + py * by) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (x, y) = (px - t * bx, py - t * by);
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_corners_and_drops_what_lies_straight() {
        let path = |points: &[(u32, u32)]| -> Vec<WorldPoint> {
            points.iter().map(|&(x, y)| WorldPoint { x, y }).collect()
        };
        for (points, want) in [
            (&[][..], &[][..]),
            (&[(5, 5)], &[(5, 5)]),
            (&[(0, 0), (50, 1), (100, 0)], &[(0, 0), (100, 0)]),
            (&[(0, 0), (50, 40), (100, 0)], &[(0, 0), (50, 40), (100, 0)]),
            // Over the antimeridian, where x wraps.
            (&[(u32::MAX - 49, 7), (0, 8), (50, 7)], &[(u32::MAX - 49, 7), (50, 7)]),
        ] {
            assert_eq!(simplify(&path(points), 10), path(want));
        }
    }
}
