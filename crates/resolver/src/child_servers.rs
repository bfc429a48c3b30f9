//! The servers that a zone itself names.
//!
//! A parent's word is enough as long as it leads to an answer, and cannot be kept alive by the
//! child (which is how revoked delegations would live on). When every server that the parent names
//! has failed, the child's own NS set may know of one more.

use std::pin::Pin;

use zoners_dns::{Delegation, Network, Question, RRset, Rtype};

use crate::candidates::Attempt;
use crate::context::Context;
use crate::exchange::{Asking, attempt};
use crate::scrub::scrub;
use crate::worker::Worker;

/// The look-up of a zone's own NS set.
pub(crate) type OwnServers = Pin<Box<dyn Future<Output = Option<Delegation>> + Send>>;

impl<N: Network> Worker<N> {
    /// The servers that the zone of `cut` names itself: as the cache has them, or as `by` says,
    /// one that answers although not what was asked.
    pub(crate) fn own_servers(
        &self,
        cut: &Delegation,
        by: Option<Attempt>,
        context: &Context,
    ) -> Option<OwnServers> {
        let (zone, expires) = (cut.zone.clone(), cut.expires);
        let known = self.shared().cache.rrset(&zone, Rtype::NS, self.shared().now());
        if let Some(known) = known {
            return Some(Box::pin(
                async move { Some(Delegation::from_ns(&known.set, &[], expires)) },
            ));
        }
        let question = Question::new(zone.clone(), Rtype::NS);
        let asking = Asking { question, recursion_desired: false };
        let (worker, by, context) = (self.arc(), by?, context.clone());
        Some(Box::pin(async move {
            let mut message = attempt(worker, asking, by, context).await.result.ok()?;
            scrub(&mut message, &zone);
            let own = |set: &&RRset| set.rtype == Rtype::NS && set.owner == zone;
            let ns = message.answer.iter().find(own)?;
            Some(Delegation::from_ns(ns, &message.additional, expires))
        }))
    }
}
