//! From the file to what the daemon and the resolver work with.

use std::path::Path;

use zoners_dns::{Delegation, Moment, NameServer, Prefix, Rtype, Signing, Way, name, zonefile};
use zoners_resolver::Settings;

use super::{Answers, Config, ConfigError, ROOT_HINTS, Route};

impl Config {
    /// How the resolver shall behave. Reads the files that the configuration names.
    ///
    /// # Errors
    /// A file cannot be read or says nothing usable.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        self.check_trust_anchor()?;
        let stubs = self.stub.iter().map(|stub| route(stub, Way::Stub));
        let forwards = self.forward.iter().map(|forward| route(forward, Way::Forward));
        let resolver = &self.resolver;
        if !resolver.ipv4 && !resolver.ipv6 {
            return Err(ConfigError::plain("resolver.ipv4 and resolver.ipv6: one must be true"));
        }
        Ok(Settings {
            root: self.root()?,
            routes: stubs.chain(forwards).collect(),
            priming: resolver.priming,
            minimise: resolver.qname_minimisation,
            minimised_type: resolver.qname_minimisation_type.into(),
            glue: resolver.glue,
            ipv4: resolver.ipv4,
            ipv6: resolver.ipv6,
            speculative_lookups: resolver.speculative_lookups,
            full_answers: resolver.answers == Answers::Full,
            never_ask: self.never_ask(),
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
        }
    }

    /// The prefixes that are never asked, and our own sockets: we would ask ourselves.
    fn never_ask(&self) -> Vec<Prefix> {
        let own = self.server.listen.iter().flatten().filter(|address| address.port() == 53);
        let own = own.map(|address| address.ip()).filter(|ip| !ip.is_unspecified());
        self.resolver.never_ask.iter().copied().chain(own.map(Prefix::from)).collect()
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

    fn check_trust_anchor(&self) -> Result<(), ConfigError> {
        let Some(path) = &self.dnssec.trust_anchor else { return Ok(()) };
        let text = read("dnssec.trust-anchor", path)?;
        let wrong = |what: &str| {
            ConfigError::plain(format!("dnssec.trust-anchor: {}: {what}", path.display()))
        };
        let sets = zonefile::parse(&text, &name::root()).map_err(|error| wrong(&error))?;
        let is_anchor = |set: &zoners_dns::RRset| matches!(set.rtype, Rtype::DS | Rtype::DNSKEY);
        if sets.iter().any(is_anchor) { Ok(()) } else { Err(wrong("no DS or DNSKEY record")) }
    }
}

fn read(key: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::plain(format!("{key}: {}: {error}", path.display())))
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
