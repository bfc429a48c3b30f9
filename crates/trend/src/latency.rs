//! Latencies in tenths of a millisecond.

use std::time::Duration;

use zoners_bench::statistics::weighted_median;

/// The unit in microseconds.
const UNIT_MICROS: u128 = 100;

/// The median of some latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Latency {
    /// How many latencies.
    pub(crate) count: u32,
    /// The median, in tenths of a millisecond.
    pub(crate) tenths: u32,
}

impl Latency {
    /// The median of `samples` in tenths; `None` without a sample.
    pub(crate) fn of(samples: &mut [u32], count: u32) -> Option<Self> {
        samples.sort_unstable();
        let tenths = *samples.get(samples.len() / 2)?;
        Some(Latency { count, tenths })
    }

    /// The latency of several stretches of time together.
    pub(crate) fn merged(parts: &[Latency]) -> Option<Self> {
        let mut medians: Vec<(f64, usize)> =
            parts.iter().map(|part| (f64::from(part.tenths), part.count as usize)).collect();
        let tenths = weighted_median(&mut medians)? as u32;
        let count = parts.iter().fold(0_u32, |sum, part| sum.saturating_add(part.count));
        Some(Latency { count, tenths })
    }

    /// Milliseconds.
    pub(crate) fn ms(self) -> f64 {
        f64::from(self.tenths) / 10.0
    }
}

/// A duration in tenths of a millisecond.
pub(crate) fn tenths(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros() / UNIT_MICROS).unwrap_or(u32::MAX)
}
