//! Addresses of nameservers that came without glue.
//!
//! A nameserver's own zone has often been met, or is met on the way down to it, with glue for that
//! very name: that is as good a word as the delegation itself, and saves asking the zone. Only
//! when servers found so fail is their zone asked for what it says of them.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use zoners_dns::{Counter, Delegation, Name, NameServer, Network, Question, RRset, Rtype};

use crate::cached::lookup::{AnswerBuilder, Next};
use crate::env::worker::Worker;
use crate::infra::reachability::BrokenPaths;
use crate::iterate::iteration::Walk;
use crate::model::answer::{Answer, Unresolved};
use crate::model::context::Context;
use crate::model::settings::Settings;
use crate::model::verdict::Finding;

/// For so long after its TTL is over, the address of a nameserver is asked on: with TTLs of a second or
/// none, its zone would have to be asked for it again and again. Clients are not given such addresses.
const LATELY: Duration = Duration::from_secs(10);

/// Whose word on a nameserver's address will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// A parent's, as glue.
    Glue,
    /// Only that of the zone that the name lies in.
    OwnZone,
}

/// What a look-up found: the server, as an index into its delegation's, and its addresses.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) server: usize,
    pub(crate) addresses: Vec<SocketAddr>,
    /// They are a parent's word.
    pub(crate) by_glue: bool,
}

pub(crate) type Lookup = Pin<Box<dyn Future<Output = Found> + Send>>;

impl<N: Network> Worker<N> {
    /// Looks up the addresses of the nameserver `name`: IPv4 first, IPv6 if there are none, or the
    /// other way round where IPv4 does not work.
    ///
    /// # Errors
    /// The client query has no look-ups left, or is nested too deep.
    pub(crate) fn look_up(
        self: &Arc<Self>,
        server: usize,
        name: &Name,
        trust: Trust,
        context: &Context,
    ) -> Result<Lookup, Unresolved> {
        let limits = &self.settings().limits;
        let context =
            context.nested(limits).inspect_err(|_| self.count(Counter::LimitNestedLookups))?;
        context.budget.charge_lookup().map_err(|exhausted| {
            self.count(exhausted.0);
            exhausted.unresolved()
        })?;
        let (worker, name) = (self.clone(), name.clone());
        Ok(Box::pin(async move {
            let (mut addresses, mut by_glue) = (Vec::new(), false);
            for (rtype, wanted) in worker.families() {
                if wanted && addresses.is_empty() {
                    let question = Question::new(name.clone(), rtype);
                    let told = match trust {
                        Trust::Glue => worker.nearest_word(question, &context).await,
                        Trust::OwnZone => worker.own_word(question, &context).await,
                    };
                    // Those who say nothing of one family say nothing of the other.
                    let Ok(told) = told else { break };
                    (addresses, by_glue) = told;
                }
            }
            addresses.truncate(worker.settings().limits.addresses_per_server);
            Found { server, addresses, by_glue }
        }))
    }

    /// The addresses of a nameserver without asking anyone: its glue, else what is in the cache.
    pub(crate) fn addresses_of<'a>(&self, server: &'a NameServer) -> Cow<'a, [SocketAddr]> {
        match server.addresses.is_empty() {
            true => self.known_addresses(&server.name).into(),
            false => server.addresses.as_slice().into(),
        }
    }

    /// The addresses of the nameserver `name` that are in the cache, as glue and as its own zone has
    /// them: either may be wrong, and none hides the other.
    fn known_addresses(&self, name: &Name) -> Vec<SocketAddr> {
        let cut = self.shared().cache.deepest_cut(name, self.shared().now());
        let mut addresses = cut.map_or_else(Vec::new, |cut| glue(&cut, name));
        addresses.truncate(self.settings().limits.addresses_per_server);
        addresses.extend(self.own_addresses(name));
        addresses
    }

    /// The addresses of the nameserver `name` that are in the cache as its own zone has them, or had
    /// them a moment ago.
    pub(crate) fn own_addresses(&self, name: &Name) -> Vec<SocketAddr> {
        let (cache, since) = (&self.shared().cache, self.shared().now().before(LATELY));
        let own = [Rtype::A, Rtype::AAAA].map(|rtype| cache.rrset(name, rtype, since));
        let mut addresses = self.usable(own.iter().flatten().map(|cached| &cached.set));
        addresses.truncate(self.settings().limits.addresses_per_server);
        addresses
    }

    /// Forgets what zones were heard to say of the addresses of servers that do not answer, unless
    /// signatures vouch for it: the next question is put to their glue, or asks for them anew.
    pub(crate) fn forget_addresses<'a>(&self, servers: impl Iterator<Item = &'a Name>) {
        let cache = &self.shared().cache;
        for name in servers {
            [Rtype::A, Rtype::AAAA]
                .iter()
                .for_each(|rtype| cache.remove_unproven_rrset(name, *rtype));
        }
    }

    /// Whether the cache has denials of all addresses of a nameserver: looking it up again finds
    /// none.
    pub(crate) fn is_known_without_address(&self, name: &Name) -> bool {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        let denied = |rtype| {
            let known = self.sought(name, rtype).known(cache, now);
            let finding = known.map(|reply| reply.finding);
            matches!(finding, Some(Finding::NoData(_) | Finding::NxDomain(_)))
        };
        self.families().into_iter().all(|(rtype, wanted)| !wanted || denied(rtype))
    }

    /// The types that addresses have, first that of the family that works, and whether each is to
    /// be used.
    fn families(&self) -> [(Rtype, bool); 2] {
        let Settings { ipv4, ipv6, .. } = self.settings();
        let (ipv4, ipv6) = ((Rtype::A, *ipv4), (Rtype::AAAA, *ipv6));
        match self.shared().broken_paths() {
            BrokenPaths { ipv4: true, ipv6: false, .. } => [ipv6, ipv4],
            _ => [ipv4, ipv6],
        }
    }

    /// Addresses from whoever on the way down knows them first; true if that was a parent.
    async fn nearest_word(
        self: &Arc<Self>,
        question: Question,
        context: &Context,
    ) -> Result<(Vec<SocketAddr>, bool), Unresolved> {
        if let Ok(answer) = self.cached(&question, true, self.shared().now()) {
            return Ok((self.usable(answer.answer.iter()), false));
        }
        match self.walk(&question, Some(&question.name), context).await? {
            Walk::Glue(cut) => Ok((glue(&cut, &question.name), true)),
            Walk::Reply(reply) => match AnswerBuilder::default().add(*reply) {
                Next::Done(answer) => Ok((self.told(&answer), false)),
                // A nameserver's name should be no alias (RFC 2181 section 10.3), but some are.
                Next::Alias(_) => self.own_word(question, context).await,
            },
        }
    }

    /// Addresses as the zone of the name has them, which is no parent's word.
    async fn own_word(
        self: &Arc<Self>,
        question: Question,
        context: &Context,
    ) -> Result<(Vec<SocketAddr>, bool), Unresolved> {
        let answer: Result<Arc<Answer>, _> = self.question(question, context.clone()).await;
        Ok((self.told(&*answer?), false))
    }

    /// The addresses in an answer; hearsay tells none.
    fn told(&self, answer: &Answer) -> Vec<SocketAddr> {
        if answer.hearsay {
            self.count(Counter::UpstreamAddressesUnauthoritative);
            return Vec::new();
        }
        self.usable(answer.answer.iter())
    }

    fn usable<'a>(&self, sets: impl Iterator<Item = &'a RRset>) -> Vec<SocketAddr> {
        let may_ask = |address: &IpAddr| {
            let may = self.settings().may_ask(*address);
            if !may {
                self.count(Counter::UpstreamAddressesForbidden);
            }
            may
        };
        let addresses = sets.flat_map(RRset::addresses).filter(may_ask);
        addresses.map(|address| SocketAddr::new(address, 53)).collect()
    }
}

/// The addresses that came with a delegation for one of its servers, both families.
pub(crate) fn glue(cut: &Delegation, name: &Name) -> Vec<SocketAddr> {
    let servers = cut.servers.iter().filter(|server| server.name == *name);
    servers.flat_map(|server| server.addresses.iter().copied()).collect()
}
