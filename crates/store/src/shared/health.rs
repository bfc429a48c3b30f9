//! The health of the Redis server, by its replies and failures.

use std::time::Duration;

use redis::{ErrorKind, RedisError};
use tokio::time::Instant;
use zoners_dns::{Counter, Counters};

/// Consecutive failures that open the circuit breaker.
const MAX_FAILURES: usize = 3;
/// How long nothing is written to a server that is full.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// The outcome of a batch.
pub(super) enum BatchOutcome {
    Well,
    /// The server stored each value.
    Stored,
    /// The server is out of memory, but responds (`OOM`).
    Full,
    /// The server is a read-only replica (`READONLY`).
    Replica(RedisError),
    /// The server returned another error.
    Refused(RedisError),
    Failed(RedisError),
}

/// The health of one server.
#[derive(Default)]
pub(super) struct RedisHealth {
    /// Whether sentinels can name a new master, should this server become a replica.
    by_sentinels: bool,
    /// Consecutive failures.
    failures: usize,
    /// Until when nothing is written to the server.
    full_until: Option<Instant>,
    refused: bool,
}

impl RedisHealth {
    /// The health of a server without history; `by_sentinels` if sentinels named it.
    pub(super) fn new(by_sentinels: bool) -> Self {
        RedisHealth { by_sentinels, ..RedisHealth::default() }
    }

    /// Takes the outcome of a batch into account; returns the reason if the circuit breaker must open.
    pub(super) fn observe(
        &mut self,
        ended: BatchOutcome,
        counters: &Counters,
    ) -> Option<RedisError> {
        self.failures =
            if matches!(ended, BatchOutcome::Failed(_)) { self.failures + 1 } else { 0 };
        match ended {
            BatchOutcome::Well => {}
            BatchOutcome::Stored => {
                // A write that was under way when the server became full is no evidence yet.
                if self.full_until.take_if(|until| Instant::now() >= *until).is_some() {
                    tracing::info!("redis: writable again");
                }
            }
            BatchOutcome::Replica(why) if self.by_sentinels => {
                counters.count(Counter::SecondLevelErrors);
                return Some(why);
            }
            BatchOutcome::Full | BatchOutcome::Replica(_) => {
                if self.full_until.is_none() {
                    tracing::warn!("redis: server full or read-only: reading only");
                }
                self.full_until = Some(Instant::now() + FULL_PAUSE);
            }
            BatchOutcome::Refused(why) => {
                counters.count(Counter::SecondLevelErrors);
                if !self.refused {
                    tracing::warn!("redis: request refused: {why}");
                }
                self.refused = true;
            }
            BatchOutcome::Failed(why) => {
                counters.count(Counter::SecondLevelErrors);
                // A closed connection needs no second failure as proof; a timeout does.
                if self.failures >= MAX_FAILURES || !why.is_timeout() {
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

/// The outcome of a batch: the worst outcome of its parts.
pub(super) fn outcome(parts: Vec<Result<(), RedisError>>) -> BatchOutcome {
    let mut ended = BatchOutcome::Well;
    for error in parts.into_iter().filter_map(Result::err) {
        let said_by_server = matches!(error.kind(), ErrorKind::Server(_))
            || error.kind() == ErrorKind::Extension
            || error.kind() == ErrorKind::UnexpectedReturnType
            || error.kind() == ErrorKind::Parse;
        match said_by_server {
            true if error.code() == Some("OOM") => ended = BatchOutcome::Full,
            true if error.code() == Some("READONLY") => ended = BatchOutcome::Replica(error),
            true if matches!(ended, BatchOutcome::Well) => ended = BatchOutcome::Refused(error),
            true => {}
            false => return BatchOutcome::Failed(error),
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
    fn a_closed_connection_counts_at_once_and_a_timeout_the_third_time() {
        let (mut health, counters) = (RedisHealth::default(), Counters::default());
        assert!(health.observe(outcome(vec![Ok(()), Err(gone())]), &counters).is_some());
        let mut health = RedisHealth::default();
        for fails in [false, false, true] {
            let learned = health.observe(outcome(vec![Err(late())]), &counters);
            assert_eq!(learned.is_some(), fails);
        }
        let mut health = RedisHealth::default();
        for _ in 0..9 {
            assert!(health.observe(outcome(vec![Err(late())]), &counters).is_none());
            assert!(health.observe(outcome(vec![Ok(())]), &counters).is_none());
        }
        assert_eq!(counters.get(Counter::SecondLevelErrors), 1 + 3 + 9);
    }

    #[test]
    fn a_replica_is_left_if_sentinels_name_the_master_and_only_read_otherwise() {
        let counters = Counters::default();
        for by_sentinels in [false, true] {
            let mut health = RedisHealth::new(by_sentinels);
            let learned = health.observe(outcome(vec![said("READONLY")]), &counters);
            assert_eq!((learned.is_some(), health.is_full()), (by_sentinels, !by_sentinels));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_or_refusing_server_is_still_asked() {
        let (mut health, counters) = (RedisHealth::default(), Counters::default());
        for _ in 0..9 {
            assert!(health.observe(outcome(vec![said("WRONGTYPE")]), &counters).is_none());
        }
        assert!(!health.is_full());
        assert!(health.observe(outcome(vec![said("OOM"), Ok(())]), &counters).is_none());
        assert!(health.is_full());
        assert!(
            health.observe(BatchOutcome::Stored, &counters).is_none() && health.is_full(),
            "a late success"
        );
        tokio::time::advance(FULL_PAUSE).await;
        assert!(
            health.observe(BatchOutcome::Stored, &counters).is_none()
                && health.full_until.is_none()
        );
        assert_eq!(counters.get(Counter::SecondLevelErrors), 9);
    }
}
