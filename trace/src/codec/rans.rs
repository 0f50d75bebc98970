//! An adaptive asymmetric-numeral-system coder (rANS; Duda, 2013).
//!
//! The state is 32 bits and is refilled by 16-bit words, so no symbol costs a division when it is
//! read. An encoder runs through its symbols backwards, so it keeps them until it finishes. Every
//! step is a bijection between states: the decoder ends where the encoder began if and only if
//! it read exactly what was written, and no two streams say the same.

/// Symbols of an alphabet.
pub(super) const SYMBOLS: usize = 16;
/// Frequencies of an alphabet sum to `1 << TOTAL_BITS`.
pub(super) const TOTAL_BITS: u32 = 14;
const TOTAL: i16 = 1 << TOTAL_BITS;
/// Where an encoder starts, and a decoder must end: the least state.
const START: u32 = 1 << 16;
/// Most bits that one step takes unmodelled.
const RAW_STEP: u32 = 16;

/// Adaptive distribution of one symbol.
///
/// Entry `s` is the sum of the frequencies of symbols up to and including `s`; the last is the
/// total. Each frequency stays at least 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Distribution {
    upper: [i16; SYMBOLS],
    seen: u16,
}

impl Distribution {
    /// Starts at these frequencies, whose sum is the total.
    pub(super) const fn new(frequencies: &[i16; SYMBOLS]) -> Self {
        let mut upper = [0; SYMBOLS];
        let mut sum = 0;
        let mut s = 0;
        while s < SYMBOLS {
            sum += frequencies[s];
            upper[s] = sum;
            s += 1;
        }
        assert!(sum == TOTAL, "frequencies must sum to the total");
        Self { upper, seen: 0 }
    }

    /// Where the symbol's share begins, and its frequency.
    fn share(&self, symbol: usize) -> (u32, u32) {
        let start = if symbol == 0 { 0 } else { self.upper[symbol - 1] };
        (start as u32, (self.upper[symbol] - start) as u32)
    }

    /// The symbol whose share holds `slot`.
    fn find(&self, slot: i16) -> usize {
        let below: i16 = self.upper.iter().map(|&u| i16::from(u <= slot)).sum();
        // The last entry is above every slot; the mask tells the compiler so.
        below as usize & (SYMBOLS - 1)
    }

    /// Moves towards the symbol, by less the more was seen.
    fn update(&mut self, symbol: usize) {
        let rate = RATES[usize::from(self.seen)];
        self.seen += u16::from(usize::from(self.seen) + 1 < RATES.len());
        for (i, upper) in self.upper.iter_mut().enumerate() {
            let i = i as i16;
            let rest = if i < symbol as i16 { i + 1 } else { TOTAL - (SYMBOLS as i16 - 1) + i };
            *upper += (rest - *upper) >> rate;
        }
    }
}

/// How far a distribution moves after its first symbol, its second and so on, as a right shift.
const RATES: [u8; 17] = [4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6];

/// A direction of coding: the same model code encodes and decodes.
pub(super) trait Coder {
    /// Codes one symbol; a decoder ignores `symbol` and returns what it read.
    fn symbol(&mut self, distribution: &mut Distribution, symbol: usize) -> usize;
    /// Codes the low `count` bits of `value`, up to 32, evenly distributed.
    fn raw(&mut self, value: u32, count: u32) -> u32;
    /// Says that what was read is nothing an encoder writes.
    fn refuse(&mut self);
}

/// One step of an encoder, kept until all are known: `first << 16 | second`.
///
/// A symbol: frequency, and where its share begins. Raw bits: 1 << 15 | count, and the bits.
pub(super) struct Encoder {
    steps: Vec<u32>,
}

const RAW: u32 = 1 << 31;

impl Encoder {
    pub(super) fn new(capacity: usize) -> Self {
        Self { steps: Vec::with_capacity(capacity) }
    }

    /// The bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut words: Vec<u16> = Vec::with_capacity(self.steps.len() / 2 + 2);
        let mut state = START;
        for &step in self.steps.iter().rev() {
            let (first, low) = (step >> 16 & 0x7fff, step & 0xffff);
            if step & RAW == 0 {
                if state >> (32 - TOTAL_BITS) >= first {
                    words.push(state as u16);
                    state >>= 16;
                }
                state = ((state / first) << TOTAL_BITS) + state % first + low;
            } else {
                if state >> (32 - first) > 0 {
                    words.push(state as u16);
                    state >>= 16;
                }
                state = state << first | low;
            }
        }
        words.push(state as u16);
        words.push((state >> 16) as u16);
        words.iter().rev().flat_map(|word| word.to_le_bytes()).collect()
    }
}

impl Coder for Encoder {
    #[inline]
    fn symbol(&mut self, distribution: &mut Distribution, symbol: usize) -> usize {
        let (start, frequency) = distribution.share(symbol);
        self.steps.push(frequency << 16 | start);
        distribution.update(symbol);
        symbol
    }

    #[inline]
    fn raw(&mut self, value: u32, count: u32) -> u32 {
        let mut left = count;
        while left > RAW_STEP {
            left -= RAW_STEP;
            self.steps.push(RAW | RAW_STEP << 16 | (value >> left & 0xffff));
        }
        if left > 0 {
            self.steps.push(RAW | left << 16 | (value & ((1 << left) - 1)));
        }
        value
    }

    fn refuse(&mut self) {}
}

/// Reads bytes. Past the end it reads zeros, and is then not whole.
pub(super) struct Decoder<'a> {
    words: &'a [[u8; 2]],
    state: u32,
    refused: bool,
}

impl<'a> Decoder<'a> {
    /// `None` where no encoder's stream begins, or is as long, as these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks();
        let mut decoder = Self { words, state: 0, refused: !rest.is_empty() };
        decoder.refill();
        decoder.refill();
        (!decoder.refused && decoder.state >= START).then_some(decoder)
    }

    #[inline]
    fn refill(&mut self) {
        let word = if let [word, rest @ ..] = self.words {
            self.words = rest;
            u32::from(u16::from_le_bytes(*word))
        } else {
            self.refused = true;
            0
        };
        self.state = self.state << 16 | word;
    }

    /// Whether all was read, and is what an encoder writes.
    pub(super) fn is_whole(&self) -> bool {
        !self.refused && self.words.is_empty() && self.state == START
    }
}

impl Coder for Decoder<'_> {
    #[inline]
    fn symbol(&mut self, distribution: &mut Distribution, _: usize) -> usize {
        let slot = self.state & (TOTAL as u32 - 1);
        let symbol = distribution.find(slot as i16);
        let (start, frequency) = distribution.share(symbol);
        self.state = frequency * (self.state >> TOTAL_BITS) + slot - start;
        if self.state < START {
            self.refill();
        }
        distribution.update(symbol);
        symbol
    }

    #[inline]
    fn raw(&mut self, _: u32, count: u32) -> u32 {
        let mut value = 0;
        let mut left = count;
        while left > 0 {
            let step = left.min(RAW_STEP);
            left -= step;
            value |= (self.state & ((1 << step) - 1)) << left;
            self.state >>= step;
            if self.state < START {
                self.refill();
            }
        }
        value
    }

    fn refuse(&mut self) {
        self.refused = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A symbol of one of two distributions, or raw bits.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Symbol(usize, usize),
        Raw(u32, u32),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let raw = (any::<u32>(), 0..=32u32)
            .prop_map(|(v, n)| Step::Raw((u64::from(v) & ((1 << n) - 1)) as u32, n));
        prop_oneof![8 => (0..2usize, 0..SYMBOLS).prop_map(|(d, s)| Step::Symbol(d, s)),
                    8 => (0..2usize).prop_map(|d| Step::Symbol(d, 8)), 1 => raw]
    }

    fn distributions() -> [Distribution; 2] {
        let mut skew = [1; SYMBOLS];
        skew[3] = TOTAL - 15;
        [Distribution::new(&[TOTAL / 16; SYMBOLS]), Distribution::new(&skew)]
    }

    fn run(coder: &mut impl Coder, steps: &[Step]) -> Vec<Step> {
        let mut models = distributions();
        let step = |step: &Step| match *step {
            Step::Symbol(d, s) => Step::Symbol(d, coder.symbol(&mut models[d], s)),
            Step::Raw(v, n) => Step::Raw(coder.raw(v, n), n),
        };
        steps.iter().map(step).collect()
    }

    /// The same kinds of step, with nothing in them to copy.
    fn blank(steps: &[Step]) -> Vec<Step> {
        let blank = |step: &Step| match *step {
            Step::Symbol(d, _) => Step::Symbol(d, 0),
            Step::Raw(_, n) => Step::Raw(0, n),
        };
        steps.iter().map(blank).collect()
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(steps in proptest::collection::vec(any_step(), 0..2000)) {
            let mut encoder = Encoder::new(0);
            run(&mut encoder, &steps);
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes).unwrap();
            let read = run(&mut decoder, &blank(&steps));
            prop_assert_eq!(format!("{read:?}"), format!("{steps:?}"));
            prop_assert!(decoder.is_whole());
        }

        /// The bijection: what a decoder takes for whole is what an encoder writes.
        #[test]
        fn no_two_streams_say_the_same(steps in proptest::collection::vec(any_step(), 0..40),
                                       at in any::<prop::sample::Index>(), flip in any::<u8>(),
                                       longer in 0..4usize, shorter in 0..4usize) {
            let mut encoder = Encoder::new(0);
            run(&mut encoder, &steps);
            let mut bytes = encoder.finish();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            bytes.truncate(bytes.len() - shorter);
            bytes.resize(bytes.len() + longer, flip);
            let Some(mut decoder) = Decoder::new(&bytes) else { return Ok(()) };
            let mut encoder = Encoder::new(0);
            run(&mut encoder, &run(&mut decoder, &blank(&steps)));
            prop_assert_eq!(decoder.is_whole(), encoder.finish() == bytes);
        }

        #[test]
        fn every_symbol_stays_possible(symbols in proptest::collection::vec(0..SYMBOLS, 0..3000)) {
            for mut distribution in distributions() {
                for &symbol in &symbols {
                    distribution.update(symbol);
                    prop_assert!((0..SYMBOLS).all(|s| distribution.share(s).1 >= 1));
                    prop_assert_eq!(distribution.upper[SYMBOLS - 1], TOTAL);
                }
            }
        }
    }
}
