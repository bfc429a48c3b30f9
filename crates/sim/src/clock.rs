//! Virtual time: tokio's clock, plus jumps that a test makes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Clock, Moment};

/// Wall-clock time at the start, unless a scenario says otherwise: 2026-11-23.
const WALL_START: u64 = 1_795_392_000;

/// A clock that follows tokio's clock and can jump.
#[derive(Debug)]
pub struct SimClock {
    started: Instant,
    jumped_ms: AtomicU64,
    wall_start: u64,
    wall_wrong_by: AtomicI64,
}

impl SimClock {
    /// Starts now; the wall clock shows `wall` seconds since 1970, or a fixed date.
    #[must_use]
    pub fn new(wall: Option<u64>) -> Self {
        SimClock {
            started: Instant::now(),
            jumped_ms: AtomicU64::new(0),
            wall_start: wall.unwrap_or(WALL_START),
            wall_wrong_by: AtomicI64::new(0),
        }
    }

    /// Advances the clock for TTLs and signatures without firing a timer, as when a suspended
    /// machine wakes.
    pub fn jump(&self, by: Duration) {
        self.jumped_ms.fetch_add(by.as_millis() as u64, Ordering::Relaxed);
    }

    /// Sets the wall clock `wrong_by` seconds ahead of the true time; negative values set the clock
    /// back.
    pub fn set_wall(&self, wrong_by: i64) {
        self.wall_wrong_by.store(wrong_by, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        // Not zero: a moment of zero stands for "never" in places.
        let since = self.started.elapsed().as_millis() as u64 + 1_000;
        Moment::from_millis(since + self.jumped_ms.load(Ordering::Relaxed))
    }

    fn wall_seconds(&self) -> u64 {
        let right = self.wall_start + self.now().as_millis() / 1000;
        right.saturating_add_signed(self.wall_wrong_by.load(Ordering::Relaxed))
    }
}
