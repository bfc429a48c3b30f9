//! A probe of the network: some root servers are asked for the root keys, over TCP too if UDP is
//! silent. Keys matching the trust anchor prove that replies come through; AA proves that the
//! servers replied themselves.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use zoners_dns::{
    Counter, Endpoint, Message, Moment, Network, NetworkError, Question, RRset, Rtype, Transport,
    name,
};
use zoners_dnssec::BogusReason;

use crate::ask::exchange::{Report, StartedAttempt, attempt};
use crate::ask::race::Concurrent;
use crate::env::environment::Env;
use crate::env::interception::evidence::{ProbeResult, ReplyVoice};
use crate::env::lookups::Lookups;
use crate::env::shared::Shared;
use crate::model::asking::UpstreamQuery;
use crate::model::step::Step;
use crate::model::verdict::Fault;
use crate::selection::candidates::Attempt;

/// Servers asked in each address family.
const OF_A_FAMILY: usize = 2;
/// Without a reply after this time, datagrams are repeated and TCP is tried.
const AGAIN: Duration = Duration::from_millis(250);
/// After this time the result counts; later replies still count.
pub(super) const PATIENCE: Duration = Duration::from_millis(800);

/// Starts a probe in the background. The caller has claimed the probe.
pub(super) fn begin_probe<N: Network>(env: &Env<N>) {
    env.count(Counter::NetworkChecks);
    let (env, sounding) = (env.arc(), ProbeGuard(env.shared().clone()));
    tokio::spawn(async move { run_probe(env, sounding).await });
}

async fn run_probe<N: Network>(env: Arc<Env<N>>, sounding: ProbeGuard) {
    let changes = env.shared().interception.changes();
    let (since, began) = (env.shared().now(), Instant::now());
    let step = Step::without_client(env.settings().limits);
    let servers = root_servers(&env);
    let mut under_way: Concurrent<RootQuery> = Concurrent::default();
    let ask = |under_way: &mut Concurrent<RootQuery>, transport| {
        for address in &servers {
            let endpoint = Endpoint::new(*address, transport);
            under_way.push(RootQuery(ask_root(&env, endpoint, &step)));
        }
    };
    ask(&mut under_way, Transport::Udp);
    let mut heard = ProbeFindings::default();
    let mut again_at = Some(began + AGAIN);
    let ends_at = began + PATIENCE;
    while !heard.is_certain() {
        if under_way.is_empty() {
            // If ICMP reports that UDP is blocked, TCP may pass.
            if heard.anything() || again_at.take().is_none() {
                break;
            }
            ask(&mut under_way, Transport::Tcp);
        }
        let wakes_at = again_at.unwrap_or(ends_at);
        tokio::select! {
            biased;
            report = under_way.next() => weigh_report(&env, &mut heard, report, &step).await,
            () = sleep_until(wakes_at) => match again_at.take() {
                Some(_) if !heard.anything() => {
                    ask(&mut under_way, Transport::Udp);
                    ask(&mut under_way, Transport::Tcp);
                }
                Some(_) => {}
                None => break,
            },
        }
    }
    conclude_probe(&env, heard.says(servers.len()), since, changes);
    drop(sounding);
    // A late reply may be the only one.
    while !under_way.is_empty() && !heard.is_certain() {
        let (report, before) = (under_way.next().await, heard.clone());
        weigh_report(&env, &mut heard, report, &step).await;
        if heard != before && heard.says(servers.len()).passes() {
            conclude_probe(&env, heard.says(servers.len()), since, changes);
        }
    }
}

/// Records the result of a probe that started after `changes` changes of the network.
fn conclude_probe<N: Network>(env: &Env<N>, sounded: ProbeResult, began: Moment, changes: u32) {
    let times = (began, env.shared().now());
    env.shared().note_sounding(sounded, times, changes, env.has_root_anchor());
    if env.shared().interception.obstacle().is_some() {
        env.count(Counter::NetworkChecksFailed);
    }
}

/// Some addresses of root servers, of both families.
fn root_servers<N: Network>(env: &Env<N>) -> Vec<SocketAddr> {
    let root = env.known_cut(&name::root()).unwrap_or_else(|| env.settings().root.clone());
    let mut addresses: Vec<SocketAddr> =
        root.servers.iter().flat_map(|server| server.addresses.iter().copied()).collect();
    addresses.retain(|address| env.settings().may_ask(address.ip()));
    env.shared().random.shuffle(&mut addresses);
    let (ipv4, ipv6): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv4);
    ipv4.into_iter().take(OF_A_FAMILY).chain(ipv6.into_iter().take(OF_A_FAMILY)).collect()
}

fn ask_root<N: Network>(env: &Env<N>, endpoint: Endpoint, step: &Step) -> StartedAttempt {
    let question = Question::new(name::root(), Rtype::DNSKEY);
    let asking = UpstreamQuery { question, recursion_desired: false, retry: true };
    let one = Attempt::alone(endpoint, "to sound the network");
    attempt(env.arc(), asking, one, step.clone())
}

async fn weigh_report<N: Network>(
    env: &Env<N>,
    heard: &mut ProbeFindings,
    report: Report,
    step: &Step,
) {
    // A repeated datagram counts as one reply.
    if heard.of.contains(&report.attempt.endpoint) {
        return;
    }
    heard.of.push(report.attempt.endpoint);
    let message = match report.result {
        Ok(message) => message,
        Err(Fault::Network(
            NetworkError::Refused | NetworkError::Closed | NetworkError::Unreachable,
        )) => {
            // A refused stream says nothing where UDP works.
            heard.rejected += usize::from(!report.attempt.endpoint.transport.is_stream());
            return;
        }
        Err(_) => return,
    };
    let proof = prove_root_keys(env, &message, step).await;
    match (ReplyVoice::of(&message), proof) {
        (ReplyVoice::Refusal, _) => heard.refused += 1,
        (ReplyVoice::Authority, Some(Ok(()))) => heard.proven += 1,
        (_, Some(Ok(()))) => heard.relayed += 1,
        (ReplyVoice::Hearsay, _) => heard.forged += 1,
        // A root server without keys, or without signatures, is none.
        (ReplyVoice::Authority, Some(Err(BogusReason::NoKey | BogusReason::NoSignature))) => {
            heard.forged += 1
        }
        (ReplyVoice::Authority, _) => heard.authority += 1,
        (ReplyVoice::Plain, _) => heard.unclear += 1,
    }
}

/// Whether the keys of a reply are those of the root zone; `None` without a trust anchor.
async fn prove_root_keys<N: Network>(
    env: &Env<N>,
    message: &Message,
    step: &Step,
) -> Option<Result<(), BogusReason>> {
    if !env.has_root_anchor() {
        return None;
    }
    let keys = |set: &&RRset| set.rtype == Rtype::DNSKEY && set.owner.is_root();
    Some(match message.answer.iter().find(keys) {
        None => Err(BogusReason::NoKey),
        Some(set) if set.signatures.is_empty() => Err(BogusReason::NoSignature),
        Some(set) => env.prove_root_keys(set, step).await,
    })
}

/// A query to a root server.
struct RootQuery(StartedAttempt);

impl Future for RootQuery {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Report> {
        self.0.report.as_mut().poll(context)
    }
}

/// The replies so far, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ProbeFindings {
    /// Whence.
    of: Vec<Endpoint>,
    proven: usize,
    authority: usize,
    relayed: usize,
    forged: usize,
    unclear: usize,
    refused: usize,
    rejected: usize,
}

impl ProbeFindings {
    /// Whether further replies change nothing.
    fn is_certain(&self) -> bool {
        self.proven > 0
    }

    /// Whether a message came.
    fn anything(&self) -> bool {
        let ProbeFindings { proven, authority, relayed, forged, unclear, refused, .. } = self;
        proven + authority + relayed + forged + unclear + refused > 0
    }

    /// The result for this many servers. One of several servers may be broken.
    fn says(&self, servers: usize) -> ProbeResult {
        let enough = servers.min(2);
        let ProbeFindings {
            proven, authority, relayed, forged, unclear, refused, rejected, ..
        } = *self;
        match () {
            () if proven > 0 => ProbeResult::Proven,
            () if relayed > 0 && relayed >= authority => ProbeResult::Intercepted { proves: true },
            () if forged >= enough && forged > authority => {
                ProbeResult::Intercepted { proves: false }
            }
            () if authority > 0 => ProbeResult::Authority,
            () if forged + unclear > 0 => ProbeResult::Unclear,
            () if refused >= enough => ProbeResult::Refused,
            () if rejected >= servers => ProbeResult::Rejected,
            () => ProbeResult::Silent,
        }
    }
}

/// A probe under way; the drop lets the next probe start, after any end.
struct ProbeGuard(Arc<Shared>);

impl Drop for ProbeGuard {
    fn drop(&mut self) {
        self.0.interception.end_probe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_weighed() {
        let says = |counts: [usize; 7], servers| {
            let [proven, authority, relayed, forged, unclear, refused, rejected] = counts;
            let of = Vec::new();
            ProbeFindings { of, proven, authority, relayed, forged, unclear, refused, rejected }
                .says(servers)
        };
        assert_eq!(says([0; 7], 4), ProbeResult::Silent);
        assert_eq!(says([0, 0, 0, 0, 0, 0, 3], 4), ProbeResult::Silent, "of one nothing came");
        assert_eq!(says([0, 0, 0, 0, 0, 0, 4], 4), ProbeResult::Rejected);
        assert_eq!(says([0, 0, 0, 0, 0, 1, 0], 4), ProbeResult::Silent, "one may be broken");
        assert_eq!(says([0, 0, 0, 0, 0, 1, 0], 1), ProbeResult::Refused, "where there is one");
        assert_eq!(says([0, 0, 0, 0, 0, 2, 2], 4), ProbeResult::Refused);
        assert_eq!(says([0, 0, 0, 1, 0, 2, 0], 4), ProbeResult::Unclear);
        assert_eq!(says([0, 0, 0, 2, 0, 0, 0], 4), ProbeResult::Intercepted { proves: false });
        assert_eq!(says([0, 2, 0, 2, 0, 0, 0], 4), ProbeResult::Authority);
        assert_eq!(says([0, 0, 1, 3, 0, 0, 0], 4), ProbeResult::Intercepted { proves: true });
        assert_eq!(says([1, 0, 1, 2, 0, 0, 0], 4), ProbeResult::Proven);
    }
}
