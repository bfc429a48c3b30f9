//! A network whose strategy is not known yet: recursion begins at once, and a question that finds no server waits until
//! the probes of the network have ended, instead of failing.
//!
//! While there is no network at all, questions fail after a moment: clients ask as soon as a network comes, and the
//! daemon notices the network a tenth of a second later.
//!
//! Once the network's resolver is known to be the way, questions under way are asked there. Its answers are validated,
//! and lie in a cache of their own: no question waits for a recursion that has no end, and none of its work is shared.
//! Questions with a route of their own (of a VPN, of a home, of the configuration) never leave that route. Behind a
//! captive portal, questions under way go on as in the portal's window.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use zoners_dns::Network;
use zoners_resolver::{Cause, Lack, Resolution, Trace, Unresolved};

use super::Service;
use super::decided_way::{CloneNetwork, DecidedWay};
use super::network_failures::{has_own_route, is_of_network};
use super::portal::PortalTerms;
use super::query::Miss;
use super::rebinding::AnswerOrigin;

/// The time after a failure in which the daemon may notice a network.
const NOTICE: Duration = Duration::from_millis(700);
/// The time for a recursion that is under way when a captive portal is found.
const PORTAL_GRACE: Duration = Duration::from_millis(300);

/// The strategy on a new network, as far as decided.
#[derive(Clone, Debug, Default)]
pub enum SettlingDecision {
    /// There is no network.
    Offline,
    /// Probes are under way.
    #[default]
    Open,
    /// This way is known to work.
    Way(Arc<DecidedWay>),
    /// A captive portal holds the network.
    Portal(Arc<PortalTerms>),
    /// Nothing is known to work: failures count.
    Nothing,
}

/// The window of one worker.
pub struct SettlingWindow<N: Network> {
    decision: watch::Receiver<SettlingDecision>,
    network: CloneNetwork<N>,
}

impl<N: Network + Clone> SettlingWindow<N> {
    /// The window until the decision.
    #[must_use]
    pub fn new(decision: watch::Receiver<SettlingDecision>, network: N) -> Self {
        SettlingWindow { decision, network: Box::new(move || network.clone()) }
    }
}

impl<N: Network> SettlingWindow<N> {
    /// Whether there is no network.
    pub(super) fn is_offline(&self) -> bool {
        matches!(*self.decision.borrow(), SettlingDecision::Offline)
    }
}

impl<N: Network> fmt::Debug for SettlingWindow<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettlingWindow").field("decision", &self.decision).finish_non_exhaustive()
    }
}

impl<N: Network> Service<N> {
    /// Takes a miss through recursion, or to the network's resolvers once they are decided on.
    pub(super) async fn resolve_settling(
        &self,
        window: &SettlingWindow<N>,
        asker: Option<IpAddr>,
        miss: &Miss,
        trace: Option<Arc<Trace>>,
    ) -> (Resolution, AnswerOrigin) {
        let (question, checking) = (&miss.question_to_resolve(), miss.head.checking());
        let recursion =
            self.worker.resolve_for(asker, question, checking, miss.lack, trace.clone());
        if has_own_route(self.worker.settings(), question) {
            return (recursion.await, AnswerOrigin::Resolver);
        }
        let mut recursion = Box::pin(recursion);
        let mut decision = window.decision.clone();
        let (failed, decided) = tokio::select! {
            biased;
            resolution = recursion.as_mut() => match resolution {
                Err(failed) if is_of_network(failed.cause) => {
                    (Some(failed), decided_after_failure(&mut decision).await)
                }
                resolution => return (resolution, AnswerOrigin::Resolver),
            },
            decided = decided(&mut decision) => (None, decided),
        };
        let resolution = match (decided, failed) {
            (SettlingDecision::Way(way), failed)
                if failed.is_some() || way.differs_from(self.worker.settings()) =>
            {
                // Nobody waits for the former recursion, which may have no end.
                drop(recursion);
                let resolver = way.resolver((window.network)());
                resolver.resolve_for(asker, question, checking, Lack::Everything, trace).await
            }
            (SettlingDecision::Portal(terms), failed) => {
                let portal = terms.window((window.network)());
                let recursion = async {
                    match failed {
                        Some(failed) => Err(failed),
                        None => {
                            timeout(PORTAL_GRACE, recursion).await.unwrap_or_else(|_| Err(late()))
                        }
                    }
                };
                return self.resolve_by_portal(&portal, question, recursion, trace).await;
            }
            (_, Some(failed)) => Err(failed),
            (_, None) => recursion.await,
        };
        (resolution, AnswerOrigin::Resolver)
    }
}

/// The failure of a recursion behind a captive portal.
fn late() -> Unresolved {
    Unresolved::new(Cause::Deadline, "a captive portal holds this network until you log in")
}

/// Waits for the decision.
async fn decided(decision: &mut watch::Receiver<SettlingDecision>) -> SettlingDecision {
    let is_made = |decision: &SettlingDecision| {
        !matches!(decision, SettlingDecision::Open | SettlingDecision::Offline)
    };
    // The daemon ends without a decision.
    decision.wait_for(is_made).await.map_or(SettlingDecision::Nothing, |made| made.clone())
}

/// The same, unless there is no network even a moment later.
async fn decided_after_failure(
    decision: &mut watch::Receiver<SettlingDecision>,
) -> SettlingDecision {
    let is_online = |decision: &SettlingDecision| !matches!(decision, SettlingDecision::Offline);
    let has_network = timeout(NOTICE, decision.wait_for(is_online)).await.is_ok();
    match has_network {
        true => decided(decision).await,
        false => SettlingDecision::Offline,
    }
}
