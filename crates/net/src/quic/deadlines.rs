//! The next deadline of each connection.

use std::collections::BTreeSet;
use std::time::Instant;

/// Moments at which connections want a turn.
///
/// Timers of QUIC move with each packet, nearly always to a later moment. A moment is so moved only to an earlier one;
/// a connection whose turn comes early is armed anew.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(Instant, usize)>,
    /// The queued moment of each connection, by its number.
    queued: Vec<Option<Instant>>,
}

impl Deadlines {
    /// The connection gets a turn at this moment, or earlier.
    pub(super) fn arm(&mut self, connection: usize, at: Instant) {
        if self.queued.len() <= connection {
            self.queued.resize(connection + 1, None);
        }
        let queued = &mut self.queued[connection];
        if queued.is_some_and(|earlier| earlier <= at) {
            return;
        }
        if let Some(later) = queued.replace(at) {
            self.queue.remove(&(later, connection));
        }
        self.queue.insert((at, connection));
    }

    /// The connection has ended.
    pub(super) fn disarm(&mut self, connection: usize) {
        if let Some(at) = self.queued.get_mut(connection).and_then(Option::take) {
            self.queue.remove(&(at, connection));
        }
    }

    /// A connection whose moment has come; its deadline is gone.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<usize> {
        let (at, connection) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.disarm(connection);
        Some(connection)
    }

    /// The earliest moment.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_moves_to_an_earlier_moment_alone() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut deadlines = Deadlines::default();
        deadlines.arm(7, at(5));
        deadlines.arm(2, at(6));
        deadlines.arm(7, at(9));
        assert_eq!((deadlines.next(), deadlines.next_due(at(4))), (Some(at(5)), None));
        deadlines.arm(2, at(3));
        assert_eq!([(); 3].map(|()| deadlines.next_due(at(5))), [Some(2), Some(7), None]);
        deadlines.arm(7, at(8));
        deadlines.disarm(7);
        assert_eq!((deadlines.next(), deadlines.queue.len()), (None, 0));
    }
}
