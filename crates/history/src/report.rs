//! Records as types of `zoners_api`.

use std::time::Duration;

use zoners_api::{
    EdeReport, FinishedQuery, HopEventReport, HopReport, ResolutionReport, StepOutcome,
    VerdictReport,
};
use zoners_dns::{EdeCode, Name, OptRcode};

use crate::hop::ReplyEnd::{self, Outpaced, Pending};
use crate::hop::{AskReason, HopEnd, HopEvent, HopRecord, ServerRecord, ServerTrouble};
use crate::record::ResolutionRecord;

/// A record with its verdict.
#[must_use]
pub fn resolution_report(record: &ResolutionRecord, verdict: VerdictReport) -> ResolutionReport {
    ResolutionReport {
        received_s: record.received_s,
        client: record.client.to_canonical().to_string(),
        transport: record.transport.to_string(),
        name: text(&record.name),
        r#type: record.rtype.to_string(),
        outcome: Some(record.outcome),
        rcode: record.rcode.map(|rcode| rcode.to_string()),
        ede: record.reason.map(reason),
        failed: record.has_failed(),
        dnssec: record.dnssec,
        took_ms: millis(record.took),
        verdict,
        hops: record.hops.iter().map(hop).collect(),
        more_hops: record.more_hops.into(),
    }
}

/// A record as a query that ended, without the way.
#[must_use]
pub fn past_query(record: &ResolutionRecord) -> FinishedQuery {
    FinishedQuery {
        received_s: record.received_s,
        client: record.client.to_canonical().to_string(),
        transport: record.transport.to_string(),
        name: Some(text(&record.name)),
        r#type: Some(record.rtype.to_string()),
        outcome: Some(record.outcome),
        rcode: record.rcode.map(|rcode| rcode.to_string()),
        ede: record.reason.map(reason),
        failed: record.has_failed(),
        took_ms: millis(record.took),
    }
}

fn hop(hop: &HopRecord) -> HopReport {
    HopReport {
        at_ms: millis(hop.begun),
        took_ms: millis(hop.took),
        depth: hop.depth,
        zone: text(&hop.zone),
        r#type: hop.rtype.to_string(),
        event: match &hop.event {
            HopEvent::Asked { server, reason, end } => asked(server, *reason, *end),
            HopEvent::Waited => HopEventReport::Wait {},
            HopEvent::Skipped { server, trouble } => HopEventReport::Skip {
                address: address(server),
                text: trouble_in_words(*trouble).to_owned(),
            },
        },
    }
}

fn asked(server: &ServerRecord, reason: AskReason, end: HopEnd) -> HopEventReport {
    let outcome = match end {
        HopEnd::Reply(Pending | Outpaced) => StepOutcome::Outpaced,
        end if end.is_useful() => StepOutcome::Useful,
        _ => StepOutcome::Failed,
    };
    HopEventReport::Query {
        server: Some(&server.name).filter(|name| !name.is_root()).map(text),
        address: address(server),
        transport: server.transport.to_string(),
        why: reason_in_words(reason).to_owned(),
        outcome,
        text: end_in_words(end),
    }
}

/// The address, with the port if that is not 53.
fn address(server: &ServerRecord) -> String {
    zoners_dns::Endpoint::new(server.address, server.transport).to_string()
}

/// The end of a query in words.
pub(crate) fn end_in_words(end: HopEnd) -> String {
    let end = match end {
        HopEnd::Rcode(code) => {
            return OptRcode::masked_from_int(u16::from(code)).to_string();
        }
        HopEnd::Reply(end) => end,
    };
    let words = match end {
        ReplyEnd::Pending => "no reply so far",
        ReplyEnd::Outpaced => "another was quicker",
        ReplyEnd::Records => "records",
        ReplyEnd::Alias => "an alias",
        ReplyEnd::NoData => "no records of this type",
        ReplyEnd::NxDomain => "no such name",
        ReplyEnd::Referral => "a referral",
        ReplyEnd::Exhausted => "given up, since a limit was reached",
        ReplyEnd::Timeout => "no reply",
        ReplyEnd::PortClosed => "connection refused",
        ReplyEnd::Unreachable => "unreachable",
        ReplyEnd::ConnectionClosed => "connection closed",
        ReplyEnd::NoSocket => "no socket left",
        ReplyEnd::Malformed => "a reply that cannot be read",
        ReplyEnd::NoReply => "no message that replies",
        ReplyEnd::Flooded => "too many messages that do not reply",
        ReplyEnd::Lame => "does not serve the zone",
        ReplyEnd::Empty => "an empty reply",
        ReplyEnd::BareDenial => "a bare denial",
        ReplyEnd::Sideways => "a referral to itself",
        ReplyEnd::Untrusted => "not asked: its certificate or key is wrong",
        ReplyEnd::Handshake => "not asked: TLS failed",
        ReplyEnd::Http => "no DNS message over HTTPS",
    };
    words.to_owned()
}

fn reason_in_words(reason: AskReason) -> &'static str {
    match reason {
        AskReason::First => "best estimate",
        AskReason::Next => "next in line",
        AskReason::Again => "again",
        AskReason::Explore => "to learn of an unknown server",
        AskReason::Probe => "to see whether this way works again",
        AskReason::Only => "the only way",
        AskReason::Other => "",
    }
}

fn trouble_in_words(trouble: ServerTrouble) -> &'static str {
    match trouble {
        ServerTrouble::Timeout => "did not reply before",
        ServerTrouble::Refused => "refused the connection before",
        ServerTrouble::Unreachable => "was unreachable before",
        ServerTrouble::Lame => "does not serve the zone",
        ServerTrouble::ServFail => "replied SERVFAIL before",
        ServerTrouble::FormErr => "gave no readable reply before",
        ServerTrouble::Bogus => "gave bogus answers before",
        ServerTrouble::Untrusted => "had a wrong certificate or key before",
        ServerTrouble::Handshake => "failed in TLS before",
        ServerTrouble::Http => "gave no DNS message over HTTPS before",
    }
}

/// The reason without a text: a record has the code alone.
fn reason(code: EdeCode) -> EdeReport {
    EdeReport { code: code.0, meaning: code.meaning().to_owned(), text: String::new() }
}

fn text(name: &Name) -> String {
    name.fmt_with_dot().to_string()
}

/// Milliseconds, to the tenth.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_micros() / 100) as f64 / 10.0
}
