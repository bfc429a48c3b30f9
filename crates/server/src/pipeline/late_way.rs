//! Questions under way when the strategy of the network changes: a failure is asked anew on the way that works now.
//!
//! A question keeps the service with which it began, and so the former strategy. Where that fails by the network, the
//! present strategy is looked at once more: the network's resolver, or the window of a captive portal.

use std::fmt;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use zoners_dns::{Network, Question};
use zoners_resolver::{Lack, Resolution, Unresolved};

use super::Service;
use super::decided_way::{CloneNetwork, DecidedWay};
use super::network_failures::{has_own_route, is_of_network};
use super::portal::PortalTerms;
use super::query::Miss;
use super::rebinding::AnswerOrigin;

/// The present way, where recursion does not work.
#[derive(Debug)]
pub enum LateWay {
    /// The network's resolvers answer, and their answers are validated.
    Resolvers(Arc<DecidedWay>),
    /// A captive portal holds the network.
    Portal(Arc<PortalTerms>),
}

/// The present way for all workers; none where recursion works.
#[derive(Clone, Debug, Default)]
pub struct PresentWay(Arc<ArcSwapOption<LateWay>>);

impl PresentWay {
    /// Puts a way into force.
    pub fn put(&self, way: Option<LateWay>) {
        self.0.store(way.map(Arc::new));
    }
}

/// The present way for one worker.
pub(super) struct LateLook<N: Network> {
    present: PresentWay,
    network: CloneNetwork<N>,
}

impl<N: Network> fmt::Debug for LateLook<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateLook").field("present", &self.present).finish_non_exhaustive()
    }
}

impl<N: Network + Clone> Service<N> {
    /// The same service, which looks at the present way after a failure.
    #[must_use]
    pub fn looking_at(self, present: PresentWay, network: N) -> Self {
        let look = LateLook { present, network: Box::new(move || network.clone()) };
        Service { late_look: Some(Arc::new(look)), ..self }
    }
}

impl<N: Network> Service<N> {
    /// The present way, if a question that failed may have an answer there.
    pub(super) fn late_way(
        &self,
        failed: &Unresolved,
        question: &Question,
    ) -> Option<Arc<LateWay>> {
        let way = self.late_look.as_ref()?.present.0.load_full()?;
        let settings = self.worker.settings();
        let is_other = match &*way {
            LateWay::Resolvers(way) => way.differs_from(settings),
            LateWay::Portal(_) => true,
        };
        (is_other && is_of_network(failed.cause) && !has_own_route(settings, question))
            .then_some(way)
    }

    /// Asks anew on the present way.
    pub(super) async fn resolve_late(
        &self,
        way: &LateWay,
        asker: Option<IpAddr>,
        miss: &Miss,
        failed: Unresolved,
    ) -> (Resolution, AnswerOrigin) {
        let Some(look) = &self.late_look else { return (Err(failed), AnswerOrigin::Resolver) };
        let (network, question) = ((look.network)(), &miss.question_to_resolve());
        match way {
            LateWay::Resolvers(way) => {
                let (resolver, checking) = (way.resolver(network), miss.head.checking());
                let resolution =
                    resolver.resolve_for(asker, question, checking, Lack::Everything, None).await;
                (resolution, AnswerOrigin::Resolver)
            }
            LateWay::Portal(terms) => {
                let window = terms.window(network);
                self.resolve_by_portal(&window, question, ready(Err(failed)), None).await
            }
        }
    }
}
