//! How the server does: what its replies, and their absence, say.

use std::time::Duration;

use redis::{ErrorKind, RedisError};
use tokio::time::Instant;
use zoners_dns::{Counter, Counters};

/// Failures in a row after which nobody asks any more for a while.
const FAILURES: usize = 3;
/// A server that takes no more is told nothing for so long.
const FULL: Duration = Duration::from_secs(5);

/// How a batch ended.
pub(super) enum Ended {
    Well,
    /// The server took all.
    Taken,
    /// It does not take any more, but answers.
    Full,
    /// It follows another, which takes what it does not.
    Follows(RedisError),
    /// It does not do what it is asked for.
    Refused(RedisError),
    Failed(RedisError),
}

/// How the server does.
#[derive(Default)]
pub(super) struct Health {
    /// Whether somebody can name another, should this one come to follow that.
    named: bool,
    /// Failures in a row.
    failures: usize,
    /// Until when it is told nothing.
    full_until: Option<Instant>,
    refused: bool,
}

impl Health {
    /// Nothing is known yet of a server that somebody `named`, or of the only one.
    pub(super) fn new(named: bool) -> Self {
        Health { named, ..Health::default() }
    }

    /// Learns how a batch ended; why the server is to be left alone, if it is.
    pub(super) fn learn(&mut self, ended: Ended, counters: &Counters) -> Option<RedisError> {
        self.failures = if matches!(ended, Ended::Failed(_)) { self.failures + 1 } else { 0 };
        match ended {
            Ended::Well => {}
            Ended::Taken => {
                // What was under way when it was full says nothing yet.
                if self.full_until.take_if(|until| Instant::now() >= *until).is_some() {
                    tracing::info!("the second level takes answers again");
                }
            }
            Ended::Follows(why) if self.named => {
                counters.count(Counter::SecondLevelErrors);
                return Some(why);
            }
            Ended::Full | Ended::Follows(_) => {
                if self.full_until.is_none() {
                    tracing::warn!("the second level takes no more, and is only read");
                }
                self.full_until = Some(Instant::now() + FULL);
            }
            Ended::Refused(why) => {
                counters.count(Counter::SecondLevelErrors);
                if !self.refused {
                    tracing::warn!("the second level refuses: {why}");
                }
                self.refused = true;
            }
            Ended::Failed(why) => {
                counters.count(Counter::SecondLevelErrors);
                // One that is gone is not asked again to be sure.
                if self.failures >= FAILURES || !why.is_timeout() {
                    return Some(why);
                }
            }
        }
        None
    }

    pub(super) fn is_full(&self) -> bool {
        self.full_until.is_some_and(|until| Instant::now() < until)
    }
}

/// How a batch ended: the worst of how its parts did.
pub(super) fn outcome(parts: Vec<Result<(), RedisError>>) -> Ended {
    let mut ended = Ended::Well;
    for error in parts.into_iter().filter_map(Result::err) {
        let said_by_server = matches!(error.kind(), ErrorKind::Server(_))
            || error.kind() == ErrorKind::Extension
            || error.kind() == ErrorKind::UnexpectedReturnType
            || error.kind() == ErrorKind::Parse;
        match said_by_server {
            true if error.code() == Some("OOM") => ended = Ended::Full,
            true if error.code() == Some("READONLY") => ended = Ended::Follows(error),
            true if matches!(ended, Ended::Well) => ended = Ended::Refused(error),
            true => {}
            false => return Ended::Failed(error),
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::make_extension_error;

    fn said(code: &str) -> Result<(), RedisError> {
        Err(make_extension_error(code.to_owned(), None))
    }

    fn late() -> RedisError {
        std::io::Error::from(std::io::ErrorKind::TimedOut).into()
    }

    fn gone() -> RedisError {
        std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()
    }

    #[test]
    fn a_server_that_is_gone_is_left_at_once_and_one_that_is_late_after_three_times() {
        let (mut health, counters) = (Health::default(), Counters::default());
        assert!(health.learn(outcome(vec![Ok(()), Err(gone())]), &counters).is_some());
        let mut health = Health::default();
        for fails in [false, false, true] {
            let learned = health.learn(outcome(vec![Err(late())]), &counters);
            assert_eq!(learned.is_some(), fails);
        }
        let mut health = Health::default();
        for _ in 0..9 {
            assert!(health.learn(outcome(vec![Err(late())]), &counters).is_none());
            assert!(health.learn(outcome(vec![Ok(())]), &counters).is_none());
        }
        assert_eq!(counters.get(Counter::SecondLevelErrors), 1 + 3 + 9);
    }

    #[test]
    fn one_that_follows_another_is_left_if_somebody_names_that_and_only_read_otherwise() {
        let counters = Counters::default();
        for named in [false, true] {
            let mut health = Health::new(named);
            let learned = health.learn(outcome(vec![said("READONLY")]), &counters);
            assert_eq!((learned.is_some(), health.is_full()), (named, !named));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_full_or_refuses_is_asked_on() {
        let (mut health, counters) = (Health::default(), Counters::default());
        for _ in 0..9 {
            assert!(health.learn(outcome(vec![said("WRONGTYPE")]), &counters).is_none());
        }
        assert!(!health.is_full());
        assert!(health.learn(outcome(vec![said("OOM"), Ok(())]), &counters).is_none());
        assert!(health.is_full());
        assert!(health.learn(Ended::Taken, &counters).is_none() && health.is_full(), "a late one");
        tokio::time::advance(FULL).await;
        assert!(health.learn(Ended::Taken, &counters).is_none() && health.full_until.is_none());
        assert_eq!(counters.get(Counter::SecondLevelErrors), 9);
    }
}
