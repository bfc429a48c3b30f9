//! From the file to what the daemon and the resolver work with.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zoners_dns::{
    Delegation, Moment, Name, NameServer, Prefix, Rtype, Signing, Way, name, zonefile,
};
use zoners_dnssec::chain::{self, Ds};
use zoners_resolver::Settings;
use zoners_resolver::settings::{Anchor, NeverAsk, never_ask};
use zoners_store::Seal;
use zoners_store::shared::{Servers, Terms};

use super::schema::Secret;
use super::{Answers, Config, ConfigError, ROOT_ANCHORS, ROOT_HINTS, Route};

impl Config {
    /// How the resolver shall behave. Reads the files that the configuration names.
    ///
    /// # Errors
    /// A file cannot be read or says nothing usable.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let stubs = self.stub.iter().map(|stub| route(stub, Way::Stub));
        let forwards = self.forward.iter().map(|forward| route(forward, Way::Forward));
        let resolver = &self.resolver;
        if !resolver.ipv4 && !resolver.ipv6 {
            return Err(ConfigError::plain("resolver.ipv4 and resolver.ipv6: one must be true"));
        }
        let (root, anchors) = (self.root()?, self.anchors()?);
        Ok(Settings {
            routes: stubs.chain(forwards).collect(),
            priming: resolver.priming,
            minimise: resolver.qname_minimisation,
            minimised_type: resolver.qname_minimisation_type.into(),
            share_referrals: resolver.share_referrals,
            probe_uplink: resolver.probe_uplink,
            // A server's cookie is good for the one address that it was given to.
            cookies: resolver.cookies && !resolver.draws_sources(),
            randomise_case: resolver.randomise_case,
            udp_payload_size: resolver.edns_udp_size,
            glue: resolver.glue,
            ipv4: resolver.ipv4,
            ipv6: resolver.ipv6,
            speculative_lookups: resolver.speculative_lookups,
            full_answers: resolver.answers == Answers::Full,
            never_ask: self.never_ask(&root),
            root,
            negative_anchors: self.negative_anchors(&anchors),
            anchors,
            skew: self.dnssec.skew,
            sentinel: self.dnssec.sentinel,
            report_failures: self.dnssec.report_failures,
            time_servers: self.dnssec.time_servers.clone(),
            validation_date: self.dnssec.date,
            prefetch: self.cache.prefetch,
            limits: self.limits,
        })
    }

    /// Bounds on TTLs in the cache.
    #[must_use]
    pub fn ttl_limits(&self) -> zoners_cache::TtlLimits {
        zoners_cache::TtlLimits {
            floor: self.cache.ttl_floor,
            cap: self.cache.ttl_cap,
            negative_cap: self.cache.negative_ttl_cap,
            stale: if self.cache.serve_stale { self.cache.stale_for } else { 0 },
        }
    }

    /// What is shared with other nodes, if anything is. Reads the files that the configuration names.
    ///
    /// # Errors
    /// A file cannot be read, or what it says cannot be used.
    pub fn second_level(&self) -> Result<Option<Terms>, ConfigError> {
        let Some(redis) = &self.cache.redis else { return Ok(None) };
        let wrong = |what: &str| Err(ConfigError::plain(format!("cache.redis.{what}")));
        if redis.cluster && redis.sentinel.is_some() {
            return wrong("sentinel: a cluster has no sentinels, so set one of the two");
        }
        let secret = match (&redis.secret, &redis.secret_file) {
            (Some(_), Some(_)) => return wrong("secret-file: there is a `secret` too; set one"),
            (Some(secret), None) => Some(secret.clone()),
            (None, Some(path)) => {
                let text = read("cache.redis.secret-file", path)?;
                guarded("cache.redis.secret-file", path)?;
                let shown = path.display();
                let told = |what| format!("cache.redis.secret-file: {shown}: {what}");
                Some(Secret::new(&text).map_err(|what| ConfigError::plain(told(what)))?)
            }
            (None, None) => None,
        };
        let ca =
            redis.ca_file.as_ref().map(|path| read("cache.redis.ca-file", path)).transpose()?;
        let urls = redis.url.0.clone();
        let servers =
            Servers::new(urls, redis.cluster, redis.sentinel.clone(), ca.map(String::into_bytes))
                .map_err(|error| ConfigError::plain(format!("cache.redis.url: {error}")))?;
        Ok(Some(Terms {
            servers,
            namespace: redis.namespace.clone(),
            seal: secret.map(|secret| Seal::new(secret.0.as_bytes())),
            single_flight: redis.single_flight,
        }))
    }

    /// The file of a secret that every user of the machine may read, if there is one.
    pub(crate) fn open_secret(&self) -> Option<&Path> {
        let path = self.cache.redis.as_ref()?.secret_file.as_deref()?;
        (mode(path) & 0o004 != 0).then_some(path)
    }

    /// The addresses that are never asked, and our own sockets: we would ask ourselves.
    fn never_ask(&self, root: &Delegation) -> NeverAsk {
        let own = self.server.listen.iter().flatten().filter(|address| address.port() == 53);
        let own = own.map(|address| address.ip()).filter(|ip| !ip.is_unspecified());
        let configured = self.resolver.never_ask.clone();
        let prefixes = configured.unwrap_or_else(|| never_ask(root));
        prefixes.into_iter().chain(own.map(Prefix::from)).collect()
    }

    fn root(&self) -> Result<Delegation, ConfigError> {
        let (text, source) = match &self.resolver.root_hints {
            Some(path) => (read("resolver.root-hints", path)?, path.display().to_string()),
            None => (ROOT_HINTS.to_owned(), "built-in root hints".to_owned()),
        };
        let hints = zonefile::root_hints(&text).map_err(|error| {
            ConfigError::plain(format!("resolver.root-hints: {source}: {error}"))
        })?;
        Delegation::from_hints(&hints).ok_or_else(|| {
            ConfigError::plain(format!("resolver.root-hints: {source}: no NS record"))
        })
    }

    /// Where chains of trust begin.
    fn anchors(&self) -> Result<Vec<Anchor>, ConfigError> {
        if !self.dnssec.validate {
            return Ok(Vec::new());
        }
        let (text, source) = match &self.dnssec.trust_anchor {
            Some(path) => (read("dnssec.trust-anchor", path)?, path.display().to_string()),
            None => (ROOT_ANCHORS.to_owned(), "built-in trust anchors".to_owned()),
        };
        let wrong =
            |what: &str| ConfigError::plain(format!("dnssec.trust-anchor: {source}: {what}"));
        let sets =
            zonefile::parse(&text, &name::root()).map_err(|error| wrong(&error.to_string()))?;
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
        if anchors.is_empty() { Err(wrong("no DS or DNSKEY record")) } else { Ok(anchors) }
    }

    /// Zones that no anchor counts for: those that the file lists, and routes of which nobody says
    /// that they can be proven.
    fn negative_anchors(&self, anchors: &[Anchor]) -> Vec<Name> {
        let anchored =
            |zone: &Name| anchors.iter().any(|anchor| name::is_within(&anchor.zone, zone));
        let routes = self.stub.iter().chain(&self.forward);
        let private = routes.filter(|route| !route.validate && !anchored(&route.zone));
        let private = private.map(|route| route.zone.clone());
        self.dnssec.negative_trust_anchors.iter().cloned().chain(private).collect()
    }
}

fn read(key: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::plain(format!("{key}: {}: {error}", path.display())))
}

/// What others may have written is no secret. That they may read it, as in many containers, is for the
/// daemon to tell.
fn guarded(key: &str, path: &Path) -> Result<(), ConfigError> {
    match mode(path) & 0o022 {
        0 => Ok(()),
        _ => Err(ConfigError::plain(format!("{key}: {}: others may write it", path.display()))),
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |file| file.mode())
}

fn route(route: &Route, way: Way) -> Delegation {
    let server = |address| NameServer { name: name::root(), addresses: vec![address] };
    Delegation {
        zone: route.zone.clone(),
        way,
        transport: route.transport,
        servers: route.servers.iter().copied().map(server).collect(),
        signing: Signing::Unknown,
        expires: Moment::NEVER,
    }
}
