//! The clocks of the operating system, as the resolver wants them.

use std::time::{SystemTime, UNIX_EPOCH};

use zoners_dns::{Clock, Moment};
use zoners_host::clock::millis_since_boot;

/// Milliseconds added to the time since the start of the machine, so that events before the start
/// have a moment too.
const HEAD_START: u64 = 30 * 86_400_000;

/// The time that the machine tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::from_millis(HEAD_START + millis_since_boot())
    }

    fn wall_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
