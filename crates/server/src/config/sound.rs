//! Faults of combinations: each value alone is allowed.

mod acme;
mod http3;
mod policy;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Name, name};
use zoners_policy::{catalogue, catalogue_entry};

use super::{Config, ConfigError, ListenAddress, LocalRoot, PolicyListConfig, UpstreamServer};
pub(crate) use policy::nearest;

/// Tables `[[listen]]`: the numbers of their lists of clients, beside that of `server.allow`.
const MAX_LISTEN_TABLES: usize = u8::MAX as usize;

impl Config {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// There are contradictions; the error has each contradiction.
    pub(crate) fn sound(&self) -> Result<(), ConfigError> {
        let mut error = ConfigError::default();
        let mut wrong = |path: &str, what: &str| error.add(self.source.fault(path, what));
        self.check_listen(&mut wrong);
        self.check_http3(&mut wrong);
        self.check_listen_tables(&mut wrong);
        self.check_proxies(&mut wrong);
        self.check_client_authorities(&mut wrong);
        self.check_certificate(&mut wrong);
        self.check_acme(&mut wrong);
        self.check_http(&mut wrong);
        self.check_routes(&mut wrong);
        self.check_zones(&mut wrong);
        self.check_tsig_keys(&mut wrong);
        self.check_policy(&mut wrong);
        self.check_leases(&mut wrong);
        let (cache, resolver, dnssec) = (&self.cache, &self.resolver, &self.dnssec);
        if !resolver.ipv4 && !resolver.ipv6 {
            let what =
                "must be true where resolver.ipv4 is false: servers are asked over IPv4 or IPv6";
            wrong("resolver.ipv6", what);
        }
        if resolver.local_root != LocalRoot::Off && !dnssec.validate {
            let what = "must be \"off\", unless dnssec.validate is true: a copy of the root is \
                        used only if its signatures hold";
            wrong("resolver.local-root", what);
        }
        if (resolver.local_root == LocalRoot::File) != resolver.local_root_file.is_some() {
            let what = "must be given where resolver.local-root is \"file\", and nowhere else";
            wrong("resolver.local-root-file", what);
        }
        if cache.min_ttl > cache.max_ttl {
            let (least, most) = (cache.min_ttl, cache.max_ttl);
            let what = format!("must be at most cache.max-ttl, which is {most} s, not {least} s");
            wrong("cache.min-ttl", &what);
        }
        if dnssec.signal_anchors && !(dnssec.validate && dnssec.follow_rollovers) {
            let what = "must be false, unless dnssec.validate and dnssec.follow-rollovers are true";
            wrong("dnssec.signal-anchors", what);
        }
        self.check_dashboard(&mut wrong);
        if let Some(redis) = &cache.redis {
            if redis.cluster && redis.sentinel.is_some() {
                let what =
                    "must be absent where cache.redis.cluster is true: a cluster has no sentinels";
                wrong("cache.redis.sentinel", what);
            }
            if redis.secret.is_some() && redis.secret_file.is_some() {
                let what = "must be absent where cache.redis.secret is given";
                wrong("cache.redis.secret-file", what);
            }
        }
        error.outcome()
    }

    /// Browsers of other machines are served over TLS alone.
    fn check_dashboard(&self, wrong: &mut impl FnMut(&str, &str)) {
        let server = &self.server;
        let given = [
            ("server.dashboard-certificate", server.dashboard_certificate.is_some()),
            ("server.dashboard-key", server.dashboard_key.is_some()),
        ];
        for (key, is_given) in given {
            match (server.dashboard_https.is_some(), is_given) {
                (true, false) => {
                    let what = format!(
                        "needs {key}: browsers of other machines are served over TLS alone"
                    );
                    wrong("server.dashboard-https", &what);
                }
                (false, true) => wrong(key, "is used with server.dashboard-https alone"),
                _ => {}
            }
        }
    }

    /// The domain of leases is answered here as a whole.
    fn check_leases(&self, wrong: &mut impl FnMut(&str, &str)) {
        const NEVER: [&str; 3] = ["arpa", "local", "localhost"];
        if self.network.leases.is_empty() {
            return;
        }
        let domain = &self.network.lease_domain;
        let is_below =
            |zone: &str| name::parse(zone).is_ok_and(|zone| name::is_within(domain, &zone));
        if domain.is_root() || NEVER.into_iter().any(is_below) {
            let what = "must be a domain of your own, such as \"lan\" or \"home.example.org\"; `local` belongs to \
                        multicast DNS";
            wrong("network.lease-domain", what);
        }
    }

    /// No address may be bound twice, nor as a part of a wildcard. Port 0 is a new port each time.
    fn check_listen(&self, wrong: &mut impl FnMut(&str, &str)) {
        let all: Vec<_> = self.listen_addresses().collect();
        for (place, (path, listen)) in all.iter().enumerate() {
            let others = all.iter().enumerate().filter(|(other, _)| *other != place);
            let others = others.map(|(other, (_, address))| (other < place, *address));
            let others = || others.clone().filter(|(_, other)| other.shares_sockets_with(listen));
            let address = listen.address;
            if address.port() == 0 {
                continue;
            }
            if others().any(|(is_earlier, other)| is_earlier && other.address == address) {
                wrong(path, &format!("{address} is listed twice: delete one of the two"));
            } else if let Some((_, all)) = others().find(|(_, all)| is_part(address, all.address)) {
                let what = format!("{listen} is covered by {all}: delete one of the two");
                wrong(path, &what);
            }
        }
    }

    /// The list of clients of each table has a number of one octet; number 0 is of `server.allow`.
    fn check_listen_tables(&self, wrong: &mut impl FnMut(&str, &str)) {
        if self.listen.len() > MAX_LISTEN_TABLES {
            let what = format!("there may be {MAX_LISTEN_TABLES} tables [[listen]]");
            wrong(&format!("listen[{MAX_LISTEN_TABLES}]"), &what);
        }
    }

    /// A proxy names the client of a connection, and a packet has none. Not every client is a proxy.
    fn check_proxies(&self, wrong: &mut impl FnMut(&str, &str)) {
        for (at, table) in self.listen.iter().enumerate() {
            let (path, address) = (format!("listen[{at}].proxies"), &table.address);
            let has_datagrams =
                address.transports.iter().any(|transport| transport.has_datagrams());
            if has_datagrams && !table.proxies.is_empty() {
                let what = format!(
                    "proxies name clients over TCP, TLS and HTTPS alone, and {address} is served over others: put \
                     tcp://, tls:// or https:// in front of the address"
                );
                wrong(&path, &what);
            } else if table.proxies.iter().any(|prefix| prefix.bits() == 0) {
                let what = "every client could name a false address: list the addresses of the load balancers alone";
                wrong(&path, what);
            }
        }
    }

    /// A client shows its certificate within TLS.
    fn check_client_authorities(&self, wrong: &mut impl FnMut(&str, &str)) {
        for (at, table) in self.listen.iter().enumerate() {
            let address = &table.address;
            let is_within_tls = address.is_encrypted();
            if table.client_authority.is_some() && !is_within_tls {
                let what = format!(
                    "certificates of clients are asked for over TLS, HTTPS and QUIC alone, not at {address}: put tls://, \
                     https:// or quic:// in front of the address"
                );
                wrong(&format!("listen[{at}].client-authority"), &what);
            }
            if table.client_authority.is_none() && table.require_client_certificate {
                let what = "needs client-authority: the file of the authority that signs certificates of clients";
                wrong(&format!("listen[{at}].require-client-certificate"), what);
            }
        }
    }

    /// Encrypted transports need a certificate, and a certificate has a key.
    fn check_certificate(&self, wrong: &mut impl FnMut(&str, &str)) {
        let (certificate, key) = (&self.server.certificate, &self.server.certificate_key);
        if certificate.is_some() != key.is_some() {
            let what = "server.certificate and server.certificate-key stand together: the file of the certificate, and \
                        the file of its private key";
            let path = if key.is_some() { "server.certificate-key" } else { "server.certificate" };
            return wrong(path, what);
        }
        if certificate.is_some() || self.has_acme() {
            return;
        }
        for (path, address) in self.listen_addresses().filter(|(_, address)| address.is_encrypted())
        {
            let what = format!(
                "{address} needs a certificate: name its files by server.certificate and server.certificate-key, or \
                 get one by [acme]"
            );
            wrong(&path, &what);
        }
    }

    /// The HTTP service has its addresses for itself.
    fn check_http(&self, wrong: &mut impl FnMut(&str, &str)) {
        let http = &self.server.http;
        for (place, address) in http.iter().enumerate().filter(|(_, http)| http.port() != 0) {
            let overlaps = |other: &SocketAddr| {
                other == address || is_part(*address, *other) || is_part(*other, *address)
            };
            let mut listens = self.listen_addresses();
            let has_port = |(_, listen): &(String, &ListenAddress)| {
                listen.transports.iter().any(|transport| !transport.has_datagrams())
                    && overlaps(&listen.address)
            };
            let path = format!("server.http[{place}]");
            if let Some((key, other)) = listens.find(has_port) {
                let of = if key.starts_with("server.") { "server.listen" } else { "[[listen]]" };
                wrong(&path, &format!("{other} of {of} has that port"));
            } else if let Some(other) = http.iter().take(place).find(|other| overlaps(other)) {
                wrong(&path, &format!("{address} overlaps with {other}, which stands there too"));
            }
        }
    }

    /// Checks the routes: at most one for a zone, with at least one usable server.
    fn check_routes(&self, wrong: &mut impl FnMut(&str, &str)) {
        let forwards = self.forward.iter().enumerate().map(|(at, route)| ("forward", at, route));
        let stubs = self.stub.iter().enumerate().map(|(at, route)| ("stub", at, route));
        let mut taken: HashMap<&Name, &str> = HashMap::new();
        for (list, at, route) in forwards.chain(stubs) {
            if let Some(other) = taken.get(&route.zone) {
                let zone = route.zone.fmt_with_dot();
                let what = format!(
                    "{zone} has a [[{other}]] already: a zone takes one [[forward]] or [[stub]]"
                );
                wrong(&format!("{list}[{at}].zone"), &what);
            } else {
                taken.insert(&route.zone, list);
            }
            self.check_servers(
                &format!("{list}[{at}].servers"),
                route.servers.iter().map(|it| it.address),
                wrong,
            );
            if !route.pins.is_empty() && !route.servers.iter().any(UpstreamServer::is_encrypted) {
                let what = "pins are for servers over TLS, HTTPS or QUIC, such as \"tls://192.0.2.1\", \
                            \"https://192.0.2.1\" or \"quic://192.0.2.1\"";
                wrong(&format!("{list}[{at}].pins"), what);
            }
        }
    }

    /// At least one of the servers is of a family that is in use.
    fn check_servers(
        &self,
        path: &str,
        mut servers: impl Iterator<Item = Option<IpAddr>>,
        wrong: &mut impl FnMut(&str, &str),
    ) {
        let resolver = &self.resolver;
        // A server without an address here may have one of either family.
        let can_ask = |server: Option<IpAddr>| match server {
            None => true,
            Some(IpAddr::V4(_)) => resolver.ipv4,
            Some(IpAddr::V6(_)) => resolver.ipv6,
        };
        if servers.any(can_ask) || !(resolver.ipv4 || resolver.ipv6) {
            return;
        }
        let (usable, family) = if resolver.ipv4 { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") };
        let key = family.to_lowercase();
        let what =
            format!("must have an {usable} address: all are {family}, and resolver.{key} is false");
        wrong(path, &what);
    }

    /// Checks the zones: a copy, a source and no route for each.
    fn check_zones(&self, wrong: &mut impl FnMut(&str, &str)) {
        let routes = self.forward.iter().chain(&self.stub);
        let routes: HashSet<&Name> = routes.map(|route| &route.zone).collect();
        let mut taken = HashSet::new();
        for (at, zone) in self.zone.iter().enumerate() {
            let (path, shown) = (format!("zone[{at}].zone"), zone.zone.fmt_with_dot());
            if !taken.insert(&zone.zone) {
                wrong(&path, &format!("{shown} has a [[zone]] already"));
            } else if routes.contains(&zone.zone) {
                let what =
                    format!("{shown} has a [[forward]] or [[stub]]: a zone takes one of the three");
                wrong(&path, &what);
            } else if zone.zone.is_root() {
                wrong(&path, "must be a zone below the root");
            }
            match (&zone.file, zone.primaries.is_empty()) {
                (None, true) => wrong(&path, "must have a `file`, or `primaries`"),
                (Some(_), false) => {
                    wrong(&format!("zone[{at}].file"), "must be absent beside `primaries`");
                }
                _ => {}
            }
            let Some(key) = &zone.tsig_key else { continue };
            let path = format!("zone[{at}].tsig-key");
            if zone.primaries.is_empty() {
                wrong(&path, "is for messages from and to `primaries` alone");
            } else if !self.tsig_key.iter().any(|known| known.name == *key) {
                wrong(&path, &format!("there is no [[tsig-key]] of the name {key}"));
            }
        }
    }

    /// Checks the keys: no name twice, and a secret for each.
    fn check_tsig_keys(&self, wrong: &mut impl FnMut(&str, &str)) {
        for (at, key) in self.tsig_key.iter().enumerate() {
            let path = format!("tsig-key[{at}].name");
            if self.tsig_key.iter().take(at).any(|earlier| earlier.name == key.name) {
                wrong(&path, "a key before has this name already");
            }
            if key.secret.is_some() == key.secret_file.is_some() {
                wrong(&path, "must have one of `secret` and `secret-file`");
            }
        }
    }
}

/// A list has one origin, and a name.
fn check_origin(at: &str, list: &PolicyListConfig, wrong: &mut impl FnMut(&str, &str)) {
    let PolicyListConfig { name, path, url, list: well_known, zone, .. } = list;
    let origins = [path.is_some(), url.is_some(), well_known.is_some(), zone.is_some()];
    if origins.into_iter().filter(|is_there| *is_there).count() != 1 {
        let what = "must have one of the keys path, url, list and zone: a file, an address, a well-known list or a \
                    transferred zone";
        wrong(at, what);
    }
    if name.is_empty() && well_known.is_none() {
        wrong(at, "must have a name, by which reports and groups call the list");
    }
    let Some(unknown) = well_known.as_ref().filter(|name| catalogue_entry(name).is_none()) else {
        return;
    };
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(name, unknown);
    let nearest =
        catalogue().max_by(|one, other| likeness(one.name).total_cmp(&likeness(other.name)));
    let nearest =
        nearest.map(|entry| format!("the nearest is \"{}\"", entry.name)).unwrap_or_default();
    let what = format!(
        "there is no well-known list {unknown:?}: {nearest}; `zoners policy catalogue` has all"
    );
    wrong(&format!("{at}.list"), &what);
}

/// Whether `all` is the wildcard of the family and port of `address`.
fn is_part(address: SocketAddr, all: SocketAddr) -> bool {
    let same = address.is_ipv4() == all.is_ipv4() && address.port() == all.port();
    same && all.ip().is_unspecified() && !address.ip().is_unspecified()
}
