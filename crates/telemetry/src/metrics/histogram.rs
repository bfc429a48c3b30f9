//! Histograms of times in seconds, with the buckets of Prometheus's native histograms.
//!
//! A bucket is a factor of 2^(1/8) wide: a quantile is known to 9 %. Every eighth bound is a power of two; these bounds
//! are the buckets of the text formats, so that both forms are made of the same counts.

/// Buckets for each doubling, as the exponent of two: `schema` of native histograms.
pub(super) const SCHEMA: i32 = 3;
/// Buckets for each doubling.
const BUCKETS_A_DOUBLING: i32 = 1 << SCHEMA;
/// The number of the bucket that ends at 2^-10 s. Shorter times have a bucket of their own.
const ZERO: i32 = -10 * BUCKETS_A_DOUBLING;
/// The last bucket, which ends at 32 s. Longer times count there.
const LAST: i32 = 5 * BUCKETS_A_DOUBLING;

/// The number of buckets: of times up to 2^-10 s, which is less than a millisecond, and of longer times.
pub const CELLS: usize = (LAST - ZERO + 1) as usize;

/// The counts of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketCounts {
    /// The counts by bucket; see [`bucket_of_millis`].
    pub cells: [u64; CELLS],
    /// The sum of all times, in milliseconds.
    pub sum_ms: u64,
}

impl Default for BucketCounts {
    fn default() -> Self {
        BucketCounts { cells: [0; CELLS], sum_ms: 0 }
    }
}

/// The bucket of a time in milliseconds, from 0 to `CELLS - 1`.
#[must_use]
pub fn bucket_of_millis(millis: u64) -> usize {
    if millis == 0 {
        return 0;
    }
    let seconds = millis as f64 / 1000.0;
    let bucket = (seconds.log2() * f64::from(BUCKETS_A_DOUBLING)).ceil() as i32;
    (bucket.clamp(ZERO, LAST) - ZERO) as usize
}

impl BucketCounts {
    /// All times.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// The sum of all times, in seconds.
    pub(super) fn sum(&self) -> f64 {
        self.sum_ms as f64 / 1000.0
    }

    /// The buckets of the text formats: each upper bound in seconds, with the number of times up to there. The last
    /// bound of a native histogram has longer times too, so that the place of these is the infinite bucket.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut before = 0;
        let sums = self.cells.iter().zip(ZERO..LAST).map(move |(count, bucket)| {
            before += count;
            (bucket, before)
        });
        sums.filter(|(bucket, _)| bucket % BUCKETS_A_DOUBLING == 0)
            .map(|(bucket, sum)| (f64::from(bucket / BUCKETS_A_DOUBLING).exp2(), sum))
    }

    /// Times that are as good as none, and the bound of such times in seconds.
    pub(super) fn zero(&self) -> (u64, f64) {
        (self.cells[0], f64::from(ZERO / BUCKETS_A_DOUBLING).exp2())
    }

    /// The buckets of a native histogram that are not empty, by number.
    pub(super) fn native(&self) -> impl Iterator<Item = (i32, u64)> {
        let buckets = self.cells.iter().copied().zip(ZERO..).skip(1);
        buckets.filter(|(count, _)| *count > 0).map(|(count, bucket)| (bucket, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_the_bucket_that_ends_at_or_above_it() {
        for millis in (0..40_000).chain([u64::MAX]) {
            let bucket = ZERO + bucket_of_millis(millis) as i32;
            let bound = |bucket: i32| (f64::from(bucket) / f64::from(BUCKETS_A_DOUBLING)).exp2();
            let seconds = millis as f64 / 1000.0;
            assert!(seconds <= bound(bucket) * (1.0 + 1e-12) || bucket == LAST, "{millis}");
            assert!(seconds > bound(bucket - 1) * (1.0 - 1e-12) || bucket == ZERO, "{millis}");
        }
        let at = |bound: i32| (bound * BUCKETS_A_DOUBLING - ZERO) as usize;
        assert_eq!([125, 1000, 4000].map(bucket_of_millis), [-3, 0, 2].map(at));
    }

    #[test]
    fn buckets_of_the_text_formats_end_at_powers_of_two() {
        let mut counts = BucketCounts::default();
        for millis in [0, 0, 1, 125, 126, 1000, 31_000, 60_000] {
            counts.cells[bucket_of_millis(millis)] += 1;
        }
        let buckets: Vec<(f64, u64)> = counts.cumulative().collect();
        let at = |bound| buckets.iter().find(|(it, _)| *it == bound).map(|(_, count)| *count);
        assert_eq!(buckets.len(), 15);
        assert_eq!(buckets[0], (0.000_976_562_5, 2));
        assert_eq!([0.125, 0.25, 1.0, 16.0].map(at), [Some(4), Some(5), Some(6), Some(6)]);
        assert_eq!(counts.count(), 8);
        assert_eq!(counts.zero(), (2, 0.000_976_562_5));
        assert_eq!(counts.native().map(|(_, count)| count).sum::<u64>(), 6);
    }
}
