//! A resolved miss as a record of the history.

use std::time::Duration;

use zoners_api::DnssecStatus;
use zoners_cache::ServerFault;
use zoners_dns::{Endpoint, Name, NetworkError, Security, name};
use zoners_history::{
    AskReason, FailureKind, HopEnd, HopEvent, HopRecord, LineState, ReplyEnd, ResolutionRecord,
    ServerRecord, ServerTrouble,
};
use zoners_resolver::{Cause, Fault, LoggedEnd, LoggedEvent, LoggedHop, LoggedReply};

use crate::events::recorder::ResolvedMiss;

/// The record of a miss that ended while the line was in this state.
pub(crate) fn record(miss: &ResolvedMiss, line: LineState) -> ResolutionRecord {
    let (dnssec, failure) = match miss.resolution {
        Ok(security) => (status(security), None),
        Err(cause @ (Cause::Bogus | Cause::BogusZone)) => (DnssecStatus::Bogus, Some(kind(cause))),
        Err(cause) => (DnssecStatus::Unchecked, Some(kind(cause))),
    };
    ResolutionRecord {
        received_s: miss.received.wall_seconds,
        client: miss.client.address,
        transport: miss.client.transport,
        name: miss.question.name.clone(),
        rtype: miss.question.rtype,
        outcome: miss.outcome,
        rcode: miss.rcode,
        reason: miss.reason,
        failure,
        dnssec,
        took: miss.took,
        line,
        hops: miss.hops.iter().map(|hop| hop_record(hop, miss.took)).collect(),
        more_hops: miss.more_hops,
    }
}

fn status(security: Security) -> DnssecStatus {
    match security {
        Security::Secure => DnssecStatus::Secure,
        Security::Insecure => DnssecStatus::Insecure,
        Security::Unchecked => DnssecStatus::Unchecked,
    }
}

fn kind(cause: Cause) -> FailureKind {
    match cause {
        Cause::Silent => FailureKind::Silent,
        Cause::Unusable => FailureKind::Unusable,
        Cause::NoAddress => FailureKind::NoAddress,
        Cause::Remembered => FailureKind::Remembered,
        Cause::Budget => FailureKind::Budget,
        Cause::Deadline => FailureKind::Deadline,
        Cause::Cancelled => FailureKind::Cancelled,
        Cause::Cycle => FailureKind::Cycle,
        Cause::Depth => FailureKind::Depth,
        Cause::Aliases => FailureKind::Aliases,
        Cause::Overloaded => FailureKind::Overloaded,
        Cause::Bogus | Cause::BogusZone => FailureKind::Bogus,
        Cause::Sentinel => FailureKind::Sentinel,
    }
}

/// A hop of a query of this duration: a hop under way lasts until the end of the query.
fn hop_record(hop: &LoggedHop, whole: Duration) -> HopRecord {
    HopRecord {
        begun: hop.begun,
        took: hop.took.unwrap_or_else(|| whole.saturating_sub(hop.begun)),
        depth: hop.depth,
        zone: hop.zone.clone(),
        rtype: hop.rtype,
        event: match &hop.event {
            LoggedEvent::Asked { server: of, endpoint, why, end } => HopEvent::Asked {
                server: server(of, *endpoint),
                reason: reason(why),
                end: hop_end(*end),
            },
            LoggedEvent::Waited => HopEvent::Waited,
            LoggedEvent::Skipped { endpoint, fault } => HopEvent::Skipped {
                server: server(&name::root(), *endpoint),
                trouble: trouble(*fault),
            },
        },
    }
}

fn server(name: &Name, endpoint: Endpoint) -> ServerRecord {
    let Endpoint { address, transport, .. } = endpoint;
    ServerRecord { name: name.clone(), address, transport }
}

/// The reason of an attempt, by the words of the trace.
fn reason(why: &str) -> AskReason {
    match why {
        "next in line" => AskReason::Next,
        "again" | "once more" => AskReason::Again,
        "to learn of it" => AskReason::Explore,
        "to see whether this way works again" => AskReason::Probe,
        _ => AskReason::Other,
    }
}

fn hop_end(end: LoggedEnd) -> HopEnd {
    HopEnd::Reply(match end {
        LoggedEnd::UnderWay => ReplyEnd::Pending,
        LoggedEnd::Outpaced => ReplyEnd::Outpaced,
        LoggedEnd::Useful(LoggedReply::Records) => ReplyEnd::Records,
        LoggedEnd::Useful(LoggedReply::Alias) => ReplyEnd::Alias,
        LoggedEnd::Useful(LoggedReply::NoData) => ReplyEnd::NoData,
        LoggedEnd::Useful(LoggedReply::NxDomain) => ReplyEnd::NxDomain,
        LoggedEnd::Useful(LoggedReply::Referral) => ReplyEnd::Referral,
        LoggedEnd::Useless(fault) => match fault {
            Fault::Rcode(rcode) => {
                return HopEnd::Rcode(u8::try_from(rcode.to_int()).unwrap_or(u8::MAX));
            }
            Fault::Timeout => ReplyEnd::Timeout,
            Fault::Network(NetworkError::Refused) => ReplyEnd::PortClosed,
            Fault::Network(NetworkError::Unreachable) => ReplyEnd::Unreachable,
            Fault::Network(NetworkError::Closed) => ReplyEnd::ConnectionClosed,
            Fault::Network(NetworkError::NoSocket) => ReplyEnd::NoSocket,
            Fault::Network(NetworkError::Untrusted(_)) => ReplyEnd::Untrusted,
            Fault::Network(NetworkError::Handshake) => ReplyEnd::Handshake,
            Fault::Network(NetworkError::Http(_)) => ReplyEnd::Http,
            Fault::Malformed(_) => ReplyEnd::Malformed,
            Fault::NoReply => ReplyEnd::NoReply,
            Fault::Flooded => ReplyEnd::Flooded,
            Fault::Lame => ReplyEnd::Lame,
            Fault::Empty => ReplyEnd::Empty,
            Fault::BareDenial => ReplyEnd::BareDenial,
            Fault::Sideways => ReplyEnd::Sideways,
            Fault::Exhausted(_) => ReplyEnd::Exhausted,
        },
    })
}

fn trouble(fault: Option<ServerFault>) -> ServerTrouble {
    match fault {
        Some(ServerFault::Timeout) | None => ServerTrouble::Timeout,
        Some(ServerFault::Refused) => ServerTrouble::Refused,
        Some(ServerFault::Unreachable) => ServerTrouble::Unreachable,
        Some(ServerFault::Lame) => ServerTrouble::Lame,
        Some(ServerFault::ServFail) => ServerTrouble::ServFail,
        Some(ServerFault::FormErr) => ServerTrouble::FormErr,
        Some(ServerFault::Bogus) => ServerTrouble::Bogus,
        Some(ServerFault::Untrusted) => ServerTrouble::Untrusted,
        Some(ServerFault::Handshake) => ServerTrouble::Handshake,
        Some(ServerFault::Http) => ServerTrouble::Http,
    }
}
