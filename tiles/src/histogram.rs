//! Speed histograms and the free-flow speed read from them.

/// Width of a bin, km/h.
const BIN_KMH: u32 = 4;

/// Number of bins; the last one holds 188 km/h and more.
const BINS: usize = 48;

/// Free flow is the speed that this share of drivers does not exceed, per cent.
const FREE_FLOW_PERCENT: u32 = 85;

/// Counts of drivers by speed in bins of 4 km/h, in 48 bytes.
///
/// When a bin is full all are halved, so that the shape stays and older drivers count less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpeedHistogram([u8; BINS]);

impl SpeedHistogram {
    pub(crate) const EMPTY: Self = Self([0; BINS]);

    /// Counts one driver who went `distance_cm` in `duration_ms`, which must not be 0.
    pub(crate) fn add(&mut self, distance_cm: u32, duration_ms: u32) {
        let kmh = u64::from(distance_cm) * 36 / u64::from(duration_ms.max(1));
        let bin = usize::try_from(kmh / u64::from(BIN_KMH)).map_or(BINS - 1, |b| b.min(BINS - 1));
        if self.0[bin] == u8::MAX {
            self.0.iter_mut().for_each(|count| *count /= 2);
        }
        self.0[bin] += 1;
    }

    /// Adds the counts of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        let sums: [u16; BINS] =
            core::array::from_fn(|i| u16::from(self.0[i]) + u16::from(other.0[i]));
        let most = sums.iter().copied().max().unwrap_or(0);
        let halved = u32::from(most > u16::from(u8::MAX));
        self.0 = sums.map(|sum| (sum >> halved) as u8);
    }

    /// Bins that are not empty, in order, and their counts.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (u8, u8)> + Clone {
        (0u8..).zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Sets the count of a bin; `None` where there is no such bin.
    pub(crate) fn set(&mut self, bin: u64, count: u8) -> Option<()> {
        *self.0.get_mut(usize::try_from(bin).ok()?)? = count;
        Some(())
    }
}

/// A sum of histograms.
#[derive(Clone, Debug)]
pub(crate) struct SpeedCounts {
    bins: [u32; BINS],
    total: u32,
}

impl SpeedCounts {
    pub(crate) const EMPTY: Self = Self { bins: [0; BINS], total: 0 };

    pub(crate) fn add(&mut self, histogram: &SpeedHistogram) {
        for (sum, count) in self.bins.iter_mut().zip(histogram.0) {
            *sum += u32::from(count);
            self.total += u32::from(count);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (sum, count) in self.bins.iter_mut().zip(other.bins) {
            *sum += count;
        }
        self.total += other.total;
    }

    /// How many drivers were counted.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// The 85th percentile in tenths of km/h, linear within its bin; 0 where nothing was counted.
    pub(crate) fn free_flow_dkmh(&self) -> u32 {
        let rank = (self.total * FREE_FLOW_PERCENT).div_ceil(100);
        let mut below = 0;
        for (bin, &count) in (0u32..).zip(&self.bins) {
            if count > 0 && below + count >= rank {
                return 10 * BIN_KMH * bin + 10 * BIN_KMH * (rank - below) / count;
            }
            below += count;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(kmh: &[u32]) -> SpeedCounts {
        let mut histogram = SpeedHistogram::EMPTY;
        // d cm in 36 s are d / 1000 km/h.
        for v in kmh {
            histogram.add(v * 1000, 36_000);
        }
        let mut counts = SpeedCounts::EMPTY;
        counts.add(&histogram);
        counts
    }

    #[test]
    fn percentiles() {
        for (kmh, want) in [
            (vec![], 0),
            (vec![50], 520),
            (vec![50; 100], 514),
            ((0..100).collect(), 850),
            (vec![400; 9], 1915),
        ] {
            let got = counts(&kmh).free_flow_dkmh();
            assert_eq!(got, want, "{kmh:?}");
        }
    }

    #[test]
    fn full_bins_are_halved_and_keep_their_shape() {
        let kmh: Vec<u32> = (0..4000).map(|i| if i % 4 == 0 { 80 } else { 40 }).collect();
        let counts = counts(&kmh);
        assert!(counts.total() <= 2 * 255);
        assert!((800..840).contains(&counts.free_flow_dkmh()));
    }
}
