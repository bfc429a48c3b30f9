//! The probes of a network, each beside serving; the findings come back over a channel.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use zoners_dns::{Nat64Prefix, Network, Question, Random, Rtype, name};
use zoners_http::fetch;
use zoners_networks::{
    NetworkEvidence, PortalReply, PortalVerdict, Probe, RecursionOutcome, ResolverQuality,
    judge_reply,
};
use zoners_resolver::{Resolver, Settings};

use crate::clock::SystemClock;
use crate::config::PortalProbe;
use crate::daemon::first_recursion::FirstRecursion;
use crate::daemon::recursion_trial::{RecursionTrial, try_recursion};
use crate::daemon::serving::Serving;
use crate::daemon::strategy::nat64::discover;
use crate::pipeline::{PortalTerms, forwarder};

/// The longest wait for the address of a probe, and for the reply of HTTP.
const PATIENCE: Duration = Duration::from_secs(3);
/// A network without any reply of a root server after this time is taken for one that blocks DNS, if its own resolver
/// answers: a satellite adds 600 ms to a round trip. A later reply takes that back.
const FIRST_REPLY: Duration = Duration::from_millis(700);
/// Octets of content that are read.
const MAX_CONTENT: usize = 8 * 1024;
/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 2;

/// The finding of a probe.
#[derive(Debug)]
pub(in crate::daemon) struct ProbeFinding {
    /// See [`ProbeRequest::moves`].
    pub(super) moves: u32,
    /// The resolvers of the network when the probe was sent.
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) news: ProbeNews,
}

/// What a probe has found.
#[derive(Debug)]
pub(super) enum ProbeNews {
    /// NetworkEvidence for the strategy, and the host to which a portal sends its users.
    Evidence(NetworkEvidence, Option<String>),
    /// The prefix of the NAT64, if the network's resolver knows one.
    Nat64(Option<Nat64Prefix>),
}

/// The purpose of a probe.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProbePurpose {
    /// The strategy.
    Strategy(Probe),
    /// The NAT64.
    Nat64,
}

/// A probe to be sent.
pub(super) struct ProbeRequest {
    pub(super) purpose: ProbePurpose,
    /// How often the network had changed.
    pub(super) moves: u32,
    /// The settings of recursion.
    pub(super) settings: Arc<Settings>,
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) portal_probes: Vec<PortalProbe>,
    /// Addresses of this machine, where no portal is.
    pub(super) own_addresses: Vec<IpAddr>,
}

impl ProbeRequest {
    /// Sends the probe in the background.
    pub(super) fn begin(self, serving: &Serving, findings: mpsc::Sender<ProbeFinding>) {
        let network = serving.workers.look_up_network(&serving.core, &serving.generation);
        let random = serving.core.shared.random.clone();
        tokio::spawn(async move {
            let finding = self.run(network, random, &findings).await;
            tracing::debug!("network: probe: {:?}", finding.news);
            // The daemon ends.
            let _ = findings.send(finding).await;
        });
    }

    async fn run<N: Network + Clone>(
        self,
        network: N,
        random: Random,
        findings: &mpsc::Sender<ProbeFinding>,
    ) -> ProbeFinding {
        let news = match self.purpose {
            ProbePurpose::Strategy(Probe::Recursion) => {
                return self.try_recursion(network, random, findings).await;
            }
            ProbePurpose::Strategy(Probe::Resolver) => {
                let quality = quality(network, &self.settings, &self.resolvers, random).await;
                ProbeNews::Evidence(NetworkEvidence::Resolver(quality), None)
            }
            ProbePurpose::Strategy(Probe::Portal) => {
                let resolver = self.of_network(network, random);
                let (verdict, portal_host) =
                    probe_portal(&resolver, &self.portal_probes, &self.own_addresses).await;
                ProbeNews::Evidence(NetworkEvidence::Portal(verdict), portal_host)
            }
            ProbePurpose::Nat64 => {
                ProbeNews::Nat64(discover(&self.of_network(network, random)).await)
            }
        };
        self.finding(news)
    }

    /// Tries recursion; a network without an early reply is told at once.
    async fn try_recursion<N: Network>(
        &self,
        network: N,
        random: Random,
        findings: &mpsc::Sender<ProbeFinding>,
    ) -> ProbeFinding {
        let trial = RecursionTrial::new(network, &self.settings, random);
        let mut running = pin!(trial.run());
        let early = timeout(FIRST_REPLY, running.as_mut()).await;
        if early.is_err() && !trial.has_reply() {
            // The daemon ends.
            let _ = findings.send(self.recursion(RecursionOutcome::Unanswered)).await;
        }
        let first = match early {
            Ok(first) => first,
            Err(_) => running.await,
        };
        self.recursion(match first {
            FirstRecursion::Proven(_) | FirstRecursion::Unvalidated(_) => {
                match trial.reaches_servers().await {
                    true => RecursionOutcome::Works,
                    false => RecursionOutcome::Fails,
                }
            }
            FirstRecursion::Failed(_) => RecursionOutcome::Fails,
            FirstRecursion::Offline => RecursionOutcome::Unanswered,
        })
    }

    fn recursion(&self, outcome: RecursionOutcome) -> ProbeFinding {
        self.finding(ProbeNews::Evidence(NetworkEvidence::Recursion(outcome), None))
    }

    fn finding(&self, news: ProbeNews) -> ProbeFinding {
        ProbeFinding { moves: self.moves, resolvers: self.resolvers.clone(), news }
    }

    /// The resolver of the network, with an empty cache.
    fn of_network<N: Network>(&self, network: N, random: Random) -> Resolver<N> {
        let clock = Arc::new(SystemClock);
        PortalTerms::new(vec![], &self.resolvers, &self.settings, clock, random).resolver(network)
    }
}

/// What the resolvers of the network are good for: whether they bring the proof of the root zone, or at least its
/// servers.
async fn quality<N: Network + Clone>(
    network: N,
    settings: &Settings,
    resolvers: &[SocketAddr],
    random: Random,
) -> ResolverQuality {
    if resolvers.is_empty() {
        return ResolverQuality::Unusable;
    }
    let forwarding = Settings { routes: vec![forwarder(resolvers)], ..settings.clone() };
    let proof = try_recursion(network.clone(), Arc::new(forwarding.clone()), random.clone()).await;
    match proof {
        FirstRecursion::Proven(_) => return ResolverQuality::Validatable,
        FirstRecursion::Unvalidated(_) => return ResolverQuality::Stripped,
        FirstRecursion::Offline => return ResolverQuality::Unusable,
        FirstRecursion::Failed(_) => {}
    }
    let unvalidated = Settings { anchors: Vec::new(), ..forwarding };
    match try_recursion(network, Arc::new(unvalidated), random).await.is_success() {
        true => ResolverQuality::Stripped,
        false => ResolverQuality::Unusable,
    }
}

/// Asks one address after the other until a reply tells; also the host of a portal.
async fn probe_portal<N: Network>(
    resolver: &Resolver<N>,
    probes: &[PortalProbe],
    own_addresses: &[IpAddr],
) -> (PortalVerdict, Option<String>) {
    for probe in probes {
        for address in addresses(resolver, &probe.host, own_addresses).await {
            let request = (&*probe.host, &*probe.path);
            let address = SocketAddr::new(address, probe.port);
            let Ok(reply) = fetch(address, request, PATIENCE, MAX_CONTENT).await else { continue };
            let content = String::from_utf8_lossy(&reply.content);
            let location = reply.location.as_deref();
            let reply = PortalReply { status: reply.status, location, content: &content };
            let judged = judge_reply(reply, &probe.expected);
            if judged.0 != PortalVerdict::Unclear {
                return judged;
            }
        }
    }
    (PortalVerdict::Unclear, None)
}

/// Some addresses of a host. An address of this machine is no portal's: the request would reach a service here.
async fn addresses<N: Network>(
    resolver: &Resolver<N>,
    host: &str,
    own_addresses: &[IpAddr],
) -> Vec<IpAddr> {
    let Ok(name) = name::parse(host) else { return Vec::new() };
    let question = Question::new(name, Rtype::A);
    let Ok(Ok(answer)) = timeout(PATIENCE, resolver.resolve(&question, None)).await else {
        return Vec::new();
    };
    let records = answer.answer.iter().filter(|set| set.rtype == Rtype::A);
    let addresses = records.flat_map(|set| set.addresses());
    let is_foreign =
        |ip: &IpAddr| !ip.is_loopback() && !ip.is_unspecified() && !own_addresses.contains(ip);
    addresses.filter(is_foreign).take(MAX_ADDRESSES).collect()
}
