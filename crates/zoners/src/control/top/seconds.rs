//! What happened in each of the last seconds: how queries ended, and how long their answers took.

use std::collections::VecDeque;

use zoners_api::{FinishedQuery, QueryOutcome};

/// The most seconds that are remembered: the widest picture.
pub(super) const MAX_SECONDS: usize = 240;
/// Figures beside a picture are of so many seconds.
pub(super) const FIGURE_SECONDS: usize = 60;
/// Classes of waits, a quarter of an octave each.
const WAIT_CLASSES: usize = 72;
/// The first class ends here, in milliseconds.
const SHORTEST_WAIT_MS: f64 = 0.05;

/// How a query ended, as far as a picture tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Cached,
    Recursed,
    Policy,
    Stale,
    Failed,
    Refused,
}

impl Ending {
    pub(super) const ALL: [Ending; 6] = [
        Ending::Cached,
        Ending::Recursed,
        Ending::Policy,
        Ending::Stale,
        Ending::Failed,
        Ending::Refused,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Ending::Cached => "cached",
            Ending::Recursed => "recursed",
            Ending::Policy => "policy",
            Ending::Stale => "stale",
            Ending::Failed => "failed",
            Ending::Refused => "refused",
        }
    }

    /// The ending of a query. Outcomes of a later release count as refusals: none is an answer that this one knows.
    fn of(query: &FinishedQuery) -> Self {
        match query.outcome {
            Some(QueryOutcome::Cached | QueryOutcome::Local) => Ending::Cached,
            Some(QueryOutcome::Recursed) => Ending::Recursed,
            Some(QueryOutcome::Policy) => Ending::Policy,
            Some(QueryOutcome::Stale) => Ending::Stale,
            Some(QueryOutcome::Failed | QueryOutcome::Late) => Ending::Failed,
            Some(
                QueryOutcome::Refused
                | QueryOutcome::RateLimited
                | QueryOutcome::Dropped
                | QueryOutcome::ErrorsLimited,
            )
            | None => Ending::Refused,
        }
    }

    /// Whether a client waited for the answer.
    const fn is_answer(self) -> bool {
        !matches!(self, Ending::Refused)
    }
}

/// Waits for answers, counted by class.
#[derive(Clone, Debug)]
pub(super) struct Waits([u32; WAIT_CLASSES]);

impl Default for Waits {
    fn default() -> Self {
        Waits([0; WAIT_CLASSES])
    }
}

impl Waits {
    fn add(&mut self, ms: f64) {
        let class = ((ms / SHORTEST_WAIT_MS).max(1.0).log2() * 4.0).ceil() as usize;
        if let Some(count) = self.0.get_mut(class.min(WAIT_CLASSES - 1)) {
            *count = count.saturating_add(1);
        }
    }

    fn join(&mut self, other: &Waits) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(count);
        }
    }

    /// The milliseconds within which this share of the answers came, at most a fifth too long; `None` without an answer.
    pub(super) fn within(&self, share: f64) -> Option<f64> {
        let all: u64 = self.0.iter().copied().map(u64::from).sum();
        let wanted = ((all as f64 * share).ceil() as u64).max(1);
        let mut counted = 0;
        let class = self.0.iter().position(|count| {
            counted += u64::from(*count);
            counted >= wanted
        })?;
        Some(SHORTEST_WAIT_MS * (class as f64 / 4.0).exp2())
    }
}

/// A second.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    endings: [u64; Ending::ALL.len()],
    pub(super) waits: Waits,
}

impl Second {
    pub(super) fn ended(&self, ending: Ending) -> u64 {
        self.endings[ending as usize]
    }

    pub(super) fn queries(&self) -> u64 {
        self.endings.iter().sum()
    }
}

/// The last seconds, the present one last.
#[derive(Clone, Debug, Default)]
pub(super) struct Seconds {
    /// The number of the present second.
    now_s: u64,
    seconds: VecDeque<Second>,
}

impl Seconds {
    /// Begins the seconds up to this one.
    pub(super) fn advance(&mut self, now_s: u64) {
        let passed = match self.seconds.is_empty() {
            true => 1,
            false => now_s.saturating_sub(self.now_s).min(MAX_SECONDS as u64),
        };
        self.now_s = now_s;
        self.seconds.extend((0..passed).map(|_| Second::default()));
        let surplus = self.seconds.len().saturating_sub(MAX_SECONDS);
        self.seconds.drain(..surplus);
    }

    /// Counts a query in the present second.
    pub(super) fn add(&mut self, query: &FinishedQuery) {
        let ending = Ending::of(query);
        if let Some(second) = self.seconds.back_mut() {
            second.endings[ending as usize] += 1;
            if ending.is_answer() {
                second.waits.add(query.took_ms);
            }
        }
    }

    /// At most so many seconds, which are over, the oldest first.
    pub(super) fn last(&self, most: usize) -> impl DoubleEndedIterator<Item = &Second> {
        let over = self.seconds.len().saturating_sub(1);
        self.seconds.range(over.saturating_sub(most)..over)
    }

    /// The sum of [`FIGURE_SECONDS`], and the number of seconds that are over among them.
    pub(super) fn recent(&self) -> (Second, usize) {
        let mut sum = Second::default();
        let mut count = 0;
        for second in self.last(FIGURE_SECONDS) {
            count += 1;
            sum.waits.join(&second.waits);
            for (sum, count) in sum.endings.iter_mut().zip(second.endings) {
                *sum += count;
            }
        }
        (sum, count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::query;
    use super::*;

    #[test]
    fn a_wait_is_told_at_most_a_fifth_too_long() {
        let mut waits = Waits::default();
        assert_eq!(waits.within(0.5), None);
        for ms in 1..=100 {
            waits.add(f64::from(ms));
        }
        for (share, true_ms) in [(0.01, 1.0), (0.5, 50.0), (0.95, 95.0), (1.0, 100.0)] {
            let told = waits.within(share).unwrap();
            assert!((true_ms..true_ms * 1.2).contains(&told), "{share}: {told}");
        }
        waits.add(0.0);
        waits.add(1e9);
        assert_eq!(waits.within(0.001), Some(SHORTEST_WAIT_MS));
        assert!(waits.within(1.0).unwrap() > 10_000.0);
    }

    #[test]
    fn seconds_are_kept_up_to_the_widest_picture_and_without_gaps() {
        let mut seconds = Seconds::default();
        seconds.add(&query("a.example.", 1.0));
        assert_eq!(seconds.last(10).count(), 0, "no second has begun");
        seconds.advance(1000);
        seconds.add(&query("a.example.", 1.0));
        seconds.add(&query("a.example.", 1.0));
        seconds.advance(1000);
        assert_eq!(seconds.last(10).count(), 0, "the second is not over");
        seconds.advance(1003);
        let queries: Vec<u64> = seconds.last(10).map(Second::queries).collect();
        assert_eq!(queries, [2, 0, 0]);
        let (recent, count) = seconds.recent();
        assert_eq!((recent.ended(Ending::Recursed), count), (2, 3));
        seconds.advance(u64::MAX);
        assert_eq!(seconds.last(usize::MAX).count(), MAX_SECONDS - 1);
        assert_eq!(seconds.recent().0.queries(), 0);
    }

    #[test]
    fn a_refusal_is_no_wait() {
        let mut seconds = Seconds::default();
        seconds.advance(1);
        seconds.add(&FinishedQuery { outcome: None, ..query("a.example.", 1.0) });
        seconds.advance(2);
        let (recent, _) = seconds.recent();
        assert_eq!((recent.ended(Ending::Refused), recent.waits.within(0.5)), (1, None));
    }
}
