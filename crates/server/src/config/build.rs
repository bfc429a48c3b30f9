//! From the file to the settings of the resolver and the daemon.

mod acme;
mod certificates;
mod routes;
mod secrets;
mod trust;

use std::path::Path;

use zoners_dns::{Delegation, Nat64Prefix, Prefix};
use zoners_resolver::{Dns64, NeverAsk, Settings, never_ask};

use super::listen::PORT;
use super::schema::Dns64Prefix;
use super::{Answers, Config, ConfigError};
pub(crate) use certificates::ListenerAuthority;
pub(crate) use routes::PrivateZone;

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
