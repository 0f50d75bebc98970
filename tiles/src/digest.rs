//! A 64-bit digest of published content, the same on every node. Not cryptographic.

/// Running digest of words (multiply and fold; the multiplier is 2^64 over the golden ratio).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn add(&mut self, word: u64) {
        let mixed = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    pub(crate) fn finish(mut self) -> u64 {
        self.add(0);
        self.0
    }
}
