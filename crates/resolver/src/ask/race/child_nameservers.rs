//! The servers of the child NS set.
//!
//! The parent's NS set is enough as long as it leads to an answer, and the child cannot extend it
//! (or revoked delegations would live on). If every server of the parent's NS set has failed, the
//! child NS set may name further servers.

use std::future::Future;
use std::pin::Pin;

use tokio::time::Instant;
use zoners_cache::Rank;
use zoners_dns::targets::Targets;
use zoners_dns::{
    Counter, Delegation, Message, Name, Network, QueryMode, Question, RRset, Rtype, Security, name,
};

use super::Race;
use crate::ask::exchange::attempt;
use crate::ask::scrub::scrub;
use crate::env::environment::Env;
use crate::model::asking::UpstreamQuery;
use crate::model::step::Step;
use crate::model::verdict::Fault;
use crate::selection::candidates::Attempt;
use crate::selection::observation::{Observation, observe};

/// Servers read of the child NS set: as many as in a delegation, twice.
const MOST_NAMED: usize = 40;

/// The state of the child NS set.
pub(super) enum ChildServers {
    Unasked,
    Asked(ChildServersLookup),
    Known,
}

impl<N: Network> Race<'_, N> {
    /// Asks for the child NS set, once.
    pub(super) fn ask_for_child_servers(&mut self) {
        let wanted = matches!(self.child_servers_state, ChildServers::Unasked)
            && self.cut.mode == QueryMode::Iterative
            && !self.cut.zone.is_root()
            && self.step.depth == 0
            && !self.has_met_message_limit();
        if !wanted {
            return;
        }
        let answered = |(_, fault): &&(Attempt, Fault)| fault.is_answer();
        let by = self.fault.as_deref().filter(answered).map(|(attempt, _)| *attempt);
        self.child_servers_state = match child_servers(self.env, self.cut, by, self.step) {
            Some(asked) => ChildServers::Asked(asked),
            None => ChildServers::Known,
        };
    }

    /// Adds the servers of a cached child NS set, if no server of the parent's NS set is expected
    /// to answer well.
    pub(super) fn add_known_child_servers(&mut self) {
        if self.cut.mode != QueryMode::Iterative || self.cut.zone.is_root() {
            return;
        }
        if let Some(told) = known_child_servers(self.env, self.cut) {
            self.child_servers_state = ChildServers::Known;
            self.add_child_servers(Some(told));
        }
    }

    /// Adds the servers of the child NS set that the parent's NS set lacks.
    pub(super) fn add_child_servers(&mut self, told: Option<Delegation>) {
        let settings = self.env.settings();
        for mut server in told.into_iter().flat_map(|told| told.servers) {
            let mut known = self.cut.servers.iter().chain(&self.more);
            if known.any(|known| known.name == server.name) {
                continue;
            }
            let at = self.cut.servers.len() + self.more.len();
            if at >= settings.limits.servers {
                self.env.count(Counter::LimitDelegationServers);
                return;
            }
            server.addresses.retain(|address| settings.may_ask(address.ip()));
            server.addresses.truncate(settings.limits.addresses_per_server);
            self.candidates.add_child_servers(self.env, self.cut, at, &server);
            self.more.push(server);
            self.env.count(Counter::UpstreamChildServers);
        }
    }
}

/// Waits for the child NS set, if it was asked for.
pub(super) async fn child_servers_of(own: &mut ChildServers) -> Option<Delegation> {
    match own {
        ChildServers::Asked(asked) => asked.await,
        ChildServers::Unasked | ChildServers::Known => std::future::pending().await,
    }
}

/// The look-up of a zone's own NS set.
type ChildServersLookup = Pin<Box<dyn Future<Output = Option<Delegation>> + Send>>;

/// Caches the NS set in an answer of the zone, and the servers' addresses, if it names servers that
/// the parent's NS set lacks.
pub(super) fn keep_child_servers<N: Network>(env: &Env<N>, cut: &Delegation, message: &Message) {
    let own = |set: &&RRset| set.rtype == Rtype::NS && set.owner == cut.zone;
    if !message.header.aa() || cut.mode != QueryMode::Iterative {
        return;
    }
    let Some(ns) = message.authority.iter().find(own) else { return };
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let known = cache.rrset(&cut.zone, Rtype::NS, now);
    if known.is_some_and(|known| known.set.records == ns.records) {
        return;
    }
    let is_new = |name: &Name| !cut.servers.iter().any(|server| server.name == *name);
    let new = Targets::first(ns, MOST_NAMED).filter(is_new);
    if new.is_empty() {
        return;
    }
    // Names outside the zone, or below a cut in it, are out of bailiwick.
    let its_own = |name: &Name| {
        name::is_within(name, &cut.zone)
            && env.known_cut(name).is_none_or(|known| known.zone == cut.zone)
    };
    let addresses = message.additional.addresses_of(&new.filter(its_own));
    for set in addresses.iter().chain([ns]) {
        cache.insert_rrset(set, &[], Rank::Additional, Security::Unchecked, now);
    }
}

/// The child NS set of `cut` in the cache.
fn known_child_servers<N: Network>(env: &Env<N>, cut: &Delegation) -> Option<Delegation> {
    let known = env.shared().cache.rrset(&cut.zone, Rtype::NS, env.shared().now())?;
    Some(Delegation::from_ns(&known.set, &[], MOST_NAMED, cut.expires))
}

/// The child NS set of `cut`, from the cache or from `by`, a server that replies although not
/// usefully.
fn child_servers<N: Network>(
    env: &Env<N>,
    cut: &Delegation,
    by: Option<Attempt>,
    step: &Step,
) -> Option<ChildServersLookup> {
    let (zone, expires) = (cut.zone.clone(), cut.expires);
    if let Some(known) = known_child_servers(env, cut) {
        return Some(Box::pin(async move { Some(known) }));
    }
    let question = Question::new(zone.clone(), Rtype::NS);
    let asking = UpstreamQuery { question, recursion_desired: false, retry: false };
    let (env, by, step) = (env.arc(), by?, step.clone());
    Some(Box::pin(async move {
        let asked = attempt(env.clone(), asking.clone(), by, step);
        let mut message = asked.report.await.result.ok()?;
        let dropped = scrub(&mut message, &zone).dropped;
        env.counters().add(Counter::UpstreamScrubbed, dropped);
        let own = |set: &&RRset| set.rtype == Rtype::NS && set.owner == zone;
        let Some(ns) = message.answer.iter().find(own) else {
            let (query, sent) = (&asking, Instant::now());
            observe(&env, by.endpoint, Observation::NoUsefulReply { query, sent });
            return None;
        };
        let glue = message.additional.addresses_of(&Targets::first(ns, MOST_NAMED));
        Some(Delegation::from_ns(ns, &glue, MOST_NAMED, expires))
    }))
}
