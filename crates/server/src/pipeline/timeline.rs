//! The way to an answer in the answer itself, as an EDNS option for programs of this machine (`history.timeline-option`):
//! `dig +ednsopt=65053 NAME`.
//!
//! Only clients at a loopback address are told, as the way tells which names other clients have asked for before. A text
//! never makes a reply longer than the client takes.

use zoners_api::{HopEventReport, HopReport, QueryOutcome};
use zoners_dns::Network;
use zoners_dns::edns::TIMELINE;
use zoners_dns::packet::{ClientQuery, OPTION_HEAD, QueryHeader, add_option};
use zoners_history::{LineState, Surroundings, judge, resolution_report};

use super::cookies::Cookie;
use super::query::{Miss, Query};
use super::{Service, finish};
use crate::client::Client;
use crate::events::recorder::ResolvedMiss;
use crate::history::record::record;

/// Octets of the longest text: some fifty hops, also over a stream.
const MAX_TEXT: usize = 4096;
/// A text with less room says nothing, and is left out.
const MIN_TEXT: usize = 24;
/// Between two parts of a text: dig shows no line breaks.
const SEPARATOR: &str = " | ";

impl<N: Network> Service<N> {
    /// The most octets of the reply to a miss, if the client is to be told the way.
    pub(super) fn room_for_timeline(&self, miss: &Miss) -> Option<usize> {
        self.tells(miss.client, &miss.head).then(|| finish::limit(&miss.query()))
    }

    /// Tells the client of a query that ended at once how that ended.
    pub(super) fn tell_immediate(
        &self,
        packet: &[u8],
        client: Client,
        outcome: QueryOutcome,
        reply: &mut Vec<u8>,
    ) {
        if !self.rules.tells_timeline {
            return;
        }
        let Ok(request) = ClientQuery::read(packet) else { return };
        if self.tells(client, &request.head) {
            let limit = finish::limit(&Query { request, client, cookie: Cookie::Absent });
            put(&format!("answered at once: {}", outcome.name()), limit, reply);
        }
    }

    fn tells(&self, client: Client, head: &QueryHeader) -> bool {
        let wants = || head.edns.is_some_and(|edns| edns.wants_timeline);
        self.rules.tells_timeline && client.address.to_canonical().is_loopback() && wants()
    }
}

/// Tells the client of a miss the way, in a reply of at most `limit` octets.
pub(super) fn tell_miss(miss: &ResolvedMiss, limit: usize, reply: &mut Vec<u8>) {
    let record = record(miss, LineState::default());
    let verdict = judge(&record, &Surroundings::of([&record]));
    let report = resolution_report(&record, verdict);
    let hops = report.hops.iter().map(hop);
    let parts: Vec<String> = [report.verdict.text].into_iter().chain(hops).collect();
    put(&parts.join(SEPARATOR), limit, reply);
}

fn hop(hop: &HopReport) -> String {
    let HopReport { at_ms, took_ms, zone, r#type, event, .. } = hop;
    match event {
        HopEventReport::Query { server, address, transport, text, .. } => {
            let server = server.as_deref().map(|name| format!("{name} ")).unwrap_or_default();
            let server = format!("{server}{address} {transport}");
            format!("{at_ms:.0} ms: {zone} {type}, {server}: {text} after {took_ms:.0} ms")
        }
        HopEventReport::Wait {} => {
            format!("{at_ms:.0} ms: {zone} {type}, asked already: waited {took_ms:.0} ms")
        }
        HopEventReport::Skip { address, text } => {
            format!("{at_ms:.0} ms: {zone} {type}, {address} left out: {text}")
        }
    }
}

/// Adds as much of a text as there is room for. A truncated reply says nothing: the client asks again.
fn put(text: &str, limit: usize, reply: &mut Vec<u8>) {
    let is_truncated = reply.get(2).is_some_and(|flags| flags & 0x02 != 0);
    let room = limit.saturating_sub(reply.len() + OPTION_HEAD).min(MAX_TEXT);
    if is_truncated || room < MIN_TEXT.min(text.len()) {
        return;
    }
    let end = text.floor_char_boundary(room);
    add_option(reply, TIMELINE, text.get(..end).unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use zoners_dns::ResponseOpt;
    use zoners_dns::compose::add_opt;

    use super::*;

    fn reply() -> Vec<u8> {
        let mut reply = vec![0; 12];
        add_opt(&mut reply, &ResponseOpt::default());
        reply
    }

    #[test]
    fn a_text_is_cut_at_a_character_and_left_out_where_it_says_nothing() {
        let text = "\u{e4}".repeat(100);
        let whole = reply().len();
        for limit in whole..whole + 300 {
            let mut reply = reply();
            put(&text, limit, &mut reply);
            assert!(reply.len() <= limit, "{limit}");
            match limit - whole {
                ..28 => assert_eq!(reply.len(), whole, "{limit}"),
                28.. => assert!(std::str::from_utf8(&reply[whole + OPTION_HEAD..]).is_ok()),
            }
        }
        let mut endless = reply();
        put(&"x".repeat(2 * MAX_TEXT), usize::from(u16::MAX), &mut endless);
        assert_eq!(endless.len(), whole + OPTION_HEAD + MAX_TEXT);
    }

    #[test]
    fn a_truncated_reply_says_nothing() {
        let mut reply = reply();
        reply[2] |= 0x02;
        let before = reply.clone();
        put("answered at once", 512, &mut reply);
        assert_eq!(reply, before);
    }
}
