//! The events of a batch of queries, as a worker writes them down.
//!
//! A worker copies octets of the query and reads nothing there: the name is found by the reader, on another thread.

use std::time::Duration;

use smallvec::SmallVec;
use zoners_api::QueryOutcome;
use zoners_dns::packet::ClientQuery;
use zoners_dns::{ClockReading, EdeCode, OptRcode};

use super::{EventQuestion, QueryEvent};
use crate::client::Client;

/// Octets of the header (RFC 1035 section 4.1.1).
const HEADER_OCTETS: usize = 12;
/// Octets of a query that are kept: the header, the longest name, type and class.
const MAX_KEPT_OCTETS: usize = HEADER_OCTETS + 255 + 4;
/// A header with one question, for a question without its query.
const HEADER: [u8; HEADER_OCTETS] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
/// The class IN.
const CLASS_IN: [u8; 2] = [0, 1];

/// Events in the order of their ends.
#[derive(Clone, Debug, Default)]
pub(super) struct EventTape {
    events: Vec<TapedEvent>,
    /// The kept octets of each query, one after the other.
    queries: Vec<u8>,
}

/// The end of a query, without the question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryEnd {
    pub(crate) client: Client,
    pub(crate) outcome: QueryOutcome,
    pub(crate) rcode: Option<OptRcode>,
    pub(crate) reason: Option<EdeCode>,
    pub(crate) received: ClockReading,
    pub(crate) took: Duration,
}

#[derive(Clone, Copy, Debug)]
struct TapedEvent {
    end: QueryEnd,
    /// The end of the kept octets of this query in all kept octets.
    kept_until: u32,
}

impl EventTape {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Writes down the end of a query.
    #[inline]
    pub(super) fn push(&mut self, end: QueryEnd, query: &[u8]) {
        self.queries.extend_from_slice(&query[..query.len().min(MAX_KEPT_OCTETS)]);
        self.events.push(TapedEvent { end, kept_until: self.queries.len() as u32 });
    }

    /// Writes down an event.
    pub(super) fn push_event(&mut self, event: &QueryEvent) {
        let QueryEvent { question, client, outcome, rcode, reason, received, took } = event;
        if let Some(EventQuestion { name, rtype }) = question {
            self.queries.extend_from_slice(&HEADER);
            self.queries.extend_from_slice(name);
            self.queries.extend_from_slice(&rtype.to_int().to_be_bytes());
            self.queries.extend_from_slice(&CLASS_IN);
        }
        let (client, outcome, rcode) = (*client, *outcome, *rcode);
        let (reason, received, took) = (*reason, *received, *took);
        let end = QueryEnd { client, outcome, rcode, reason, received, took };
        self.events.push(TapedEvent { end, kept_until: self.queries.len() as u32 });
    }

    /// The event at a position.
    pub(super) fn event(&self, at: usize) -> Option<QueryEvent> {
        let begin = self.kept_before(at)?;
        let TapedEvent { end, kept_until } = self.events.get(at)?;
        let query = self.queries.get(begin..*kept_until as usize)?;
        let question = ClientQuery::question_of(query).map(|(name, rtype)| EventQuestion {
            name: SmallVec::from_slice(name.as_slice()),
            rtype,
        });
        let QueryEnd { client, outcome, rcode, reason, received, took } = *end;
        Some(QueryEvent { question, client, outcome, rcode, reason, received, took })
    }

    /// A tape with the first events, in no more memory than needed.
    pub(super) fn beginning(&self, count: usize) -> Self {
        let kept = self.kept_before(count).unwrap_or(self.queries.len());
        let (events, queries) = (self.events.iter().take(count), self.queries.iter().take(kept));
        EventTape { events: events.copied().collect(), queries: queries.copied().collect() }
    }

    /// A tape with the events that a reader wants.
    pub(super) fn only(&self, wants: impl Fn(&QueryEvent) -> bool) -> Self {
        let mut tape = EventTape::default();
        let events = (0..self.len()).filter_map(|at| self.event(at));
        events.filter(wants).for_each(|event| tape.push_event(&event));
        tape
    }

    /// Begins anew, with the same memory.
    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.queries.clear();
    }

    /// The kept octets before those of the event at a position.
    fn kept_before(&self, at: usize) -> Option<usize> {
        match at.checked_sub(1) {
            None => Some(0),
            Some(before) => self.events.get(before).map(|event| event.kept_until as usize),
        }
    }
}
