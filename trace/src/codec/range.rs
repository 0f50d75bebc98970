//! A binary adaptive range coder.
//!
//! Carry-propagating range coder after Martin (1979), in the form that LZMA made common: 32-bit
//! range, one byte out at a time. A bit's probability is the mean of a fast and a slow estimate,
//! which learns within a trace's few hundred symbols and still settles.

/// Probability estimate of one binary decision being 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bit {
    fast: u16,
    slow: u16,
}

const FAST: u32 = 4;
const SLOW: u32 = 6;

impl Bit {
    /// Starts at `p` / 65536 for a 0.
    pub(super) const fn new(p: u16) -> Self {
        Self { fast: p, slow: p }
    }

    /// Split point of the range, in (0, 2^15).
    fn bound(self, range: u32) -> u32 {
        let p = (u32::from(self.fast) + u32::from(self.slow)) >> 2;
        (range >> 15) * p.clamp(64, (1 << 15) - 64)
    }

    fn update(&mut self, bit: bool) {
        if bit {
            self.fast -= self.fast >> FAST;
            self.slow -= self.slow >> SLOW;
        } else {
            self.fast += (u16::MAX - self.fast) >> FAST;
            self.slow += (u16::MAX - self.slow) >> SLOW;
        }
    }
}

/// A direction of coding: the same model code encodes and decodes.
pub(super) trait Coder {
    /// Codes one adaptive decision; a decoder ignores `bit` and returns what it read.
    fn bit(&mut self, model: &mut Bit, bit: bool) -> bool;
    /// Codes the low `count` bits of `value`, up to 32, evenly distributed.
    fn raw(&mut self, value: u32, count: u32) -> u32;
}

const TOP: u32 = 1 << 24;

/// Writes bytes.
pub(super) struct Encoder {
    low: u64,
    range: u32,
    cache: u8,
    pending: u32,
    started: bool,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            low: 0,
            range: u32::MAX,
            cache: 0,
            pending: 0,
            started: false,
            out: Vec::with_capacity(capacity),
        }
    }

    fn shift(&mut self) {
        if self.low < 0xff00_0000 || self.low > 0xffff_ffff {
            let carry = (self.low >> 32) as u8;
            if self.started {
                self.out.push(self.cache.wrapping_add(carry));
            }
            for _ in 0..self.pending {
                self.out.push(0xff_u8.wrapping_add(carry));
            }
            self.started = true;
            self.pending = 0;
            self.cache = (self.low >> 24) as u8;
        } else {
            self.pending += 1;
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }

    /// The bytes. A decoder reads zeros past the end, so the shortest ending is chosen and
    /// trailing zeros are left out.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Any value in [low, low + range) decodes alike: take the one with most trailing zeros.
        let end = self.low + u64::from(self.range) - 1;
        let mut mask = u64::MAX << 32;
        while end & mask < self.low {
            mask = mask >> 1 | 1 << 63;
        }
        self.low = end & mask;
        for _ in 0..5 {
            self.shift();
        }
        while self.out.last() == Some(&0) {
            self.out.pop();
        }
        self.out
    }
}

impl Coder for Encoder {
    fn bit(&mut self, model: &mut Bit, bit: bool) -> bool {
        let bound = model.bound(self.range);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
        model.update(bit);
        while self.range < TOP {
            self.range <<= 8;
            self.shift();
        }
        bit
    }

    fn raw(&mut self, value: u32, count: u32) -> u32 {
        for i in (0..count).rev() {
            self.range >>= 1;
            if value >> i & 1 == 1 {
                self.low += u64::from(self.range);
            }
            while self.range < TOP {
                self.range <<= 8;
                self.shift();
            }
        }
        value
    }
}

/// Reads bytes, and zeros after the last.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    next: usize,
    code: u32,
    range: u32,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes, next: 0, code: 0, range: u32::MAX };
        for _ in 0..4 {
            decoder.shift();
        }
        decoder
    }

    fn shift(&mut self) {
        self.code = self.code << 8 | u32::from(self.bytes.get(self.next).copied().unwrap_or(0));
        self.next += 1;
    }

    /// Whether every byte was used.
    pub(super) fn is_at_end(&self) -> bool {
        self.next >= self.bytes.len()
    }
}

impl Coder for Decoder<'_> {
    fn bit(&mut self, model: &mut Bit, _: bool) -> bool {
        let bound = model.bound(self.range);
        let bit = self.code >= bound;
        if bit {
            self.code -= bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        model.update(bit);
        while self.range < TOP {
            self.range <<= 8;
            self.shift();
        }
        bit
    }

    fn raw(&mut self, _: u32, count: u32) -> u32 {
        let mut value = 0;
        for _ in 0..count {
            self.range >>= 1;
            let bit = self.code >= self.range;
            if bit {
                self.code -= self.range;
            }
            value = value << 1 | u32::from(bit);
            while self.range < TOP {
                self.range <<= 8;
                self.shift();
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(bits in proptest::collection::vec((0..4usize, any::<bool>()), 0..2000),
                                  raws in proptest::collection::vec((any::<u32>(), 0..=32u32), 0..50)) {
            let mut models = [Bit::new(1 << 15), Bit::new(1000), Bit::new(65000), Bit::new(30000)];
            let mut encoder = Encoder::new(0);
            for &(m, bit) in &bits {
                encoder.bit(&mut models[m], bit);
            }
            let masked = |value: u32, count: u32| (u64::from(value) & ((1 << count) - 1)) as u32;
            for &(value, count) in &raws {
                encoder.raw(masked(value, count), count);
            }
            let bytes = encoder.finish();
            let mut models = [Bit::new(1 << 15), Bit::new(1000), Bit::new(65000), Bit::new(30000)];
            let mut decoder = Decoder::new(&bytes);
            for &(m, bit) in &bits {
                prop_assert_eq!(decoder.bit(&mut models[m], false), bit);
            }
            for &(value, count) in &raws {
                prop_assert_eq!(decoder.raw(0, count), masked(value, count));
            }
            prop_assert!(decoder.is_at_end());
        }
    }
}
