//! The timer of an idle connection. Each query puts the end off; the timer is set anew when the timer fires, and most
//! timers never fire.

use std::pin::Pin;

use tokio::time::{Instant, Sleep};

/// The end of a connection without queries.
pub(super) struct IdleTimer<'t> {
    end: Instant,
    timer: Pin<&'t mut Sleep>,
}

impl<'t> IdleTimer<'t> {
    /// The connection ends when `timer` fires.
    pub(super) fn new(timer: Pin<&'t mut Sleep>) -> Self {
        IdleTimer { end: timer.deadline(), timer }
    }

    /// The connection ends at another moment.
    pub(super) fn put_off(&mut self, end: Instant) {
        self.end = end;
        if end < self.timer.deadline() {
            self.timer.as_mut().reset(end);
        }
    }

    /// Waits for the end. Safe to cancel and call again.
    pub(super) async fn over(&mut self) {
        self.timer.as_mut().await;
        while self.timer.deadline() < self.end {
            self.timer.as_mut().reset(self.end);
            self.timer.as_mut().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::time::Duration;
    use tokio::time::sleep_until;

    #[tokio::test(start_paused = true)]
    async fn the_end_moves_in_both_directions() {
        let began = Instant::now();
        let timer = pin!(sleep_until(began + Duration::from_secs(10)));
        let mut idle = IdleTimer::new(timer);
        for (end, fires) in [(25, 25), (40, 40)] {
            idle.put_off(began + Duration::from_secs(end + 5));
            idle.put_off(began + Duration::from_secs(end));
            idle.over().await;
            assert_eq!(began.elapsed().as_secs(), fires);
        }
        idle.put_off(began + Duration::from_secs(60));
        assert!(tokio::time::timeout(Duration::from_secs(5), idle.over()).await.is_err());
        idle.put_off(began + Duration::from_secs(50));
        idle.over().await;
        assert_eq!(began.elapsed().as_secs(), 50);
    }
}
