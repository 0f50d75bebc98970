//! How a column's residuals are turned into symbols.
//!
//! A residual is counted in steps of `2^k`, where `k` follows the column's running scale: 16
//! symbols then fit every regime, and a column's four distributions of them learn within one trace. What is
//! below a step is as good as even and is not modelled.

use super::rans::{Coder, Distribution, SYMBOLS};

/// Fractional bits of the running scale.
const SCALE_SHIFT: u32 = 4;
/// Largest magnitude that the running scale takes in.
const MAX_MAGNITUDE: u32 = 1 << 20;

/// First step of each symbol, from 1 on; symbols 0 and 15 are what lies beyond.
const FIRST_STEP: [i32; SYMBOLS] = [0, -12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12];
/// Each symbol's width is `1 << WIDTH[symbol]` steps.
const WIDTH: [u32; SYMBOLS] = [0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0];
/// The symbol of steps -12 to 11.
const SYMBOL: [u8; 24] =
    [1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 13, 13, 14, 14, 14, 14];

/// Adaptive model of one column of signed residuals.
pub(super) struct Residuals {
    /// Running mean magnitude, in 1/16.
    scale: u32,
    regimes: [Distribution; 4],
}

/// Where distributions start: roughly what real drives have, made symmetric.
const START: [Distribution; 4] = [
    // Hardly ever anything but zero.
    Distribution::new(&[24, 16, 16, 16, 16, 16, 16, 88, 15_984, 88, 16, 16, 16, 16, 16, 24]),
    // Mostly zero.
    Distribution::new(&[16, 16, 16, 24, 72, 232, 552, 2744, 9056, 2744, 552, 232, 72, 24, 16, 16]),
    // Steps of one: symmetric about the symbol of zero.
    Distribution::new(&[
        24, 24, 88, 304, 640, 936, 1680, 2736, 3544, 2736, 1680, 936, 640, 304, 88, 24,
    ]),
    // Longer steps: symmetric about the border between -1 and 0.
    Distribution::new(&[
        48, 64, 144, 480, 736, 1368, 1992, 3360, 3360, 1992, 1368, 736, 480, 144, 64, 48,
    ]),
];

impl Residuals {
    /// A model that expects magnitudes of about `scale` at first.
    pub(super) fn new(scale: u32) -> Self {
        Self { scale: scale << SCALE_SHIFT, regimes: START }
    }

    /// Bits below a step, and the index of the distribution to use.
    fn regime(&self) -> (u32, usize) {
        // Steps of between three eighths and three quarters of the mean.
        let level = (self.scale * 3 / 4) >> SCALE_SHIFT;
        match self.scale {
            0..3 => (0, 0),
            3..8 => (0, 1),
            _ if level < 2 => (0, 2),
            _ => (level.ilog2(), 3),
        }
    }

    /// Codes one residual; a decoder ignores `value` and returns what it read.
    #[inline]
    pub(super) fn code(&mut self, coder: &mut impl Coder, value: i32) -> i32 {
        let (k, regime) = self.regime();
        let step = value >> k;
        let symbol = match step {
            -12..12 => usize::from(SYMBOL[(step + 12) as usize]),
            12.. => 15,
            _ => 0,
        };
        let symbol = coder.symbol(&mut self.regimes[regime], symbol);
        let value = if symbol == 0 || symbol == 15 {
            beyond(coder, value, k, symbol == 15)
        } else {
            let first = FIRST_STEP[symbol] << k;
            let bits = k + WIDTH[symbol];
            first + coder.raw(value.wrapping_sub(first) as u32, bits) as i32
        };
        self.scale =
            (self.scale * 3 + (value.unsigned_abs().min(MAX_MAGNITUDE) << SCALE_SHIFT)) / 4;
        value
    }
}

/// Codes a residual 12 steps or more from zero: in 6 bits, how many bits the number of steps
/// beyond has; those bits but the first, which is 1; and what is below a step.
#[cold]
#[inline(never)]
fn beyond(coder: &mut impl Coder, value: i32, k: u32, above: bool) -> i32 {
    let step = i64::from(value >> k);
    let steps = if above { step - 12 } else { -13 - step } as u32;
    let length = coder.raw(u32::BITS - steps.leading_zeros(), 6);
    let steps = match length {
        0 => 0,
        1..=32 => {
            let top = 1 << (length - 1);
            i64::from(top | coder.raw(steps & (top - 1), length - 1))
        }
        _ => {
            coder.refuse();
            return 0;
        }
    };
    let step = if above { steps + 12 } else { -13 - steps };
    let low = coder.raw(value as u32 & ((1 << k) - 1), k);
    i32::try_from(step << k | i64::from(low)).unwrap_or_else(|_| {
        coder.refuse();
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rans::{Decoder, Encoder};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn residuals_come_back(scale in 0..100u32, bits in proptest::collection::vec(0..32u32, 1..300),
                               noise in any::<i32>()) {
            // Every magnitude, in any order.
            let values: Vec<i32> = bits.iter().scan(noise, |state, &shift| {
                *state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                Some(*state >> shift)
            }).collect();
            let mut encoder = Encoder::new(0);
            let mut model = Residuals::new(scale);
            for &value in &values {
                model.code(&mut encoder, value);
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes).unwrap();
            let mut model = Residuals::new(scale);
            for &value in &values {
                prop_assert_eq!(model.code(&mut decoder, 0), value);
            }
            prop_assert!(decoder.is_whole());
        }
    }

    /// A residual of this many steps beyond, as its length in bits and the bits below the first.
    fn read(symbol: usize, length: u32, below: u32) -> Option<i32> {
        let mut encoder = Encoder::new(0);
        encoder.symbol(&mut START[0].clone(), symbol);
        encoder.raw(length, 6);
        encoder.raw(below, length.saturating_sub(1).min(31));
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes)?;
        let value = Residuals::new(0).code(&mut decoder, 0);
        decoder.is_whole().then_some(value)
    }

    #[test]
    fn a_residual_of_more_than_32_bits_is_refused() {
        let most = (1 << 30) - 1;
        for (symbol, length, below, want) in [
            (15, 0, 0, Some(12)),
            (0, 0, 0, Some(-13)),
            (15, 1, 0, Some(13)),
            (0, 2, 1, Some(-16)),
            (15, 31, most - 12, Some(i32::MAX)),
            (15, 31, most - 11, None),
            (0, 31, most - 12, Some(i32::MIN)),
            (0, 31, most - 11, None),
            (15, 32, 0, None),
            (0, 33, 0, None),
            (15, 63, 0, None),
        ] {
            assert_eq!(read(symbol, length, below), want, "{symbol} {length} {below}");
        }
    }
}
