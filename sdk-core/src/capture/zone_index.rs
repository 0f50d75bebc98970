//! Which of many boxes hold a point: a tree of boxes in boxes, packed once, as zones are set seldom and
//! asked about at every fix.

/// Boxes in one.
const FAN_OUT: usize = 8;

/// South-western and north-eastern corner: longitude, then latitude, 1e-6 degrees.
pub(super) type Bounds = ([f64; 2], [f64; 2]);

/// The tree.
#[derive(Clone, Debug, Default)]
pub(super) struct ZoneIndex {
    /// The boxes, near ones beside each other; then the boxes around each [`FAN_OUT`] of them, and so on,
    /// up to a level of no more than that.
    levels: Vec<Vec<Bounds>>,
    /// What the boxes of the first level are of.
    numbers: Vec<usize>,
}

impl ZoneIndex {
    /// An index of boxes that finds them by their place in `boxes`.
    pub(super) fn new(boxes: &[Bounds]) -> Self {
        let mut ordered: Vec<(u64, usize)> =
            boxes.iter().enumerate().map(|(number, bounds)| (place(bounds), number)).collect();
        ordered.sort_unstable();
        let numbers: Vec<usize> = ordered.iter().map(|(_, number)| *number).collect();
        let mut level: Vec<Bounds> = numbers.iter().map(|number| boxes[*number]).collect();
        let mut levels = Vec::new();
        while level.len() > FAN_OUT {
            let above = level.chunks(FAN_OUT).map(around).collect();
            levels.push(level);
            level = above;
        }
        levels.push(level);
        Self { levels, numbers }
    }

    /// Whether `holds` is true of one of the boxes that a point lies in.
    pub(super) fn any_at(&self, point: [f64; 2], holds: &dyn Fn(usize) -> bool) -> bool {
        let top = self.levels.len().checked_sub(1);
        top.is_some_and(|top| self.any_below(top, 0, point, holds))
    }

    /// The same of the [`FAN_OUT`] boxes from `first` on.
    fn any_below(
        &self,
        level: usize,
        first: usize,
        point: [f64; 2],
        holds: &dyn Fn(usize) -> bool,
    ) -> bool {
        let near = self.levels[level].iter().enumerate().skip(first).take(FAN_OUT);
        near.filter(|(_, (low, high))| (0..2).all(|i| (low[i]..=high[i]).contains(&point[i]))).any(
            |(at, _)| match level.checked_sub(1) {
                Some(below) => self.any_below(below, at * FAN_OUT, point, holds),
                None => holds(self.numbers[at]),
            },
        )
    }
}

/// The box around boxes.
fn around(boxes: &[Bounds]) -> Bounds {
    let mut whole = ([f64::MAX; 2], [f64::MIN; 2]);
    for (low, high) in boxes {
        for i in 0..2 {
            whole.0[i] = whole.0[i].min(low[i]);
            whole.1[i] = whole.1[i].max(high[i]);
        }
    }
    whole
}

/// The place of a box's centre on a Z-order curve, along which what is near mostly is near on Earth.
fn place((low, high): &Bounds) -> u64 {
    let [lon, lat] = [0, 1].map(|i| (f64::midpoint(low[i], high[i]) + 720e6) as u64);
    (0..32).fold(0, |place, bit| {
        place | (lon >> bit & 1) << (2 * bit) | (lat >> bit & 1) << (2 * bit + 1)
    })
}
