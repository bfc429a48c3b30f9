//! The window of a captive portal: until the user has logged in, the network's resolver answers questions that recursion
//! cannot.
//!
//! What the resolver says stays apart: in a cache of its own, which is dropped with the window, with TTLs of seconds.
//! No part of an answer becomes the address of a nameserver, and nothing is persisted or shared with other nodes.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use zoners_cache::TtlLimits;
use zoners_dns::{Clock, Name, Network, Question, Random, name};
use zoners_resolver::{Answer, Resolution, Resolver, Settings, Trace};

use super::Service;
use super::network_failures::{has_own_route, is_of_network};
use super::query::Miss;
use super::rebinding::AnswerOrigin;
use super::window_resolver::{WindowResolver, forwarder};

/// TTLs of answers in the window, at most, in seconds.
const MAX_TTL: u32 = 5;

/// The terms of a window, for all workers.
#[derive(Debug)]
pub struct PortalTerms {
    /// Names that go to the network's resolver at once, with every name below: of the portal and of probes.
    names: Vec<Name>,
    resolver: WindowResolver,
}

impl PortalTerms {
    /// A window with an empty cache, in which `resolvers` answer without validation. All else is as in `settings`.
    #[must_use]
    pub fn new(
        names: Vec<Name>,
        resolvers: &[SocketAddr],
        settings: &Settings,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> Self {
        let limits = TtlLimits { floor: 0, cap: MAX_TTL, negative_cap: MAX_TTL, stale: 0 };
        let (routes, anchors) = (vec![forwarder(resolvers)], Vec::new());
        let settings = Settings { routes, anchors, ..settings.clone() };
        PortalTerms { names, resolver: WindowResolver::apart(settings, limits, clock, random) }
    }

    /// The names that go to the network's resolver at once.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// A resolver of the window, over `network`.
    #[must_use]
    pub fn resolver<N: Network>(&self, network: N) -> Resolver<N> {
        self.resolver.over(network)
    }

    /// The window of one worker.
    #[must_use]
    pub fn window<N: Network>(self: &Arc<Self>, network: N) -> PortalWindow<N> {
        PortalWindow { resolver: self.resolver(network), terms: self.clone() }
    }
}

/// The window of a captive portal for one worker.
#[derive(Debug)]
pub struct PortalWindow<N: Network> {
    resolver: Resolver<N>,
    terms: Arc<PortalTerms>,
}

impl<N: Network> Service<N> {
    /// Takes a miss through recursion, and to the resolver of the network if it has to answer.
    pub(super) async fn resolve_behind(
        &self,
        window: &PortalWindow<N>,
        asker: Option<IpAddr>,
        miss: &Miss,
        trace: Option<Arc<Trace>>,
    ) -> (Resolution, AnswerOrigin) {
        let question = &miss.question_to_resolve();
        let (checking, lack) = (miss.head.checking(), miss.lack);
        let recursion = self.worker.resolve_for(asker, question, checking, lack, trace.clone());
        self.resolve_by_portal(window, question, recursion, trace).await
    }

    /// Waits for a recursion, and asks the resolver of the network after a failure; at once for names of the portal.
    pub(super) async fn resolve_by_portal(
        &self,
        window: &PortalWindow<N>,
        question: &Question,
        recursion: impl Future<Output = Resolution>,
        trace: Option<Arc<Trace>>,
    ) -> (Resolution, AnswerOrigin) {
        if window.terms.names.iter().any(|zone| name::is_within(&question.name, zone)) {
            let answer = window.resolver.resolve(question, trace).await;
            return (answer.map(short_lived), AnswerOrigin::Portal);
        }
        match recursion.await {
            // A name of a VPN is not for the portal.
            Err(failed)
                if is_of_network(failed.cause)
                    && !has_own_route(self.worker.settings(), question) =>
            {
                let answer = window.resolver.resolve(question, None).await;
                (answer.map(short_lived).map_err(|_| failed), AnswerOrigin::Portal)
            }
            resolution => (resolution, AnswerOrigin::Resolver),
        }
    }
}

/// The answer with the TTLs of the window.
fn short_lived(answer: Arc<Answer>) -> Arc<Answer> {
    let mut answer = (*answer).clone();
    let sections = [&mut answer.answer, &mut answer.authority, &mut answer.additional];
    sections.into_iter().flatten().for_each(|set| set.ttl = set.ttl.min(MAX_TTL));
    Arc::new(answer)
}
