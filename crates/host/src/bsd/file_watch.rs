//! Signals to look at files: at times, since kqueue(2) would have to keep each file open.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

pub(crate) use IntervalSignals as WriteSignals;

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Signals to look at files.
#[derive(Debug)]
pub(crate) struct IntervalSignals(Interval);

impl IntervalSignals {
    pub(crate) fn new() -> Self {
        let mut interval = interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        IntervalSignals(interval)
    }

    /// Every file is looked at anyway.
    pub(crate) fn watch(&mut self, _: &[PathBuf]) {}

    /// Ends with the next signal. Safe to cancel.
    pub(crate) async fn next(&mut self) {
        self.0.tick().await;
    }
}
