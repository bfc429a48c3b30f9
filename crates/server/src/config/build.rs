//! From the file to the settings of the resolver and the daemon.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zoners_dns::{
    Delegation, DsStatus, Moment, Name, Nat64Prefix, Prefix, QueryMode, Rtype, Transport, name,
    zonefile,
};
use zoners_dnssec::chain::{self, Ds};
use zoners_policy::RebindingProtection;
use zoners_resolver::Settings;
use zoners_resolver::{Anchor, Dns64, NeverAsk, never_ask};
use zoners_store::Seal;
use zoners_store::shared::{RedisServers, SharedCacheConfig};
use zoners_tls::client::ClientTls;
use zoners_tls::{Certificate, CertificateFiles};

use super::listen::PORT;
use super::renamed;
use super::schema::{Dns64Prefix, RedisConfig, Secret, ServerConfig};
use super::{
    Answers, Config, ConfigError, LOCAL_ROOT_PRIMARIES, LocalRoot, NetworkRoute, ROOT_ANCHORS,
    ROOT_HINTS, RouteConfig, UpstreamServer,
};

/// The first line of a certificate in a PEM file (RFC 7468 section 5.1).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// A zone whose names may have private addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrivateZone {
    pub(crate) zone: Name,
    /// The part of the configuration that says so, for reports.
    pub(crate) origin: &'static str,
}

impl Config {
    /// The settings of the resolver. Reads the files named in the configuration.
    ///
    /// # Errors
    /// A file cannot be read or has nothing usable; the error has every fault found.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let mut error = ConfigError::default();
        let (root, anchors) = (error.take(self.root()), error.take(self.anchors()));
        let (Some(root), Some(anchors)) = (root, anchors) else { return Err(error) };
        let resolver = &self.resolver;
        Ok(Settings {
            never_ask: self.never_ask(&root),
            dns64: self.dns64(&root),
            root,
            routes: self.routes(),
            network_zones: self.own_zones(),
            zone_copies: None,
            priming: resolver.priming,
            minimise: resolver.qname_minimisation,
            minimised_type: resolver.qname_minimisation_type.into(),
            share_referrals: resolver.share_referrals,
            probe_uplink: resolver.probe_uplink,
            opportunistic_tls: resolver.opportunistic_tls,
            // A server's cookie is valid for the source address to which the server gave it.
            cookies: resolver.cookies && !resolver.draws_sources(),
            randomise_case: resolver.randomise_case,
            udp_payload_size: resolver.edns_udp_size,
            glue: resolver.glue,
            ipv4: resolver.ipv4,
            ipv6: resolver.ipv6,
            speculative_lookups: resolver.speculative_lookups,
            full_answers: resolver.answers == Answers::Full,
            negative_anchors: self.negative_anchors(&anchors),
            anchors,
            skew: self.dnssec.clock_skew,
            sentinel: self.dnssec.sentinel,
            report_failures: self.dnssec.report_failures,
            time_servers: self.dnssec.time_servers.clone(),
            validation_date: self.dnssec.date,
            prefetch: self.cache.prefetch,
            limits: self.timeouts.within(self.limits.of_resolver()),
        })
    }

    /// The zones with configured servers.
    pub(crate) fn routes(&self) -> Vec<Delegation> {
        let stubs = self.stub.iter().map(|stub| route(stub, QueryMode::Stub));
        let forwards = self.forward.iter().map(|forward| route(forward, QueryMode::Forward));
        let of_networks = self.network_routes.iter().map(NetworkRoute::delegation);
        let copies = self.zone.iter().map(|zone| copy_route(&zone.zone));
        stubs.chain(forwards).chain(of_networks).chain(copies).collect()
    }

    /// The servers from which the root zone is transferred; none without a local root. Servers of a family that is off are
    /// left out.
    pub(crate) fn local_root_primaries(&self) -> Vec<SocketAddr> {
        let resolver = &self.resolver;
        if resolver.local_root != LocalRoot::Transfer {
            return Vec::new();
        }
        let lines = LOCAL_ROOT_PRIMARIES.lines().filter_map(|line| line.parse::<IpAddr>().ok());
        let built_in = || lines.map(|ip| SocketAddr::new(ip, PORT)).collect();
        let mut primaries = resolver.local_root_primaries.clone().unwrap_or_else(built_in);
        let is_on = |ip: IpAddr| if ip.is_ipv4() { resolver.ipv4 } else { resolver.ipv6 };
        primaries.retain(|primary| is_on(primary.ip()));
        primaries
    }

    /// The zones whose answers hold here alone: those of networks, and those with a copy here.
    fn own_zones(&self) -> Vec<Name> {
        let of_networks = self.network_routes.iter().map(|route| &route.zone);
        of_networks.chain(self.zone.iter().map(|zone| &zone.zone)).cloned().collect()
    }

    /// The zones whose names may have private addresses: of routes and copies, and those that the file allows. A route of
    /// the root counts if it stands in the file and its servers are private themselves: a public resolver has no private
    /// names, and neither has a copy of the root.
    pub(crate) fn private_zones(&self) -> Vec<PrivateZone> {
        let zone = |zone: &Name, origin| PrivateZone { zone: zone.clone(), origin };
        let is_private = |list: &str, at: usize, route: &RouteConfig| {
            let is_inside = |server: &UpstreamServer| {
                server.address.is_some_and(RebindingProtection::is_private_everywhere)
            };
            // A root route that the file lacks is a strategy's.
            let is_of_file = || self.source.has(&format!("{list}[{at}]"));
            !route.zone.is_root() || is_of_file() && route.servers.iter().all(is_inside)
        };
        let forwards = self.forward.iter().enumerate();
        let forwards = forwards.filter(|(at, route)| is_private("forward", *at, route));
        let forwards = forwards.map(|(_, route)| zone(&route.zone, "[[forward]]"));
        let stubs = self.stub.iter().enumerate();
        let stubs = stubs.filter(|(at, route)| is_private("stub", *at, route));
        let stubs = stubs.map(|(_, route)| zone(&route.zone, "[[stub]]"));
        let of_networks = self.network_routes.iter();
        let of_networks = of_networks.map(|route| zone(&route.zone, "the present network"));
        let copies = self.zone.iter().filter(|copy| !copy.zone.is_root());
        let copies = copies.map(|copy| zone(&copy.zone, "[[zone]]"));
        let allowed = self.policy.rebinding_allow.iter();
        let allowed = allowed.map(|allowed| zone(allowed, "policy.rebinding-allow"));
        forwards.chain(stubs).chain(of_networks).chain(copies).chain(allowed).collect()
    }

    /// The domain of names of leases, if leases are served.
    pub(crate) fn lease_domain(&self) -> Option<&Name> {
        let domain = &self.network.lease_domain;
        (!self.network.leases.is_empty() && !domain.is_root()).then_some(domain)
    }

    /// Bounds on TTLs in the cache.
    #[must_use]
    pub fn ttl_limits(&self) -> zoners_cache::TtlLimits {
        zoners_cache::TtlLimits {
            floor: self.cache.min_ttl,
            cap: self.cache.max_ttl,
            negative_cap: self.cache.max_negative_ttl,
            stale: if self.cache.serve_stale { self.cache.max_stale_ttl } else { 0 },
        }
    }

    /// The certificate of the dashboard, if other machines reach it. Reads the files named in the configuration.
    ///
    /// # Errors
    /// A file cannot be read, or has no usable certificate or key.
    pub(crate) fn dashboard_certificate(&self) -> Result<Option<Certificate>, ConfigError> {
        let ServerConfig { dashboard_certificate, dashboard_key, .. } = &self.server;
        let (Some(chain), Some(key)) = (dashboard_certificate, dashboard_key) else {
            return Ok(None);
        };
        let files = CertificateFiles { chain: chain.clone(), key: key.clone() };
        files.read().map(Some).map_err(|fault| {
            let of_key = fault.file == *key;
            let at = if of_key { "server.dashboard-key" } else { "server.dashboard-certificate" };
            self.wrong(at, &fault.to_string())
        })
    }

    /// The settings of the second level, if configured. Reads the files named in the configuration.
    ///
    /// # Errors
    /// A file cannot be read, or its content cannot be used.
    pub fn second_level(&self) -> Result<Option<SharedCacheConfig>, ConfigError> {
        let Some(redis) = &self.cache.redis else { return Ok(None) };
        let mut error = ConfigError::default();
        let secret = error.take(self.secret(redis));
        let ca = redis.ca_file.as_ref().map(|path| self.read("cache.redis.ca-file", path));
        let ca = error.take(ca.transpose());
        let (Some(secret), Some(ca)) = (secret, ca) else { return Err(error) };
        if ca.as_ref().is_some_and(|ca| !ca.contains(CERTIFICATE)) {
            let path = redis.ca_file.as_deref().unwrap_or(Path::new("")).display();
            let what = format!("{path}: must have a certificate in PEM form");
            return Err(self.wrong("cache.redis.ca-file", &what));
        }
        let (urls, ca) = (redis.url.0.clone(), ca.map(String::into_bytes));
        let servers = RedisServers::new(urls, redis.cluster, redis.sentinel.clone(), ca)
            .map_err(|what| self.wrong("cache.redis.url", &what.to_string()))?;
        if !servers.can_be_certified() {
            let what = "must have whole certificates, and is used with TLS alone: an address in `url` must begin with \
                        rediss://";
            return Err(self.wrong("cache.redis.ca-file", what));
        }
        Ok(Some(SharedCacheConfig {
            servers,
            namespace: redis.namespace.clone(),
            seal: secret.map(|secret| Seal::new(secret.0.as_bytes())),
            single_flight: redis.single_flight,
        }))
    }

    /// TLS with the servers of routes: with the authorities of the file or of the system, if a certificate proves a
    /// server. Reads the file named in the configuration.
    ///
    /// # Errors
    /// The file cannot be read or has no certificate, or the system has none.
    pub fn client_tls(&self) -> Result<ClientTls, ConfigError> {
        const KEY: &str = "resolver.ca-file";
        let mut routes = self.forward.iter().chain(&self.stub);
        let is_proven_by_certificate = |route: &RouteConfig| {
            route.pins.is_empty() && route.servers.iter().any(UpstreamServer::is_encrypted)
        };
        match &self.resolver.ca_file {
            Some(path) => {
                let authorities = self.read(KEY, path)?;
                let tls = ClientTls::with_authorities(authorities.as_bytes());
                tls.map_err(|what| self.wrong(KEY, &format!("{}: {what}", path.display())))
            }
            None if routes.any(is_proven_by_certificate) => ClientTls::with_system_authorities()
                .map_err(|what| self.wrong(KEY, &format!("must name a file: {what}"))),
            None => Ok(ClientTls::without_authorities()),
        }
    }

    /// The common secret of the nodes, from the configuration itself or from a file.
    fn secret(&self, redis: &RedisConfig) -> Result<Option<Secret>, ConfigError> {
        const KEY: &str = "cache.redis.secret-file";
        let Some(path) = &redis.secret_file else { return Ok(redis.secret.clone()) };
        let text = self.read(KEY, path)?;
        let told = |what: &str| self.wrong(KEY, &format!("{}: {what}", path.display()));
        // A file with write access for everyone holds no secret. Read access, as in many containers, is for
        // the daemon to tell.
        if mode(path) & 0o022 != 0 {
            return Err(told("must not be writable for other users; allowed is `chmod 600`"));
        }
        Secret::new(&text).map(Some).map_err(|what| told(&what))
    }

    /// Reads the certificate for encrypted transports, if one is configured.
    ///
    /// # Errors
    /// A file cannot be read, or does not have what it is to have.
    pub(crate) fn certificate(&self) -> Result<Option<Certificate>, ConfigError> {
        let Some(files) = self.certificate_files() else { return Ok(None) };
        files.read().map(Some).map_err(|fault| {
            let is_of_key = fault.file == files.key && files.key != files.chain;
            let path = if is_of_key { "server.certificate-key" } else { "server.certificate" };
            self.wrong(path, &fault.to_string())
        })
    }

    /// Remarks on values with a legal form and a doubtful intention.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let redis = self.cache.redis.as_ref();
        let secret = redis.and_then(|redis| redis.secret_file.as_deref());
        let open = secret.filter(|path| mode(path) & 0o004 != 0);
        let told = |path: &Path| {
            let what = format!(
                "{}: every user of this machine can read the secret; better is `chmod 600`",
                path.display()
            );
            self.source.remark("cache.redis.secret-file", &what)
        };
        let files = self.certificate_files().filter(CertificateFiles::key_is_open);
        let open_key = files.map(|files| {
            let what = format!(
                "{}: every user of this machine can read the private key; better is `chmod 600`",
                files.key.display()
            );
            self.source.remark("server.certificate-key", &what)
        });
        let renamed = renamed::remarks(|path| self.source.has(path));
        let renamed = renamed.map(|(path, what)| self.source.remark(&path, &what));
        open.map(told).into_iter().chain(open_key).chain(renamed).collect()
    }

    /// The addresses never asked, and our own sockets: we would ask ourselves.
    fn never_ask(&self, root: &Delegation) -> NeverAsk {
        let own = self.listen_addresses().map(|(_, listen)| listen.address);
        let own = own
            .filter(|address| address.port() == PORT)
            .map(|address| address.ip())
            .filter(|ip| !ip.is_unspecified());
        let configured = self.resolver.never_ask.clone();
        let prefixes = configured.unwrap_or_else(|| never_ask(root));
        prefixes.into_iter().chain(own.map(Prefix::from)).collect()
    }

    /// DNS64 with a configured prefix, or with the prefix of an overlay.
    fn dns64(&self, root: &Delegation) -> Option<Dns64> {
        let prefix = self.nat64_prefix()?;
        Some(Dns64::new(prefix, &self.dns64.exclude, &never_ask(root)))
    }

    /// The prefix of the NAT64, if there is one.
    pub(crate) fn nat64_prefix(&self) -> Option<Nat64Prefix> {
        match self.dns64.prefix {
            Dns64Prefix::Fixed(prefix) => Some(prefix),
            Dns64Prefix::Auto | Dns64Prefix::Off => None,
        }
    }

    fn root(&self) -> Result<Delegation, ConfigError> {
        const KEY: &str = "resolver.root-hints";
        let (text, source) = match &self.resolver.root_hints {
            Some(path) => (self.read(KEY, path)?, path.display().to_string()),
            None => (ROOT_HINTS.to_owned(), "built-in root hints".to_owned()),
        };
        let told = |what: &str| self.wrong(KEY, &format!("{source}: {what}"));
        let hints = zonefile::root_hints(&text).map_err(|what| told(&what))?;
        Delegation::from_hints(&hints).ok_or_else(|| told("no NS record of the root zone"))
    }

    /// Where chains of trust begin.
    fn anchors(&self) -> Result<Vec<Anchor>, ConfigError> {
        const KEY: &str = "dnssec.trust-anchor";
        let (text, source) = match &self.dnssec.trust_anchor {
            Some(path) => (self.read(KEY, path)?, path.display().to_string()),
            None => (ROOT_ANCHORS.to_owned(), "built-in trust anchors".to_owned()),
        };
        let wrong = |what: &str| self.wrong(KEY, &format!("{source}: {what}"));
        let sets =
            zonefile::parse(&text, &name::root()).map_err(|what| wrong(&what.to_string()))?;
        let mut anchors: Vec<Anchor> = Vec::new();
        for set in &sets {
            let ds: Vec<Ds> = match set.rtype {
                Rtype::DS => set.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect(),
                _ => Vec::new(),
            };
            let keys = chain::keys(set);
            match anchors.iter_mut().find(|anchor| anchor.zone == set.owner) {
                _ if ds.is_empty() && keys.is_empty() => {}
                Some(anchor) => {
                    anchor.ds.extend(ds);
                    anchor.keys.extend(keys);
                }
                None => anchors.push(Anchor { zone: set.owner.clone(), ds, keys }),
            }
        }
        if anchors.is_empty() {
            return Err(wrong("must have a DS or DNSKEY record"));
        }
        // A file is read even without validation, so that faults of the file are reported.
        Ok(if self.dnssec.validate { anchors } else { Vec::new() })
    }

    /// Zones without a trust anchor: the listed ones, and routes without `validate = true`.
    fn negative_anchors(&self, anchors: &[Anchor]) -> Vec<Name> {
        let anchored =
            |zone: &Name| anchors.iter().any(|anchor| name::is_within(&anchor.zone, zone));
        let routes = self.stub.iter().chain(&self.forward);
        let private = routes.filter(|route| !route.validate && !anchored(&route.zone));
        let private = private.map(|route| route.zone.clone());
        let of_networks = self.network_routes.iter();
        let unproven = of_networks.filter(|route| !route.validate && !anchored(&route.zone));
        let unproven = unproven.map(|route| route.zone.clone());
        let copies = self.zone.iter().filter(|zone| !zone.validate && !anchored(&zone.zone));
        let copies = copies.map(|zone| zone.zone.clone());
        let configured = self.dnssec.negative_trust_anchors.iter().cloned();
        configured.chain(private).chain(unproven).chain(copies).collect()
    }

    fn read(&self, key: &str, path: &Path) -> Result<String, ConfigError> {
        let told = |what: &str| self.wrong(key, &format!("{}: {what}", path.display()));
        match std::fs::read(path) {
            Err(error) => Err(told(&error.to_string())),
            Ok(octets) => String::from_utf8(octets).map_err(|_| told("must be a text in UTF-8")),
        }
    }

    /// A fault of the value at a path.
    pub(crate) fn wrong(&self, path: &str, what: &str) -> ConfigError {
        ConfigError::plain(self.source.fault(path, what))
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |file| file.mode())
}

/// The route of a zone that has a copy and no servers.
fn copy_route(zone: &Name) -> Delegation {
    Delegation {
        zone: zone.clone(),
        mode: QueryMode::Stub,
        transport: Transport::Udp,
        servers: Vec::new(),
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}

fn route(route: &RouteConfig, mode: QueryMode) -> Delegation {
    let pins: Vec<[u8; 32]> = route.pins.iter().map(|pin| pin.0).collect();
    let server = |server: &UpstreamServer| {
        let named = server.name_server(&pins);
        if named.is_none() {
            tracing::error!("forward: {server} is left out: this process has had too many servers");
        }
        named
    };
    Delegation {
        zone: route.zone.clone(),
        mode,
        transport: route.transport,
        servers: route.servers.iter().filter_map(server).collect(),
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}
