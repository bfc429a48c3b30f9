//! Receives messages for a waiting query.

use std::time::Duration;

use zoners_cache::{CookieOption, EchoEvidence};
use zoners_dns::{Counter, Endpoint, ExchangeEvent, Message, MessageError, Network, Transport};

use super::ServerQuery;
use super::case_randomisation::{NameCase, with_original_case};
use super::matching::{Match, matches};
use super::wait::PendingQuery;
use crate::ask::exchange::query_secrets::QuerySecrets;
use crate::env::environment::Env;
use crate::model::verdict::Fault;
use crate::selection::observation::{Observation, ReplyTime, observe};

/// A received message.
pub(super) enum Received {
    /// The reply.
    Reply(Box<Message>),
    /// A truncated reply: the full reply is fetched over TCP.
    Truncated,
    /// A reply without the secrets of the query.
    Unproven(Box<Message>, EchoEvidence),
    /// A message that is no reply, from any host, or with a fault if the ID is right.
    NoReply(Option<Fault>),
    /// A network error. Any host can cause one.
    NetworkError(Fault),
    /// Nothing more will come.
    Ended(Fault),
    /// Nothing more will come over TCP, which was asked beside.
    TcpFailed(Fault),
    /// No event of interest.
    Nothing,
}

pub(super) fn read_event<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    wait: &mut PendingQuery<N>,
    event: ExchangeEvent,
) -> Received {
    let octets = match event {
        ExchangeEvent::Message(octets) => octets,
        ExchangeEvent::Advisory(failure) => {
            env.count(Counter::UpstreamNetworkErrors);
            return Received::NetworkError(Fault::Network(failure));
        }
        ExchangeEvent::Failed(failure) => {
            env.count(Counter::UpstreamNetworkErrors);
            return fail(env, wait.endpoint, Fault::Network(failure));
        }
    };
    let (octets, case) = match &wait.shown.letters {
        None => (octets, NameCase::Kept),
        Some(sent) => with_original_case(octets, sent, &query.asking.question.name),
    };
    let fault = match matches(&octets, wait.id, &query.asking.question) {
        Match::Reply(message) => return take_reply(env, query, message, case, wait),
        Match::ForeignId => {
            env.count(Counter::UpstreamMismatched);
            None
        }
        Match::NoReply => {
            env.count(Counter::UpstreamMismatched);
            Some(Fault::NoReply)
        }
        Match::TooShort => {
            env.count(Counter::UpstreamMalformed);
            None
        }
        Match::Malformed(malformed) => {
            env.count(Counter::UpstreamMalformed);
            if malformed.is_limit() {
                env.count(Counter::LimitMessageRecords);
            }
            Some(Fault::Malformed(malformed))
        }
    };
    match wait.endpoint.transport {
        Transport::Udp => Received::NoReply(fault),
        // No attacker can have sent it, and nothing else will come.
        Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
            fail(env, wait.endpoint, fault.unwrap_or(Fault::NoReply))
        }
    }
}

/// Takes the reply to a query. Other messages are not charged to the client query, which attackers
/// could otherwise exhaust.
fn take_reply<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    message: Box<Message>,
    case: NameCase,
    wait: &mut PendingQuery<N>,
) -> Received {
    if let Err(exhausted) = query.step.client.budget.charge_bytes(message.octets) {
        env.count(exhausted.0);
        return Received::Ended(Fault::Exhausted(exhausted));
    }
    if let Err(repeated) = check_secrets(env, wait, &message, case) {
        match wait.endpoint.transport {
            Transport::Udp => {
                env.count(Counter::UpstreamUnauthenticated);
                return Received::Unproven(message, repeated);
            }
            // The server itself does without.
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
                _ = observe(env, wait.endpoint, Observation::Secrets { repeated })
            }
        }
    }
    env.count(Counter::UpstreamReplies);
    let edns = message.edns.is_some();
    let took = wait.sent.elapsed();
    wait.took = Some(took);
    let time = reply_time(wait, took);
    observe(env, wait.endpoint, Observation::Reply { time, edns, query: Some(query.asking) });
    match wait.endpoint.transport {
        _ if !message.header.tc() => Received::Reply(message),
        Transport::Udp => {
            env.count(Counter::UpstreamTruncated);
            Received::Truncated
        }
        // Over a stream, TC means that the reply is broken (RFC 2181 section 9).
        Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
            env.count(Counter::UpstreamMalformed);
            fail(env, wait.endpoint, Fault::Malformed(MessageError::Truncated))
        }
    }
}

/// The RTT, as far as the time since the first copy of the query tells.
fn reply_time<N: Network>(wait: &PendingQuery<N>, took: Duration) -> ReplyTime {
    let (least, most) = wait.round_trips.bounds(took);
    match wait.last_sent {
        None if least == most => ReplyTime::Exact { rtt: most },
        None => ReplyTime::Between { least, most },
        Some(last) => ReplyTime::Between { least: wait.round_trips.bounds(last.elapsed()).0, most },
    }
}

/// Whether a reply repeats the secrets of its query, as far as the server supports them: a cookie,
/// and the case of the name.
///
/// # Errors
/// A secret is missing.
fn check_secrets<N: Network>(
    env: &Env<N>,
    wait: &PendingQuery<N>,
    message: &Message,
    case: NameCase,
) -> Result<(), EchoEvidence> {
    let QuerySecrets { client, known, .. } = &wait.shown;
    let letters = match case {
        NameCase::Kept => Ok(()),
        NameCase::Changed => Err(EchoEvidence::CaseChanged),
    };
    let Some(client) = client else { return letters };
    let note = |repeated| observe(env, wait.endpoint, Observation::Secrets { repeated });
    let option = message.edns.as_ref().and_then(|edns| edns.cookie.as_deref());
    match option {
        Some(option) if option.starts_with(client) => {
            let is_new = |cookie: &CookieOption| known.as_deref() != Some(cookie);
            if let Some(cookie) = CookieOption::of(option).filter(is_new) {
                note(EchoEvidence::Cookie(cookie));
            }
            // A sender with the right cookie has seen the case of the name.
            letters.or_else(|folded| {
                note(folded);
                Ok(())
            })
        }
        None if known.is_none() => {
            // The answered copy may have been the copy without a cookie.
            if wait.times > 1 && !wait.endpoint.transport.is_stream() {
                note(EchoEvidence::CookieMissing);
            }
            letters
        }
        _ => Err(EchoEvidence::CookieMissing),
    }
}

/// Ends the wait with a fault, which is recorded.
fn fail<N: Network>(env: &Env<N>, server: Endpoint, fault: Fault) -> Received {
    observe(env, server, Observation::FailedExchange { fault });
    Received::Ended(fault)
}
