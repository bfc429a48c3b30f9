//! Whether recursion works from here: tried after the start, beside serving, and again while it fails.

use std::fmt;
use std::time::Duration;

use tokio::time::sleep;
use zoners_api::{FirstRecursionReport, FirstRecursionState};

/// The pause before a failed recursion is tried again.
const RETRY_PERIOD: Duration = Duration::from_secs(15);

/// Whether recursion works from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstRecursion {
    /// The servers of the root zone were found, and proven.
    Proven(Duration),
    /// They were found; the configuration validates nothing.
    Unvalidated(Duration),
    /// No server responded.
    Offline,
    /// Recursion failed, for this reason.
    Failed(String),
}

impl FirstRecursion {
    /// Writes it to the log.
    pub fn log(&self) {
        match self {
            FirstRecursion::Proven(_) | FirstRecursion::Unvalidated(_) => {
                tracing::info!("recursion: {self}");
            }
            FirstRecursion::Offline | FirstRecursion::Failed(_) => {
                tracing::warn!("recursion: {self}");
            }
        }
    }
}

impl FirstRecursion {
    /// Whether names could not be resolved.
    pub(super) fn is_failure(&self) -> bool {
        self.report().state.is_failure()
    }

    /// Whether the servers of the root zone were found.
    pub(super) fn is_success(&self) -> bool {
        matches!(self, FirstRecursion::Proven(_) | FirstRecursion::Unvalidated(_))
    }

    /// The outcome for `zoners status`.
    pub(super) fn report(&self) -> FirstRecursionReport {
        let state = match self {
            FirstRecursion::Proven(_) => FirstRecursionState::Proven,
            FirstRecursion::Unvalidated(_) => FirstRecursionState::Unvalidated,
            FirstRecursion::Offline => FirstRecursionState::Offline,
            FirstRecursion::Failed(_) => FirstRecursionState::Failed,
        };
        FirstRecursionReport { state, text: self.to_string() }
    }
}

impl fmt::Display for FirstRecursion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FirstRecursion::Proven(took) => {
                write!(f, "works from here: the root zone is proven, in {} ms", took.as_millis())
            }
            FirstRecursion::Unvalidated(took) => write!(
                f,
                "works from here, in {} ms; answers are not validated (dnssec.validate = false)",
                took.as_millis()
            ),
            FirstRecursion::Offline => f.write_str(
                "no server responds: this machine is offline, or its network blocks DNS; names resolve \
                 as soon as servers respond",
            ),
            FirstRecursion::Failed(why) => write!(f, "does not work from here: {why}"),
        }
    }
}

/// The place of the latest outcome.
pub(super) trait RecursionRecord {
    /// Whether the latest outcome is a failure, and neither clients nor a change of the network have told more.
    fn is_failure_all_that_is_known(&self) -> bool;
    /// Replaces the outcome.
    fn keep(&self, outcome: &FirstRecursion);
}

/// Tries a failed recursion again until more is known. Without this, a daemon that starts offline would stay unhealthy:
/// clients wait for a healthy daemon, and no query of a client shows that the network is back.
pub(super) async fn try_again<R: RecursionRecord>(
    attempt: impl AsyncFn() -> FirstRecursion,
    record: &R,
) {
    while record.is_failure_all_that_is_known() {
        sleep(RETRY_PERIOD).await;
        let outcome = attempt().await;
        if record.is_failure_all_that_is_known() {
            record.keep(&outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use parking_lot::Mutex;
    use tokio::time::Instant;

    /// An outcome, and whether clients have used the network.
    struct Record(Mutex<FirstRecursion>, AtomicBool);

    impl RecursionRecord for Record {
        fn is_failure_all_that_is_known(&self) -> bool {
            !self.1.load(Ordering::Relaxed) && self.0.lock().report().state.is_failure()
        }

        fn keep(&self, outcome: &FirstRecursion) {
            *self.0.lock() = outcome.clone();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_recursion_is_tried_until_it_works() {
        let record = Record(Mutex::new(FirstRecursion::Offline), AtomicBool::new(false));
        let (attempts, began) = (AtomicU32::new(0), Instant::now());
        let attempt = async || match attempts.fetch_add(1, Ordering::Relaxed) {
            0 => FirstRecursion::Failed("servers are too slow".to_owned()),
            _ => FirstRecursion::Proven(Duration::ZERO),
        };
        try_again(attempt, &record).await;
        assert_eq!(record.0.lock().clone(), FirstRecursion::Proven(Duration::ZERO));
        assert_eq!((attempts.load(Ordering::Relaxed), began.elapsed()), (2, RETRY_PERIOD * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_recursion_is_not_tried_once_clients_have_used_the_network() {
        let record = Record(Mutex::new(FirstRecursion::Offline), AtomicBool::new(false));
        let attempt = async || {
            record.1.store(true, Ordering::Relaxed);
            FirstRecursion::Failed("late".to_owned())
        };
        try_again(attempt, &record).await;
        assert_eq!(record.0.lock().clone(), FirstRecursion::Offline, "the newer knowledge stays");
    }
}
