//! The rules for clients, made of a configuration and shared by all workers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use zoners_api::RefusedClient;
use zoners_dns::{ClockReading, Delegation, Moment, Prefix, Random, Transport, ZoneCopies};
use zoners_net::client_slots::ClientSlots;
use zoners_net::quic::Reception;

use super::admit::Access;
use super::cookies::Cookies;
use super::discovery::Discovery;
use super::group::ClientGroup;
use super::http3_places::Http3Places;
use super::identities::{ClientIdentities, ShownName};
use super::local::Local;
use super::policy::Policy;
use super::proxies::Proxies;
use super::rates::Rates;
use super::rebinding::RebindingGuard;
use crate::client::{AccessList, Client, ClientIdentity};
use crate::config::{Any, Config, ConfigError, QuicListeners, QuicSpoken, RRsetOrder};
use crate::zones::NotifyInbox;

/// Made once from a configuration, and never changed. Clones share their counts.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) access: Access,
    /// What is spoken over QUIC, by address.
    quic: Arc<QuicListeners>,
    http3_places: Http3Places,
    /// The load balancers that name clients.
    proxies: Arc<Proxies>,
    pub(super) rates: Rates,
    pub(super) local: Arc<Local>,
    pub(super) policy: Option<Arc<dyn Policy>>,
    pub(super) rebinding: Option<Arc<RebindingGuard>>,
    /// What is told of the encrypted listeners.
    pub(super) discovery: Option<Arc<Discovery>>,
    /// The identities of clients, if groups name some.
    pub(super) identities: Option<Arc<ClientIdentities>>,
    /// Where a client may complain about the policy.
    pub(super) contact: Option<Arc<str>>,
    pub(super) any: Any,
    pub(super) order: RRsetOrder,
    /// Whether clients of this machine may learn the way to an answer.
    pub(super) tells_timeline: bool,
    /// Slots for the queries waiting for a recursion.
    pub(super) waiting: ClientSlots,
    /// The slots that one client may take.
    pub(super) waiting_per_client: usize,
    /// The number of the configuration; finished answers of a different number are not used.
    pub(super) generation: u32,
}

impl Rules {
    /// The rules of `config`; `generation` is its number. Special-use names within one of `routes` are not answered
    /// locally. The secret of the cookies outlives a configuration.
    ///
    /// # Errors
    /// A local record is wrong.
    pub fn new(
        config: &Config,
        routes: &[Delegation],
        cookies: Cookies,
        random: &Random,
        generation: u32,
    ) -> Result<Self, ConfigError> {
        let local = Local::new(config, routes)?;
        Ok(Rules::with(config, local, cookies, random, generation))
    }

    /// The rules, with local data read before.
    pub(crate) fn with(
        config: &Config,
        local: Local,
        cookies: Cookies,
        random: &Random,
        generation: u32,
    ) -> Self {
        let server = &config.server;
        let hash_key = || [random.bits(), random.bits()];
        Rules {
            access: Access::new(config, cookies, hash_key()),
            quic: config.quic().into(),
            http3_places: Http3Places::default(),
            proxies: Arc::new(Proxies::of(&config.listen)),
            rates: Rates::new(server, hash_key()),
            local: Arc::new(local),
            policy: None,
            rebinding: RebindingGuard::of(config).map(Arc::new),
            discovery: None,
            identities: None,
            contact: config.policy.contact.as_ref().map(|contact| (*contact.0).into()),
            any: server.any,
            order: server.rrset_order,
            tells_timeline: config.history.timeline_option,
            waiting: ClientSlots::new(server.max_waiting),
            waiting_per_client: server.max_waiting_per_client,
            generation,
        }
    }

    /// The rules of the same `config` with new prefixes of clients nearby.
    #[must_use]
    pub fn near(&self, config: &Config, nearby: &[Prefix]) -> Self {
        let access = self.access.near(config, nearby);
        let rates = self.rates.near(&config.server.unlimited, nearby);
        let rebinding = self.rebinding.as_ref().map(|guard| Arc::new(guard.near(nearby)));
        Rules { access, rates, rebinding, ..self.clone() }
    }

    /// The rules under which clients learn of the encrypted listeners.
    #[must_use]
    pub(crate) fn telling(self, discovery: Option<Discovery>) -> Self {
        Rules { discovery: discovery.map(Arc::new), ..self }
    }

    /// The rules under which clients learn of HTTP/3 at these places.
    #[must_use]
    pub(crate) fn naming_http3(self, http3_places: Http3Places) -> Self {
        Rules { http3_places, ..self }
    }

    /// The rules under which clients have identities.
    #[must_use]
    pub(crate) fn knowing(self, identities: Option<ClientIdentities>) -> Self {
        Rules { identities: identities.map(Arc::new), ..self }
    }

    /// Whether clients have identities.
    pub(crate) fn has_identities(&self) -> bool {
        self.identities.is_some()
    }

    /// The identity of a client that asks by this name of the server.
    pub(crate) fn identity(&self, server_name: Option<&str>) -> Option<ClientIdentity> {
        self.identities.as_ref()?.of_server_name(server_name?)
    }

    /// The identity of a client that has shown this name.
    pub(crate) fn shown_identity(&self, shown: &ShownName) -> Option<ClientIdentity> {
        match shown {
            ShownName::None => None,
            ShownName::OfServer(name) => self.identity(Some(name)),
            ShownName::Certified(names) => self.certified_identity(names),
        }
    }

    /// The identity in the certificate of a client, which the authority of the listener has signed.
    pub(crate) fn certified_identity(&self, names: &[String]) -> Option<ClientIdentity> {
        self.identities.as_ref()?.of_certificate(names)
    }

    /// The identity of a client that gives a name, as in a path of DNS over HTTPS.
    pub(crate) fn named_identity(&self, name: Option<&str>) -> Option<ClientIdentity> {
        self.identities.as_ref()?.of_name(name?)
    }

    /// The rules under which primaries may say that a zone has a new version.
    #[must_use]
    pub(crate) fn hearing(self, inbox: Arc<NotifyInbox>) -> Self {
        Rules { access: self.access.hearing(inbox), ..self }
    }

    /// The rules with a policy. They need a new generation: finished answers of an earlier policy
    /// must not be used.
    #[must_use]
    pub fn with_policy(self, policy: Arc<dyn Policy>) -> Self {
        Rules { policy: Some(policy), ..self }
    }

    /// The rules with a policy or without, under a number of their own.
    #[must_use]
    pub fn governed(&self, policy: Option<Arc<dyn Policy>>, generation: u32) -> Self {
        Rules { policy, generation, ..self.clone() }
    }

    /// The same rules under a number of their own: earlier finished answers are not used.
    #[must_use]
    pub(crate) fn renumbered(self, generation: u32) -> Self {
        Rules { generation, ..self }
    }

    /// Whether the finished answers of `earlier` rules may be used under these, as far as private addresses go.
    pub(crate) fn are_guarded_as(&self, earlier: &Rules) -> bool {
        match (&self.rebinding, &earlier.rebinding) {
            (Some(guard), Some(earlier)) => guard.is_alike(earlier),
            (None, _) => true,
            (Some(_), None) => false,
        }
    }

    /// Whether names of the Internet get no private addresses.
    pub(crate) fn denies_private_addresses(&self) -> bool {
        self.rebinding.is_some()
    }

    /// The policy.
    pub(crate) fn policy(&self) -> Option<&dyn Policy> {
        self.policy.as_deref()
    }

    /// The group whose policy applies to a client.
    pub(super) fn group(&self, client: &Client) -> ClientGroup {
        self.policy.as_ref().map_or(ClientGroup::ALL, |policy| policy.group(client))
    }

    /// The prefixes of the clients that are served.
    #[must_use]
    pub fn allow(&self) -> &[Prefix] {
        self.access.allow()
    }

    /// The copies of zones for the resolver, if there are any.
    #[must_use]
    pub fn zone_copies(&self) -> Option<Arc<dyn ZoneCopies>> {
        self.local.zone_copies()
    }

    /// The local data.
    pub(crate) fn local(&self) -> &Local {
        &self.local
    }

    /// Whether a client is served.
    pub(crate) fn serves(&self, client: &Client) -> bool {
        self.access.allows(client)
    }

    /// What is to be done for a client that begins a connection over QUIC, which needs no connection for a refusal.
    pub(crate) fn reception(&self, client: &Client, clock: ClockReading) -> Reception {
        match self.access.allows(client) {
            true => Reception::Served,
            false if self.access.may_refuse(*client, clock).is_ok() => Reception::Refused,
            false => Reception::Unheard,
        }
    }

    /// The access list of a configured listener; `None` for a listener outside the configuration.
    pub(crate) fn access_list(
        &self,
        listener: Option<SocketAddr>,
        transport: Transport,
    ) -> AccessList {
        listener.map_or(AccessList::SERVER, |at| self.access.list_of(at, transport))
    }

    /// What is spoken over QUIC at a socket.
    pub(crate) fn spoken_at(&self, socket: SocketAddr) -> Option<&QuicSpoken> {
        self.quic.spoken_at(socket)
    }

    /// Whether a configured listener of DNS over HTTPS is served over HTTP/3 too.
    pub(crate) fn has_http3(&self, listener: SocketAddr) -> bool {
        self.http3_places.contain(listener)
    }

    /// Whether a load balancer of a configured listener has this address: then a connection begins with the name of the
    /// client.
    pub(crate) fn is_proxy(
        &self,
        listener: Option<SocketAddr>,
        transport: Transport,
        address: IpAddr,
    ) -> bool {
        listener.is_some_and(|at| self.proxies.have(at, transport, address))
    }

    /// The latest clients without access, the latest first.
    pub(crate) fn refused_clients(&self, now: Moment) -> Vec<RefusedClient> {
        self.access.refused_clients(now)
    }

    /// Whether clients without access get a refusal.
    pub(crate) fn refuses_strangers(&self) -> bool {
        self.access.refuses_strangers()
    }

    /// Queries waiting for a recursion.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.taken()
    }

    /// The number of the configuration.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }
}
