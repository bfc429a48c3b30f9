//! The configuration in force and everything made from the file, and the core beneath every configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::watch;
use zoners_cache::Cache;
use zoners_dns::{Counters, Name, Network, Random};
use zoners_host::networks::NetworkFacts;
use zoners_net::descriptors::Descriptors;
use zoners_net::{LinkBinding, LinkBindings, Sockets, UpstreamObserver};
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_store::shared::SharedCacheConfig;
use zoners_tls::Certificate;
use zoners_tls::client::ClientTls;

use super::acme_state::AcmeState;
use super::served_tls::ServedTls;
use super::upstream_memories::UpstreamMemories;
use super::watched_files::WatchedFiles;
use super::{privileges, surroundings, tracked_keys};
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError, ConfigOverlay, ListenerAuthority, LocalRoot};
use crate::dnstap::MessageTap;
use crate::nearby::Nearby;
use crate::network_routes::network_routes;
use crate::pipeline::discovery::Discovery;
use crate::pipeline::identities::ClientIdentities;
use crate::pipeline::policy::PolicyTerm;
use crate::pipeline::{
    Cookies, Http3Places, PortalTerms, PresentWay, Rules, Service, SettlingDecision, SettlingWindow,
};
use crate::policy::groups::PolicyGroups;
use crate::policy::log_schedules;
use crate::policy::shelf::PolicyShelf;
use crate::validate::{Scope, Validated};
use crate::zones::{NotifyInbox, TransferredZones};

/// The profile of the overlay by which a strategy has the resolvers of the network answer for all names.
pub(super) const STRATEGY_PROFILE: &str = "strategy";

/// The part that generations share: the memory of the resolver, the secret of the cookies, and the configuration file.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) shared: Arc<Shared>,
    pub(super) cookies: Cookies,
    pub(super) file: Option<PathBuf>,
    /// The settings of the present network, which a reload lays over those of the file, in this order.
    pub(super) overlays: Vec<Arc<ConfigOverlay>>,
    /// The present networks, of whose settings a generation makes routes.
    pub(super) networks: Arc<NetworkFacts>,
    /// The links behind which servers are reached.
    pub(super) links: LinkBindings,
    /// The terms of the window, while a captive portal holds the network.
    pub(super) portal: Option<Arc<PortalTerms>>,
    /// The decision on a new network, while it is open.
    pub(super) settling: Option<watch::Receiver<SettlingDecision>>,
    /// The way of questions that began before the strategy changed.
    pub(super) present_way: PresentWay,
    /// The compiled lists and the pauses of the policy.
    pub(super) policies: Arc<PolicyShelf>,
    /// The zones that came from primaries.
    pub(super) transferred: Arc<TransferredZones>,
    /// Takes copies of messages.
    pub(super) tap: Arc<MessageTap>,
    /// TLS of all listeners.
    pub(super) tls: ServedTls,
    /// Where DNS over HTTPS is served over HTTP/3 too.
    pub(super) http3_places: Http3Places,
    /// The certificate of an ACME server.
    pub(super) acme: AcmeState,
    /// What the upstreams of groups have answered.
    upstream_memories: Arc<UpstreamMemories>,
    /// The zones for which NOTIFY is heard.
    pub(super) notify_inbox: Arc<NotifyInbox>,
    /// The number of the last rules: each rules have a number of their own, so that no finished answer of others is
    /// used.
    numbers: Arc<AtomicU32>,
}

impl Core {
    /// An empty memory, as large as `config` says. A reload reads `file`.
    ///
    /// # Errors
    /// The system gives no random octets.
    pub(super) fn new(config: &Config, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let random = Random::from_system().map_err(ConfigError::plain)?;
        let hash_key = [random.bits(), random.bits()];
        let cache = Cache::new(config.cache.size.0, config.ttl_limits(), hash_key);
        let cookies = Cookies::new(&random);
        let shared = Shared::new(cache, Arc::new(SystemClock), random);
        let (networks, links) = (Arc::default(), LinkBindings::default());
        let (overlays, portal, settling) = (Vec::new(), None, None);
        let (policies, numbers) = (Arc::default(), Arc::default());
        let (transferred, notify_inbox) = (Arc::default(), Arc::default());
        let tap = Arc::<MessageTap>::default();
        tap.turn_to(&config.dnstap);
        let upstream_memories = Arc::default();
        Ok(Core {
            shared,
            cookies,
            file,
            overlays,
            networks,
            links,
            portal,
            settling,
            present_way: PresentWay::default(),
            policies,
            transferred,
            tap,
            tls: ServedTls::default(),
            http3_places: Http3Places::default(),
            acme: AcmeState::default(),
            upstream_memories,
            notify_inbox,
            numbers,
        })
    }

    /// Puts `overlay` in the place of the overlay of the same profile, or takes that away. True if a reload is needed.
    pub(super) fn set_overlay(&mut self, profile: &str, overlay: Option<ConfigOverlay>) -> bool {
        let before = self.overlays.clone();
        self.overlays.retain(|known| known.profile() != profile);
        self.overlays.extend(overlay.map(Arc::new));
        self.overlays.sort_by(|one, other| one.profile().cmp(other.profile()));
        self.overlays != before
    }

    /// The memories of the resolver, and of the resolvers of groups.
    pub(super) fn memories(&self) -> Vec<Arc<Shared>> {
        [vec![self.shared.clone()], self.upstream_memories.all()].concat()
    }

    /// The number of the next rules.
    pub(super) fn next_number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A configuration and everything made from the file, the same for each worker. A reload replaces the generation.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) config: Config,
    /// Whether overlays are part of `config`.
    pub(super) is_overlaid: bool,
    /// Whether the strategy of the network has its resolvers answer for all names.
    pub(super) forwards: bool,
    pub(super) settings: Arc<Settings>,
    pub(super) rules: Arc<Rules>,
    /// The neighbours served by `rules`.
    pub(super) nearby: Nearby,
    /// The hosts file and the zone files behind `rules`.
    pub(super) files: WatchedFiles,
    /// Groups of the policy.
    pub(super) groups: PolicyGroups,
    /// The certificate for encrypted transports.
    pub(super) certificate: Option<Certificate>,
    /// The authorities of clients.
    pub(super) client_authorities: Vec<ListenerAuthority>,
    /// TLS with the servers of routes.
    pub(super) client_tls: ClientTls,
    /// Remarks on the configuration and on local data, as of the reading.
    pub(super) remarks: Vec<String>,
}

impl Generation {
    /// Validates `config`, and makes generation `number` and the terms of a second level.
    ///
    /// # Errors
    /// The faults of the configuration.
    pub(super) fn new(
        core: &Core,
        mut config: Config,
        scope: Scope,
        number: u32,
    ) -> Result<(Self, Option<SharedCacheConfig>), ConfigError> {
        config.network_routes = network_routes(&core.networks, &config);
        // Looked at before the files are read, so no change in between is missed.
        let files = WatchedFiles::look(&config);
        let validated = config.validate(scope)?;
        let now_s = core.shared.clock.wall_seconds();
        let of_certificates = validated.certificate_remarks(&config, now_s);
        let Validated { settings, local, second_level, groups, certificate, .. } = validated;
        let Validated { client_authorities, client_tls, .. } = validated;
        let certificate = certificate.or_else(|| core.acme.certificate(&config));
        let remarks = [local.remarks(), &config.remarks(), &of_certificates].concat();
        let rules = Rules::with(&config, local, core.cookies.clone(), &core.shared.random, number);
        let nearby = surroundings::nearby();
        let names = certificate.as_ref().map(Certificate::names).unwrap_or_default();
        let rules = rules.telling(Discovery::of(&config, &names));
        let rules = rules.naming_http3(core.http3_places.clone());
        let rules = rules.knowing(ClientIdentities::of(&config.policy, &names));
        let rules = rules.near(&config, &nearby.prefixes).hearing(core.notify_inbox.clone());
        let clock = core.shared.clock.read();
        let policy = core.policies.policy(&config.policy, &groups, rules.local(), clock);
        let rules = Arc::new(rules.governed(policy, number));
        let settings = Arc::new(settings);
        let is_overlaid = !core.overlays.is_empty();
        let forwards = core.overlays.iter().any(|it| it.profile() == STRATEGY_PROFILE);
        let mut generation = Generation {
            config,
            is_overlaid,
            forwards,
            settings,
            rules,
            nearby,
            files,
            groups,
            certificate,
            client_authorities,
            client_tls,
            remarks,
        };
        // The tracked keys belong to the user after the change of user.
        if !privileges::will_be_dropped(&generation.config) {
            generation.trust_tracked_keys();
        }
        generation.put_transferred(core);
        Ok((generation, second_level))
    }

    /// Puts the zones that came from primaries into force.
    pub(super) fn put_transferred(&self, core: &Core) {
        let is_secondary = |apex: &Name| {
            if apex.is_root() {
                return self.config.resolver.local_root != LocalRoot::Off;
            }
            let mut zones = self.config.zone.iter();
            zones.any(|zone| zone.zone == *apex && zone.file.is_none())
        };
        for (apex, copy) in core.transferred.all() {
            if is_secondary(&apex) {
                self.rules.local().put_zone(&apex, &copy);
            }
        }
    }

    /// Puts the certificate of the listeners into force.
    pub(super) fn put_tls(&self, core: &Core) {
        // The certificate of a generation by ACME is the one in force when the generation was made.
        let certificate = core.acme.certificate(&self.config).or_else(|| self.certificate.clone());
        core.tls.put(certificate.as_ref(), self.config.has_acme(), &self.client_authorities);
    }

    /// The service of one worker.
    pub(super) fn service<N: Network + Clone>(
        &self,
        core: &Core,
        network: N,
        counters: &Arc<Counters>,
    ) -> Service<N> {
        let (shared, settings) = (core.shared.clone(), self.settings.clone());
        let worker = Resolver::new(shared, network.clone(), settings, counters.clone());
        let tap = Some(core.tap.clone()).filter(|tap| tap.taps_clients());
        let upstreams = core.upstream_memories.resolvers(&self.config, &worker, &network, counters);
        let service =
            Service::new(worker, self.rules.clone()).tapped(tap).with_upstreams(upstreams);
        let service = service.looking_at(core.present_way.clone(), network.clone());
        match (&core.portal, &core.settling) {
            (Some(terms), _) => service.behind_portal(Some(terms.window(network))),
            (None, Some(open)) => service.settling(SettlingWindow::new(open.clone(), network)),
            (None, None) => service,
        }
    }

    /// The upstream sockets of one worker, within the descriptors of the process.
    pub(super) fn network(
        &self,
        core: &Core,
        descriptors: &Arc<Descriptors>,
        counters: &Arc<Counters>,
    ) -> Arc<Sockets> {
        let sources = self.config.resolver.source_addresses.clone();
        let sockets = Sockets::within(descriptors.clone(), core.shared.random.clone(), sources);
        let observer: Arc<dyn UpstreamObserver> = core.tap.clone();
        let sockets = sockets.bound_by(core.links.clone()).observed_by(Some(observer));
        let sockets = sockets.counted_by(counters.clone());
        sockets.set_nat64(self.config.nat64_prefix());
        sockets.set_tls(self.client_tls.clone());
        Arc::new(sockets)
    }

    /// Adds the tracked keys of the root zone to the trust anchors. Root does not trust the file of a different user.
    pub(super) fn trust_tracked_keys(&mut self) {
        let folder = tracked_keys::folder(&self.config);
        if let Some(tracked) = folder.and_then(|folder| tracked_keys::read(&folder)) {
            let mut settings = (*self.settings).clone();
            tracked_keys::apply(&mut settings, &tracked);
            self.settings = Arc::new(settings);
        }
    }

    /// Serves the present neighbours; true if the neighbours have changed. The rules get a new number if addresses have
    /// become private.
    pub(super) fn meet_neighbours(&mut self, core: &Core) -> bool {
        let nearby = surroundings::nearby();
        if nearby == self.nearby {
            return false;
        }
        let mut rules = self.rules.near(&self.config, &nearby.prefixes);
        if !rules.are_guarded_as(&self.rules) {
            rules = rules.renumbered(core.next_number());
        }
        self.rules = Arc::new(rules);
        self.nearby = nearby;
        true
    }

    /// Lets queries to resolvers of networks leave by their links.
    pub(super) fn bind_links(&self, core: &Core) {
        let routes = self.config.network_routes.iter();
        let servers = routes.flat_map(|route| {
            let (name, index) = &route.link;
            let binding = LinkBinding { name: name.clone(), index: *index };
            route.servers.iter().map(move |server| (*server, binding.clone()))
        });
        core.links.replace(servers);
    }

    /// Makes the rules anew with the compiled lists, the pauses and the schedules of now.
    pub(super) fn renew_policy(&mut self, core: &Core) {
        let clock = core.shared.clock.read();
        let policy =
            core.policies.policy(&self.config.policy, &self.groups, self.rules.local(), clock);
        log_schedules(self.rules.policy(), policy.as_deref());
        self.rules = Arc::new(self.rules.governed(policy, core.next_number()));
    }

    /// The time for which the policy was made.
    pub(super) fn policy_term(&self) -> Option<PolicyTerm> {
        self.rules.policy().and_then(|policy| policy.term())
    }

    /// Logs the remarks, except remarks of the generation before.
    pub(super) fn log_remarks(&self, before: Option<&Generation>) {
        let is_known = |remark: &String| before.is_some_and(|old| old.remarks.contains(remark));
        let remarks = self.remarks.iter().filter(|remark| !is_known(remark));
        remarks.for_each(|remark| tracing::warn!("{remark}"));
        let left_out = self.rules.local().left_out();
        if left_out > 0 && before.is_none_or(|old| old.rules.local().left_out() != left_out) {
            tracing::info!(
                "local.hosts: {left_out} names get no PTR record: their address has enough of them"
            );
        }
    }
}
