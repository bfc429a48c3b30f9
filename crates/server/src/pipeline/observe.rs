//! The event of a finished query, composed only while a reader is attached; and misses and a sample of hits for the
//! history.

use std::time::Duration;

use smallvec::SmallVec;
use zoners_api::QueryOutcome;
use zoners_dns::packet::ClientQuery;
use zoners_dns::{
    ClockReading, Counter, EdeCode, Message, Moment, Network, OptRcode, Question, Security,
    Transport,
};
use zoners_resolver::{Cause, Resolution, Trace};

use super::query::Miss;
use super::{Handled, Service};
use crate::client::Client;
use crate::events::recorder::ResolvedMiss;
use crate::events::{EventQuestion, QueryEnd, QueryEvent, outcome_counter};
use crate::latency::OutcomeCounts;

impl<N: Network> Service<N> {
    /// As [`Service::handle`], with what readers, the history and the client want to know if the query ends here.
    pub(super) fn handle_observed(
        &self,
        packet: &[u8],
        client: Client,
        clock: ClockReading,
        reply: &mut Vec<u8>,
    ) -> Handled {
        let handled = self.handle(packet, client, clock, reply);
        let (outcome, is_replied) = match handled {
            Handled::Reply(outcome) => (outcome, true),
            Handled::Nothing(outcome) => (outcome, false),
            Handled::Miss(_) => return handled,
        };
        if self.events.are_read() {
            let reply = if is_replied { &reply[..] } else { &[] };
            self.note_event(packet, client, clock, (outcome, reply));
        }
        if outcome == QueryOutcome::Cached && self.events.wants_hit(clock) {
            self.record_hit(packet, client, clock, reply);
        }
        if is_replied {
            self.tell_immediate(packet, client, outcome, reply);
        }
        handled
    }

    /// Puts the event of a resolved miss.
    #[cold]
    pub(super) fn put_recursion(
        &self,
        miss: &Miss,
        outcome: QueryOutcome,
        reason: Option<EdeCode>,
        reply: &[u8],
        now: Moment,
    ) {
        let lost = self.events.put(&QueryEvent {
            question: Some(EventQuestion {
                name: SmallVec::from_slice(miss.question.name.as_slice()),
                rtype: miss.question.rtype,
            }),
            client: miss.client,
            outcome,
            rcode: rcode_in_header(reply),
            reason,
            received: miss.received,
            took: now.since(miss.received.now),
        });
        self.worker.counters().add(Counter::EventsLost, lost);
    }

    /// Gives readers the noted events of a batch, after the responses.
    pub fn flush_events(&self) {
        if self.events.are_read() {
            let lost = self.events.flush();
            self.worker.counters().add(Counter::EventsLost, lost);
        }
    }

    /// Adds the queries over a stream that ended at once since `before` to the times, and gives readers their events.
    pub(crate) fn note_immediate(&self, transport: Transport, before: &OutcomeCounts) {
        self.latencies.note_immediate(transport, before, &self.outcome_counts());
        self.flush_events();
    }

    /// Hands a resolved miss to the history, if one is kept.
    pub(super) fn record_miss(&self, miss: ResolvedMiss) {
        let Some(recorder) = self.events.recorder() else { return };
        if recorder.put(miss) {
            self.count(Counter::HistoryLost);
        }
    }

    /// Hands a failure that was found in the cache to the history.
    #[cold]
    pub(super) fn record_remembered(
        &self,
        question: &Question,
        client: Client,
        received: ClockReading,
    ) {
        let resolution = Err(Cause::Remembered);
        let reason = Some(EdeCode::CACHED_ERROR);
        let failed = (Some(OptRcode::SERVFAIL), reason, resolution);
        self.record_miss(from_memory(question.clone(), client, received, failed));
    }

    /// Hands a hit to the history. A remembered failure is there already.
    #[cold]
    fn record_hit(&self, packet: &[u8], client: Client, received: ClockReading, reply: &[u8]) {
        let rcode = rcode_in_header(reply);
        let Ok(request) = ClientQuery::read(packet) else { return };
        if rcode == Some(OptRcode::SERVFAIL) {
            return;
        }
        self.events.has_hit(received);
        let found = (rcode, None, Ok(Security::Unchecked));
        self.record_miss(from_memory(request.question(), client, received, found));
    }

    /// Notes the event of a query that ended at once.
    fn note_event(
        &self,
        packet: &[u8],
        client: Client,
        received: ClockReading,
        (outcome, reply): (QueryOutcome, &[u8]),
    ) {
        let (rcode, reason) = rcode_and_reason(outcome, reply);
        let end = QueryEnd { client, outcome, rcode, reason, received, took: Duration::ZERO };
        let lost = self.events.note(end, packet);
        if lost > 0 {
            self.worker.counters().add(Counter::EventsLost, lost);
        }
    }

    /// The number of queries that ended so far, by outcome.
    pub(crate) fn outcome_counts(&self) -> OutcomeCounts {
        QueryOutcome::ALL.map(|outcome| self.worker.counters().get(outcome_counter(outcome)))
    }
}

/// A resolved miss for the history. Names are moved, not copied.
pub(super) fn resolved_miss(
    miss: Miss,
    trace: &Trace,
    resolution: &Resolution,
    (outcome, reason): (QueryOutcome, Option<EdeCode>),
    reply: &[u8],
) -> ResolvedMiss {
    let took = trace.elapsed();
    let (hops, more_hops) = trace.close_hops();
    let resolution = match resolution {
        Ok(answer) => Ok(answer.security),
        Err(unresolved) => Err(unresolved.cause),
    };
    let Miss { question, client, received, .. } = miss;
    let rcode = rcode_in_header(reply);
    ResolvedMiss {
        question,
        client,
        received,
        took,
        outcome,
        rcode,
        reason,
        resolution,
        hops,
        more_hops,
    }
}

/// A query that memory has answered.
fn from_memory(
    question: Question,
    client: Client,
    received: ClockReading,
    (rcode, reason, resolution): (Option<OptRcode>, Option<EdeCode>, Result<Security, Cause>),
) -> ResolvedMiss {
    ResolvedMiss {
        question,
        client,
        received,
        took: Duration::ZERO,
        outcome: QueryOutcome::Cached,
        rcode,
        reason,
        resolution,
        hops: Vec::new(),
        more_hops: 0,
    }
}

/// The four bits of the RCODE in the header of a reply, if there is one. A recursion ends with no other bits.
fn rcode_in_header(reply: &[u8]) -> Option<OptRcode> {
    reply.get(3).map(|flags| OptRcode::masked_from_int(u16::from(flags & 0x0F)))
}

/// The RCODE with its extension in the OPT record (RFC 6891 section 6.1.3), and the code of the EDE. A plain answer
/// has no extension and no EDE, and is not parsed.
fn rcode_and_reason(outcome: QueryOutcome, reply: &[u8]) -> (Option<OptRcode>, Option<EdeCode>) {
    let in_header = rcode_in_header(reply);
    let is_plain = matches!(outcome, QueryOutcome::Local | QueryOutcome::Cached)
        && in_header == Some(OptRcode::NOERROR);
    if is_plain || reply.is_empty() {
        return (in_header, None);
    }
    match Message::parse(&reply.to_vec().into()) {
        Ok(message) => {
            let error = message.edns.as_ref().and_then(|edns| edns.errors.first());
            (Some(message.rcode), error.map(|error| error.code))
        }
        Err(_) => (in_header, None),
    }
}
