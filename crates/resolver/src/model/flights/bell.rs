//! The bell of a flight: a follower rings to have the leader repeat its query.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use crate::model::sync::Mutex;
use zoners_dns::Moment;

/// Repetitions of a query on behalf of the followers, in total.
pub(crate) const MOST_RINGS: u8 = 8;

/// Rung by followers, heard by the leader.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<Rings>);

#[derive(Debug, Default)]
struct Rings {
    count: u8,
    /// Rung and not yet heard, for a query with EDNS or without.
    rung: Option<bool>,
    leader: Option<Waker>,
    /// The time of the first query, if sent.
    sent: Option<Moment>,
}

impl Bell {
    /// Asks for a repetition of the query, with or without EDNS; false if the query is not sent
    /// yet, or was repeated too often.
    pub(super) fn ring(&self, edns: bool) -> bool {
        let mut rings = self.0.lock();
        if rings.sent.is_none() || rings.count >= MOST_RINGS {
            return false;
        }
        rings.count += 1;
        rings.rung = Some(edns);
        if let Some(leader) = rings.leader.take() {
            leader.wake();
        }
        true
    }

    /// Waits for a ring.
    pub(crate) async fn rung(&self) -> bool {
        poll_fn(|context| {
            let mut rings = self.0.lock();
            if let Some(edns) = rings.rung.take() {
                return Poll::Ready(edns);
            }
            if !rings.leader.as_ref().is_some_and(|leader| leader.will_wake(context.waker())) {
                rings.leader = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// Resets the bell: the repetition is being sent.
    pub(crate) fn hush(&self, now: Moment) {
        let mut rings = self.0.lock();
        (rings.count, rings.rung, rings.sent) = (0, None, Some(now));
    }

    /// The time of the first query, if sent.
    pub(super) fn sent(&self) -> Option<Moment> {
        self.0.lock().sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn the_number_of_repetitions_is_bounded() {
        let bell = Bell::default();
        assert!(!bell.ring(true), "it is yet to be sent");
        bell.hush(Moment::from_millis(5));
        let heard = async || timeout(Duration::from_secs(1), bell.rung()).await.ok();
        assert_eq!(heard().await, None);
        for edns in [true, false, true, false] {
            assert!(bell.ring(edns));
            assert_eq!(heard().await, Some(edns));
        }
        assert!((4..MOST_RINGS).all(|_| bell.ring(true)));
        assert!(!bell.ring(true));
        assert_eq!((heard().await, heard().await), (Some(true), None), "several are as one");
        bell.hush(Moment::from_millis(7));
        assert!(bell.ring(false));
        assert_eq!(bell.sent(), Some(Moment::from_millis(7)));
    }
}
