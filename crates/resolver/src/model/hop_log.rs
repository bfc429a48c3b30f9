//! The hops of a client query for the history, without words.
//!
//! Unlike a step of the trace in words, a hop is logged at its beginning: where a client query ends before a hop, the log
//! shows the server that was waited for. A hop costs a few hundred instructions of the fifty thousand of a miss.

use std::time::Duration;

use zoners_cache::ServerFault;
use zoners_dns::{Endpoint, Name, Rtype};

use crate::model::verdict::{Fault, Finding, Verdict};

/// The most hops of a client query; further ones are counted.
const MAX_HOPS: usize = 48;

/// A hop on the way to an answer.
#[derive(Clone, Debug)]
pub struct LoggedHop {
    /// From the beginning of the trace to that of the hop.
    pub begun: Duration,
    /// From the beginning to the end of the hop; `None` while it is under way.
    pub took: Option<Duration>,
    /// The depth in nested nameserver look-ups.
    pub depth: u8,
    /// The zone that is asked; for a complete answer that is waited for, its name.
    pub zone: Name,
    /// The type in the question.
    pub rtype: Rtype,
    /// The event.
    pub event: LoggedEvent,
}

/// The event of a hop.
#[derive(Clone, Debug)]
pub enum LoggedEvent {
    /// A server was asked.
    Asked {
        /// The name of the server; the root if only the address is known.
        server: Name,
        /// Where and how.
        endpoint: Endpoint,
        /// Why this server, and why now.
        why: &'static str,
        /// How the query ended.
        end: LoggedEnd,
    },
    /// The same question was under way already, and was waited for.
    Waited,
    /// A server in backoff was left out.
    Skipped {
        /// Where and how the server would have been asked.
        endpoint: Endpoint,
        /// Its last fault.
        fault: Option<ServerFault>,
    },
}

/// How a query to a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedEnd {
    /// The query is under way.
    UnderWay,
    /// A different server was quicker.
    Outpaced,
    /// A useful reply came.
    Useful(LoggedReply),
    /// The reply was of no use, or there was none.
    Useless(Fault),
}

/// The kind of a useful reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedReply {
    /// Records.
    Records,
    /// An alias to a different zone.
    Alias,
    /// The name exists without the type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// A referral to a zone below.
    Referral,
}

impl LoggedEnd {
    /// The end of a query with this result.
    pub(crate) fn of(verdict: &Result<Verdict, Fault>) -> Self {
        LoggedEnd::Useful(match verdict {
            Err(fault) => return LoggedEnd::Useless(*fault),
            Ok(Verdict::Referral(_)) => LoggedReply::Referral,
            Ok(Verdict::Answer(reply)) => match &reply.finding {
                Finding::Records(_) => LoggedReply::Records,
                Finding::Alias(_) | Finding::TooLong => LoggedReply::Alias,
                Finding::NoData(_) => LoggedReply::NoData,
                Finding::NxDomain(_) => LoggedReply::NxDomain,
            },
        })
    }
}

/// The hops of a client query.
#[derive(Debug, Default)]
pub(crate) struct HopLog {
    hops: Vec<LoggedHop>,
    /// Hops beyond [`MAX_HOPS`].
    more: u16,
    /// The client query has ended; further work is not logged.
    is_closed: bool,
}

impl HopLog {
    /// Logs the beginning of a hop; the place of the hop, if there was room.
    pub(crate) fn begin(&mut self, hop: impl FnOnce() -> LoggedHop) -> Option<usize> {
        if self.is_closed {
            return None;
        }
        if self.hops.len() >= MAX_HOPS {
            self.more = self.more.saturating_add(1);
            return None;
        }
        self.hops.push(hop());
        Some(self.hops.len() - 1)
    }

    /// Logs the end of the hop at a place.
    pub(crate) fn end(&mut self, at: usize, ended: Duration) {
        if let Some(hop) = self.hops.get_mut(at) {
            hop.took = Some(ended.saturating_sub(hop.begun));
        }
    }

    /// Logs the end of the last query under way to `to`.
    pub(crate) fn end_query(&mut self, to: Endpoint, took: Duration, ended: LoggedEnd) {
        for hop in self.hops.iter_mut().rev() {
            if let LoggedEvent::Asked { endpoint, end: end @ LoggedEnd::UnderWay, .. } =
                &mut hop.event
                && *endpoint == to
            {
                (hop.took, *end) = (Some(took), ended);
                return;
            }
        }
    }

    /// The hops, and the number of those without room. Nothing is logged from now on.
    pub(crate) fn close(&mut self) -> (Vec<LoggedHop>, u16) {
        self.is_closed = true;
        (std::mem::take(&mut self.hops), self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    fn asked(last: u8) -> LoggedHop {
        LoggedHop {
            begun: Duration::from_millis(last.into()),
            took: None,
            depth: 0,
            zone: name::root(),
            rtype: Rtype::A,
            event: LoggedEvent::Asked {
                server: name::root(),
                endpoint: endpoint(last),
                why: "",
                end: LoggedEnd::UnderWay,
            },
        }
    }

    fn endpoint(last: u8) -> Endpoint {
        Endpoint::udp([192, 0, 2, last].into())
    }

    fn end(hop: &LoggedHop) -> LoggedEnd {
        match hop.event {
            LoggedEvent::Asked { end, .. } => end,
            _ => panic!("a query"),
        }
    }

    #[test]
    fn a_query_ends_at_its_last_hop_and_others_stay_under_way() {
        let mut log = HopLog::default();
        for last in [1, 2, 1] {
            log.begin(|| asked(last));
        }
        log.end_query(endpoint(1), Duration::from_millis(5), LoggedEnd::Outpaced);
        log.end_query(endpoint(3), Duration::from_millis(5), LoggedEnd::Outpaced);
        let (hops, more) = log.close();
        let ends: Vec<LoggedEnd> = hops.iter().map(end).collect();
        assert_eq!(ends, [LoggedEnd::UnderWay, LoggedEnd::UnderWay, LoggedEnd::Outpaced]);
        assert_eq!((hops[2].took, hops[0].took, more), (Some(Duration::from_millis(5)), None, 0));
    }

    #[test]
    fn hops_beyond_the_limit_and_after_the_end_are_not_kept() {
        let mut log = HopLog::default();
        for _ in 0..MAX_HOPS + 3 {
            log.begin(|| asked(1));
        }
        let (hops, more) = log.close();
        assert_eq!((hops.len(), more), (MAX_HOPS, 3));
        assert_eq!(log.begin(|| asked(1)), None);
        log.end(0, Duration::from_millis(9));
        assert!(log.close().0.is_empty());
    }
}
