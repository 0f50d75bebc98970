//! How a column's residuals are turned into binary decisions.
//!
//! A residual's magnitude is coded in units of its column's running scale: unary in steps of
//! `2^k`, adaptive, then `k` finer bits, of which the top two are adaptive too. Because steps
//! follow the scale, a handful of contexts fits every regime and learns within one trace.

use super::range::{Bit, Coder};

/// Longest unary run before the magnitude is written out in full.
const ESCAPE: usize = 24;
/// Fractional bits of the running scale.
const SCALE_SHIFT: u32 = 4;

/// Adaptive model of one column of signed residuals.
pub(super) struct Residuals {
    /// Running mean magnitude, in 1/16.
    scale: u32,
    steps: [[Bit; ESCAPE]; 4],
    fine: [[Bit; 3]; 2],
    sign: [Bit; 3],
    last_sign: usize,
}

impl Residuals {
    /// A model that expects magnitudes of about `scale` at first.
    pub(super) fn new(scale: u32) -> Self {
        let even = Bit::new(1 << 15);
        Self {
            scale: scale << SCALE_SHIFT,
            steps: [[Bit::new(28_000); ESCAPE]; 4],
            fine: [[even; 3]; 2],
            sign: [even; 3],
            last_sign: 0,
        }
    }

    /// Codes one residual; a decoder ignores `value` and returns what it read.
    ///
    /// The range of `value` is that of `i32`: a hostile stream can yield nothing wider.
    pub(super) fn code(&mut self, coder: &mut impl Coder, value: i32) -> i32 {
        let magnitude = self.magnitude(coder, value.unsigned_abs());
        self.scale = (self.scale * 7 + (magnitude.min(1 << 20) << SCALE_SHIFT)) / 8;
        if magnitude == 0 {
            self.last_sign = 0;
            return 0;
        }
        let negative = coder.bit(&mut self.sign[self.last_sign], value < 0);
        self.last_sign = 1 + usize::from(negative);
        if negative { 0_i32.wrapping_sub_unsigned(magnitude) } else { magnitude as i32 }
    }

    fn magnitude(&mut self, coder: &mut impl Coder, magnitude: u32) -> u32 {
        // Steps of between a third and two thirds of the mean: most runs are short.
        let level = (self.scale * 3 / 4) >> SCALE_SHIFT;
        let k = level.checked_ilog2().unwrap_or(0);
        let class = match self.scale {
            0..4 => 0,
            4..16 => 1,
            _ => 2 + (level >> k.saturating_sub(1) & 1) as usize,
        };
        let want = magnitude >> k;
        let mut step = 0;
        while step < ESCAPE && coder.bit(&mut self.steps[class][step], want > step as u32) {
            step += 1;
        }
        if step == ESCAPE {
            return coder.raw(magnitude, 32);
        }
        let mut low = 0;
        for bit in (0..k).rev() {
            let b = magnitude >> bit & 1;
            // Density falls within the first steps; deeper bits are as good as even.
            let read = if bit + 1 == k && step < 2 {
                u32::from(coder.bit(&mut self.fine[step][0], b == 1))
            } else if bit + 2 == k && step < 2 {
                u32::from(coder.bit(&mut self.fine[step][1 + (low & 1) as usize], b == 1))
            } else {
                coder.raw(b, 1)
            };
            low = low << 1 | read;
        }
        (step as u32) << k | low
    }
}
