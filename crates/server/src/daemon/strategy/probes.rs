//! The probes of a network, each beside serving; the findings come back over a channel.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use zoners_dns::{Nat64Prefix, Network, Random};
use zoners_http::HttpUrl;
use zoners_networks::{
    NetworkEvidence, PortalSession, PortalVerdict, Probe, RecursionOutcome, ResolverQuality,
};
use zoners_resolver::{Resolver, Settings};

use crate::clock::SystemClock;
use crate::config::PortalProbe;
use crate::daemon::first_recursion::FirstRecursion;
use crate::daemon::recursion_trial::{RecursionTrial, try_recursion};
use crate::daemon::serving::Serving;
use crate::daemon::strategy::nat64::discover;
use crate::daemon::strategy::portal_api::ask_api;
use crate::daemon::strategy::portal_pages::{PageFinding, probe_pages};
use crate::pipeline::{PortalTerms, forwarder};

/// A network without any reply of a root server after this time is taken for one that blocks DNS, if its own resolver
/// answers: a satellite adds 600 ms to a round trip. A later reply takes that back.
const FIRST_REPLY: Duration = Duration::from_millis(700);

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
    /// The word of the portal's API.
    Portal(PortalSession),
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
    /// The API of the network's portal, and whether it has answered before.
    pub(super) portal_api: Option<(HttpUrl, bool)>,
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
                return self.probe_portal(network, random, findings).await;
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

    /// Asks the API of the portal, and for pages with known content beside. The API has the last word; the pages tell
    /// where it does not answer, and at once where it has never answered.
    async fn probe_portal<N: Network>(
        &self,
        network: N,
        random: Random,
        findings: &mpsc::Sender<ProbeFinding>,
    ) -> ProbeFinding {
        let resolver = self.of_network(network, random);
        let pages = probe_pages(&resolver, &self.portal_probes, &self.own_addresses);
        let Some((url, has_answered)) = &self.portal_api else { return self.page(pages.await) };
        let api = ask_api(&resolver, url, &self.own_addresses);
        let (mut pages, mut api) = (pin!(pages), pin!(api));
        let (page, session) = tokio::select! {
            biased;
            session = api.as_mut() => (None, session),
            page = pages.as_mut() => {
                if !has_answered && page.verdict != PortalVerdict::Unclear {
                    // The daemon ends.
                    let _ = findings.send(self.page(page.clone())).await;
                }
                (Some(page), api.await)
            }
        };
        match (session, page) {
            (Ok(session), _) => self.finding(ProbeNews::Portal(session)),
            (Err(why), page) => {
                tracing::debug!("network: the portal's API is not used: {why}");
                match page {
                    Some(page) => self.page(page),
                    None => self.page(pages.await),
                }
            }
        }
    }

    fn page(&self, page: PageFinding) -> ProbeFinding {
        let evidence = NetworkEvidence::Portal(page.verdict);
        self.finding(ProbeNews::Evidence(evidence, page.portal_host))
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
