//! Pauses that grow up to a bound.

use std::time::Duration;

use zoners_dns::Moment;

/// Pauses between tries: each is `factor` halves as long again as the one before, up to `longest`.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// In halves: 3 grows by half, 4 doubles.
    factor: u32,
    pause: Duration,
    due_at: Option<Moment>,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, longest: Duration, factor: u32) -> Self {
        Backoff { first, longest, factor, pause: first, due_at: None }
    }

    /// The next try is due now; the pauses go on from the present length.
    pub(crate) fn hasten(&mut self, now: Moment) {
        self.due_at = Some(now);
    }

    /// The next try is due after the present pause.
    pub(crate) fn wait(&mut self, now: Moment) {
        self.due_at = Some(now.after(self.pause));
    }

    /// The next try is due at this moment.
    pub(crate) fn wait_until(&mut self, at: Moment) {
        self.due_at = Some(at);
    }

    /// No further try; the pauses keep their length.
    pub(crate) fn rest(&mut self) {
        self.due_at = None;
    }

    /// Pauses begin with the first again.
    pub(crate) fn reset(&mut self) {
        self.pause = self.first;
    }

    /// Whether a try is due, which is then under way; the next is due after the present pause, and the pause grows.
    pub(crate) fn claim(&mut self, now: Moment) -> bool {
        let is_due = self.due_at.is_some_and(|at| at <= now);
        if is_due {
            self.due_at = Some(now.after(self.pause));
            self.pause = (self.pause * self.factor / 2).min(self.longest);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_keep_their_length_over_a_rest() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(5), seconds(60), 4);
        let at = Moment::from_millis;
        assert!(!backoff.claim(at(9)), "nothing was begun");
        backoff.hasten(at(0));
        let mut due = Vec::new();
        for second in 0..300 {
            if backoff.claim(at(second * 1000)) {
                due.push(second);
            }
        }
        assert_eq!(due, [0, 5, 15, 35, 75, 135, 195, 255]);
        backoff.rest();
        assert!(!backoff.claim(at(900_000)));
        backoff.wait(at(900_000));
        assert!(!backoff.claim(at(959_999)) && backoff.claim(at(960_000)));
        backoff.reset();
        backoff.hasten(at(960_000));
        assert!(backoff.claim(at(960_000)) && backoff.claim(at(965_000)));
    }
}
