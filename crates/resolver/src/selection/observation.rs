//! Observations: the evidence of an attempt about its server.
//!
//! [`observe`] is the one way in which estimates learn: RTT, loss, backoff, faults, EDNS and secrets of the server,
//! lameness for a zone, the uplink, reachability, the last responder, the provider prior, and the limit of
//! repetition. So the effects of each kind of observation stand in one place, and no estimate learns twice.
//!
//! Two tables learn elsewhere: a slot of a quota records how its query ends, and the silence of a zone is no
//! property of a server (`ask::race::permits`).

use std::time::Duration;

use tokio::time::Instant;
use zoners_cache::{EchoEvidence, Evidence, ServerFault, ServerInfo, TrialEvent, TrialResult};
use zoners_dns::{Counter, Endpoint, Moment, Name, Network, Transport};

use crate::env::environment::Env;
use crate::env::shared::Shared;
use crate::infra::last_responder::LastReply;
use crate::infra::resend_limit::QueryKey;
use crate::model::asking::UpstreamQuery;
use crate::model::verdict::Fault;

/// The evidence of an attempt about its server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observation<'a> {
    /// A query was sent, or sent again.
    QuerySent,
    /// A matching reply arrived.
    Reply {
        time: ReplyTime,
        /// The reply has an OPT record.
        edns: bool,
        /// The query, if the reply makes the server the last responder.
        query: Option<&'a UpstreamQuery>,
    },
    /// The reply is later than the hedge delay, and may still arrive.
    LateReply,
    /// No reply arrived to any copy of a query.
    Timeout { copies: u32 },
    /// These copies of an answered query got no reply.
    LostCopies { copies: u32 },
    /// The exchange failed: a network error, or no readable message.
    FailedExchange { fault: Fault },
    /// The reply is readable and of no use for the zone.
    BadAnswer { zone: &'a Name, fault: Fault },
    /// The answer fails validation.
    BogusAnswer,
    /// The answer is good, after a bad answer.
    GoodAnswer,
    /// The server answered without EDNS, after a failure with EDNS.
    PlainOnly,
    /// The server repeats the secrets of queries, or does not.
    Secrets { repeated: EchoEvidence },
    /// An event of a trial of encryption at this server, over the encrypted transport.
    Trial(TrialEvent),
    /// The time at which a trial of a different node at this server failed.
    TrialElsewhere { failed_at: Moment },
    /// A query sent then got no useful reply.
    NoUsefulReply { query: &'a UpstreamQuery, sent: Instant },
}

/// Encrypted queries without a reply up to which the encryption is not given up.
const MOST_UNANSWERED_OVER_TLS: u16 = 2;

/// The round-trip time of a reply.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReplyTime {
    /// The query was sent once, or each copy was answered.
    Exact { rtt: Duration },
    /// The query was sent several times: the reply may belong to any copy (Karn's algorithm, RFC 6298 section 3).
    Between { least: Duration, most: Duration },
}

/// Records an observation of `server`. Returns the infra cache entry before the change, if the observation changes
/// the entry.
pub(crate) fn observe<N: Network>(
    env: &Env<N>,
    server: Endpoint,
    observation: Observation<'_>,
) -> Option<ServerInfo> {
    let (shared, now) = (env.shared(), env.shared().now());
    let learn = |evidence| Some(shared.cache.observe_server(server, evidence, now));
    match observation {
        Observation::QuerySent => {
            let uplink = shared.uplinks.to(server.address.ip());
            // Silence on port 853 tells nothing of the uplink.
            if !server.is_opportunistic() {
                uplink.asked(now);
            }
            learn(Evidence::Asked { forgiven: uplink.forgiven() })
        }
        Observation::Reply { time, edns, query } => {
            let before = shared.cache.observe_server(server, reply_evidence(time, edns), now);
            observe_reply(shared, server, &before, time, now);
            if server.is_opportunistic() {
                observe_encrypted_reply(shared, server, now);
            }
            if let Some(query) = query {
                remember_last_reply(shared, server, query, now);
            }
            Some(before)
        }
        Observation::LateReply => {
            observe_silence(shared, server, now);
            None
        }
        Observation::Timeout { copies } => {
            (0..copies).map(|_| observe_fault(env, server, ServerFault::Timeout, now)).last()
        }
        Observation::LostCopies { copies } => {
            let uplink = shared.uplinks.to(server.address.ip());
            (0..copies).for_each(|_| uplink.count_loss());
            None
        }
        Observation::FailedExchange { fault } => {
            fault.trouble().map(|fault| observe_fault(env, server, fault, now))
        }
        Observation::BadAnswer { zone, fault } => {
            if fault.is_lameness() {
                shared.cache.insert_lame(zone, server.over(Transport::Udp), now);
            }
            fault.trouble().map(|fault| observe_fault(env, server, fault, now))
        }
        Observation::BogusAnswer => Some(observe_fault(env, server, ServerFault::Bogus, now)),
        Observation::GoodAnswer => learn(Evidence::Good),
        Observation::PlainOnly => learn(Evidence::PlainOnly),
        Observation::Secrets { repeated } => {
            // UDP and TCP share the record.
            let server = server.over(Transport::Udp);
            Some(shared.cache.observe_server(server, Evidence::Repeated(repeated), now))
        }
        Observation::Trial(event) => {
            observe_trial(shared, server, event, now);
            None
        }
        Observation::TrialElsewhere { failed_at } => {
            let (server, failed) =
                (server.over(Transport::Udp), Evidence::Trial(TrialEvent::Failed));
            Some(shared.cache.observe_server(server, failed, failed_at))
        }
        Observation::NoUsefulReply { query, sent } => {
            observe_useless_query(env, server, query, sent);
            None
        }
    }
}

/// An event of a trial counts for the server over plain transports, where the next query looks.
fn observe_trial(shared: &Shared, server: Endpoint, event: TrialEvent, now: Moment) {
    shared.cache.observe_server(server.over(Transport::Udp), Evidence::Trial(event), now);
    if event != TrialEvent::Begun {
        tell_trial(shared, server, now);
    }
}

/// Tells further nodes the results of trials.
fn tell_trial(shared: &Shared, server: Endpoint, now: Moment) {
    let Some(second) = shared.second_level() else { return };
    let known = shared.cache.server(server.over(Transport::Udp), now).encryption;
    if let Some(result) = TrialResult::of(&known, now)
        && let Some(ttl) = result.lifetime(now)
    {
        second.store_trial(server.address, result.encode(), ttl);
    }
}

/// A server replied over TLS. Most replies change nothing, and are not written.
fn observe_encrypted_reply(shared: &Shared, server: Endpoint, now: Moment) {
    let known = shared.cache.server(server.over(Transport::Udp), now).encryption;
    if known.is_reply_news(now) {
        if !known.is_usable(now) {
            shared.trial_budget.succeeded();
        }
        observe_trial(shared, server, TrialEvent::Worked, now);
    }
}

fn reply_evidence(time: ReplyTime, edns: bool) -> Evidence {
    match time {
        ReplyTime::Exact { rtt } => Evidence::Reply { rtt, edns },
        ReplyTime::Between { least, most } => Evidence::ReplyToSome { most, least, edns },
    }
}

/// A server with this entry has replied: the uplink and the paths work, and questions held back for the server go on.
fn observe_reply(
    shared: &Shared,
    server: Endpoint,
    before: &ServerInfo,
    time: ReplyTime,
    now: Moment,
) {
    let address = server.address.ip();
    let uplink = shared.uplinks.to(address);
    if uplink.replied(now) {
        shared.released.notify_waiters();
    }
    if shared.uplinks.is_internet(uplink) {
        shared.reachability.replied(server);
        // The first reply over TLS takes three round trips, and tells nothing of servers in clear.
        if let (ReplyTime::Exact { rtt }, None, false) =
            (time, before.srtt(), server.transport.is_encrypted())
        {
            shared.rtt_prior.learn(rtt);
        }
    }
    if before.replied_at == 0 && shared.unproven.observe_reply(address, now) {
        shared.released.notify_waiters();
    }
}

/// Remembers the reply for later probes of the last responder.
fn remember_last_reply(shared: &Shared, server: Endpoint, query: &UpstreamQuery, now: Moment) {
    let last_reply = || LastReply { server, asking: query.clone() };
    let uplink = shared.uplinks.to(server.address.ip());
    uplink.last_responder().take(now, last_reply);
    if shared.uplinks.is_internet(uplink) {
        shared.reachability.take(server, now, last_reply);
    }
}

/// A server is late, or does not reply at all. Inside servers say nothing about the paths to the Internet.
fn observe_silence(shared: &Shared, server: Endpoint, now: Moment) {
    // Networks bar port 853 alone, and servers have no TLS: neither tells of a path.
    if server.transport.is_encrypted() {
        return;
    }
    if shared.uplinks.is_internet(shared.uplinks.to(server.address.ip())) {
        shared.reachability.failed(server, now);
    }
}

/// Limits the repetition of a query. Replies over TCP cannot be forged, so queries over TCP are not limited.
fn observe_useless_query<N: Network>(
    env: &Env<N>,
    server: Endpoint,
    query: &UpstreamQuery,
    sent: Instant,
) {
    let resend_limit = &env.shared().resend_limit;
    if !server.transport.is_stream()
        && resend_limit.failed(QueryKey::of(query, server), sent, Instant::now())
    {
        env.count(Counter::LimitRepeatedTable);
    }
}

/// Counts a fault of a server by its kind, and records the fault.
fn observe_fault<N: Network>(
    env: &Env<N>,
    server: Endpoint,
    fault: ServerFault,
    now: Moment,
) -> ServerInfo {
    env.count(match fault {
        ServerFault::Timeout => Counter::UpstreamTimeouts,
        ServerFault::Refused => Counter::UpstreamConnectionRefused,
        ServerFault::Unreachable => Counter::UpstreamUnreachable,
        ServerFault::Lame => Counter::UpstreamLame,
        ServerFault::ServFail => Counter::UpstreamServfail,
        ServerFault::FormErr => Counter::UpstreamFormerr,
        ServerFault::Bogus => Counter::UpstreamBogus,
        ServerFault::Untrusted => Counter::UpstreamUntrusted,
        ServerFault::Handshake => Counter::UpstreamHandshakesFailed,
        ServerFault::Http => Counter::UpstreamHttpFaults,
    });
    let shared = env.shared();
    let before = shared.cache.observe_server(server, Evidence::Trouble(fault), now);
    if fault.is_silence() {
        observe_silence(shared, server, now);
    }
    if server.is_opportunistic() {
        // A single lost reply says nothing.
        let was_heard = before.replied_at > 0 && before.unanswered <= MOST_UNANSWERED_OVER_TLS;
        if fault.is_silence() && !(fault == ServerFault::Timeout && was_heard) {
            observe_trial(shared, server, TrialEvent::Failed, now);
        }
        return before;
    }
    if fault == ServerFault::Timeout {
        // A timeout of a server without any reply so far says nothing about the uplink.
        if before.replied_at > 0 {
            shared.uplinks.to(server.address.ip()).count_loss();
        }
        env.observe_unanswered(server);
    }
    before
}

#[cfg(test)]
mod tests;
