//! Work once a second while clients ask; an idle machine stays idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Whether clients have asked since the last look.
#[derive(Debug, Default)]
pub(super) struct Activity {
    asked: AtomicBool,
    woken: Notify,
}

impl Activity {
    /// Called for whatever comes from clients.
    pub(super) fn note(&self) {
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Release);
            self.woken.notify_one();
        }
    }

    /// Ends once clients have asked.
    async fn wait(&self) {
        while !self.asked.load(Ordering::Acquire) {
            self.woken.notified().await;
        }
    }
}

/// Beats while there is activity.
#[derive(Debug)]
pub(super) struct Pulse {
    activity: Arc<Activity>,
    interval: Interval,
}

impl Pulse {
    pub(super) fn of(activity: Arc<Activity>) -> Self {
        let mut interval = interval(INTERVAL);
        // Missed beats are not made up for.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Pulse { activity, interval }
    }

    /// The next beat: a second after the last, or when clients ask again after a rest. Safe to
    /// cancel and call again.
    pub(super) async fn beat(&mut self) {
        self.activity.wait().await;
        self.interval.tick().await;
        self.activity.asked.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn the_pulse_beats_once_a_second_while_clients_ask() {
        let activity = Arc::<Activity>::default();
        let mut pulse = Pulse::of(activity.clone());
        let began = Instant::now();
        activity.note();
        pulse.beat().await;
        for second in 1..4 {
            activity.note();
            activity.note();
            pulse.beat().await;
            assert_eq!(began.elapsed(), Duration::from_secs(second));
        }
        let rest = Duration::from_secs(3600);
        assert!(tokio::time::timeout(rest, pulse.beat()).await.is_err(), "no client asks");
        let later = async {
            tokio::time::sleep(rest).await;
            activity.note();
        };
        tokio::join!(pulse.beat(), later);
        assert_eq!(began.elapsed(), Duration::from_secs(3) + 2 * rest, "at once");
        activity.note();
        pulse.beat().await;
        assert_eq!(began.elapsed(), Duration::from_secs(4) + 2 * rest, "and no sooner than before");
    }
}
