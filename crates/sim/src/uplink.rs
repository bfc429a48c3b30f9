//! The uplink of the machine, where a test has one: what lies before every server.

use std::ops::Range;
use std::time::Duration;

use zoners_dns::Random;

/// An uplink whose latency changes and which is silent at times.
#[derive(Clone, Debug, Default)]
pub struct Uplink {
    /// The round trip to the far end, one for each [`Uplink::SLOT`] since the start, over and over.
    pub access: Vec<Duration>,
    /// Times since the start in which nothing passes, in either direction.
    pub silences: Vec<Range<Duration>>,
    /// The share of packets lost, in each direction.
    pub loss: f64,
    /// Up to so much is added in each direction, evenly.
    pub jitter: Duration,
}

impl Uplink {
    /// The time for which the latency stays.
    pub const SLOT: Duration = Duration::from_secs(15);

    /// The time from a query sent `at` so long after the start to its reply, from a server `trip` beyond the uplink; `None`
    /// where a packet of the two is lost.
    pub(crate) fn round_trip(
        &self,
        at: Duration,
        trip: Duration,
        random: &Random,
    ) -> Option<Duration> {
        let there = self.way(at, random)? + trip / 2;
        let back = self.way(at + there, random)? + trip / 2;
        Some(there + back)
    }

    /// The time that a packet takes which is sent `at` so long after the start; `None` where the packet is lost.
    fn way(&self, at: Duration, random: &Random) -> Option<Duration> {
        let is_lost = self.is_silent(at) || random.chance(self.loss);
        let jitter = Duration::from_micros(random.below(self.jitter.as_micros() as u64 + 1));
        (!is_lost).then(|| self.access(at) / 2 + jitter)
    }

    /// The end of the silence at `at`, or `at` itself.
    pub(crate) fn heard_again(&self, mut at: Duration) -> Duration {
        while let Some(silence) = self.silences.iter().find(|silence| silence.contains(&at)) {
            at = silence.end;
        }
        at
    }

    fn is_silent(&self, at: Duration) -> bool {
        self.silences.iter().any(|silence| silence.contains(&at))
    }

    pub(crate) fn access(&self, at: Duration) -> Duration {
        let slot = at.as_secs() / Self::SLOT.as_secs();
        let all = self.access.len().max(1);
        self.access.get(slot as usize % all).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_takes_half_a_round_trip_and_is_lost_in_a_silence() {
        let at = Duration::from_secs;
        let uplink = Uplink {
            access: vec![Duration::from_millis(40), Duration::from_millis(60)],
            silences: vec![at(3)..at(5), at(5)..at(6)],
            ..Uplink::default()
        };
        let random = Random::seeded(1);
        assert_eq!(uplink.way(at(2), &random), Some(Duration::from_millis(20)));
        assert_eq!(uplink.way(at(20), &random), Some(Duration::from_millis(30)));
        assert_eq!(uplink.way(at(31), &random), Some(Duration::from_millis(20)));
        assert_eq!(uplink.way(at(3), &random), None);
        assert_eq!((uplink.heard_again(at(4)), uplink.heard_again(at(7))), (at(6), at(7)));
    }
}
