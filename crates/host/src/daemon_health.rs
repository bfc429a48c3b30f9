//! The health of the daemon, by its answers: when the settings of the system may name the daemon, and when they must
//! not.
//!
//! - A daemon is down once it is silent for [`MAX_SILENCE`] (a daemon that hangs), refuses for [`MAX_REFUSAL`] (no
//!   daemon), or fails again and again (a crash loop). A restart that takes less time changes nothing.
//! - After such a failure the daemon must answer for [`STEADY_TIME`] without a gap.
//!
//! Every system decides by these rules: [`dns_switch`](crate::dns_switch) on Linux, [`guard`](crate::guard) on macOS.

use std::collections::VecDeque;
use std::time::Duration;

/// The time after the first failure in which a silent daemon may answer again. With the interval and the timeout of a
/// question, the former settings are back within 8 s.
const MAX_SILENCE: Duration = Duration::from_secs(4);
/// The time after the first failure in which a daemon may be started again.
const MAX_REFUSAL: Duration = Duration::from_secs(3);
/// The failures within [`OUTAGE_WINDOW`] that make a crash loop, however short each failure is.
const MAX_OUTAGES: usize = 2;
const OUTAGE_WINDOW: Duration = Duration::from_secs(30);
/// Answers without a gap that make up for a failure.
const STEADY_TIME: Duration = Duration::from_secs(5);
/// Times between two questions to a daemon that is well: uneven, as no crash loop keeps step with uneven times.
const CALM_INTERVALS: [Duration; 4] = [
    Duration::from_millis(1000),
    Duration::from_millis(700),
    Duration::from_millis(1300),
    Duration::from_millis(900),
];
/// The time between two questions to a daemon that has failed a moment ago.
const ALERT_INTERVAL: Duration = Duration::from_millis(500);

/// The end of a question to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonProbe {
    /// A reply came.
    Answered,
    /// No process listens.
    Refused,
    /// No reply came in time.
    Silent,
}

/// The health of the daemon. "In force" are settings that name the daemon.
#[derive(Debug, Default)]
pub(crate) struct ProbeHistory {
    /// Questions so far.
    probes: usize,
    /// The end of the last question.
    last: Option<DaemonProbe>,
    /// The begin of answers without a gap.
    steady_since: Option<Duration>,
    /// The begin of failures without an answer.
    failing_since: Option<Duration>,
    /// The last failures after an answer, while in force.
    outages: VecDeque<Duration>,
    /// The daemon has failed since it was last trusted.
    has_failed: bool,
}

impl ProbeHistory {
    /// Takes note of a question at `now`.
    pub(crate) fn note_probe(&mut self, now: Duration, probe: DaemonProbe, is_in_force: bool) {
        self.outages.retain(|at| now.saturating_sub(*at) < OUTAGE_WINDOW);
        self.probes = self.probes.wrapping_add(1);
        self.last = Some(probe);
        if probe == DaemonProbe::Answered {
            self.failing_since = None;
            self.steady_since.get_or_insert(now);
            return;
        }
        self.failing_since.get_or_insert(now);
        if self.steady_since.take().is_some() && is_in_force {
            self.outages.push_back(now);
        }
    }

    /// Whether settings in force must go; then the daemon counts as failed.
    pub(crate) fn goes_down(&mut self, now: Duration) -> bool {
        let is_refused = self.last == Some(DaemonProbe::Refused);
        let limit = if is_refused { MAX_REFUSAL } else { MAX_SILENCE };
        let fails = self.failing_since.is_some_and(|since| now.saturating_sub(since) >= limit);
        let is_down = fails || self.outages.len() >= MAX_OUTAGES;
        self.has_failed |= is_down;
        is_down
    }

    /// Whether the daemon answers, and for long enough after a failure.
    pub(crate) fn is_trusted(&self, now: Duration) -> bool {
        let needed = if self.has_failed { STEADY_TIME } else { Duration::ZERO };
        self.steady_since.is_some_and(|since| now.saturating_sub(since) >= needed)
    }

    /// Whether the daemon has failed since it was last trusted.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Takes note of settings that came into force, or went.
    pub(crate) fn settings_changed(&mut self, is_in_force: bool) {
        self.outages.clear();
        self.has_failed &= !is_in_force;
    }

    /// Forgets failures: the machine slept.
    pub(crate) fn forget_failures(&mut self) {
        self.failing_since = None;
        self.outages.clear();
    }

    /// The time until the next question. `is_left`: foreign settings are left alone.
    pub(crate) fn interval(&self, is_in_force: bool, is_left: bool) -> Duration {
        let is_calm = is_in_force && self.steady_since.is_some() && self.outages.is_empty();
        match CALM_INTERVALS.get(self.probes % CALM_INTERVALS.len()) {
            Some(calm) if is_calm || is_left => *calm,
            _ => ALERT_INTERVAL,
        }
    }
}
