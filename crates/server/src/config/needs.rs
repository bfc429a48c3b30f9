//! The needs of a configuration for the sandbox: the named files, which a reload
//! reads again, and the ports of the named servers.

use std::path::Path;

use zoners_dns::Transport;
use zoners_host::paths::state;
use zoners_host::ports::is_privileged;
use zoners_sandbox::{Calls, Need, Needs, certificate_needs};

use super::listen::HTTPS_PORT;
use super::{Config, DnstapTarget, ListOrigin, UpstreamServer};
use crate::policy::groups::{OWN_ZONE, ZONES};

/// The ports of HTTPS and HTTP, to which the server of a list may redirect.
const WEB_PORTS: [u16; 2] = [HTTPS_PORT, 80];

impl Config {
    /// The files of a reload, each with the key for the file.
    pub(crate) fn files<'a>(&'a self, file: Option<&'a Path>) -> Vec<(&'static str, &'a Path)> {
        let redis = self.cache.redis.as_ref();
        let files = [
            ("the configuration file", file),
            ("resolver.root-hints", self.resolver.root_hints.as_deref()),
            ("resolver.ca-file", self.resolver.ca_file.as_deref()),
            ("resolver.local-root-file", self.resolver.local_root_file.as_deref()),
            ("server.dashboard-certificate", self.server.dashboard_certificate.as_deref()),
            ("server.dashboard-key", self.server.dashboard_key.as_deref()),
            ("dnssec.trust-anchor", self.dnssec.trust_anchor.as_deref()),
            ("local.hosts", self.local.hosts.as_deref()),
            ("server.certificate", self.server.certificate.as_deref()),
            ("server.certificate-key", self.server.certificate_key.as_deref()),
            ("acme.directory-authority", self.acme.directory_authority.as_deref()),
            ("cache.redis.ca-file", redis.and_then(|redis| redis.ca_file.as_deref())),
            ("cache.redis.secret-file", redis.and_then(|redis| redis.secret_file.as_deref())),
        ];
        let named = files.into_iter().filter_map(|(key, path)| Some((key, path?)));
        let lists = self.policy.list.iter();
        let lists = lists.filter_map(|list| Some(("policy.list.path", list.path.as_deref()?)));
        let zones = self.zone.iter().filter_map(|zone| Some(("zone.file", zone.file.as_deref()?)));
        let leases = self.network.leases.iter().map(|path| ("network.leases", &**path));
        let keys = self.tsig_key.iter();
        let keys =
            keys.filter_map(|key| Some(("tsig-key.secret-file", key.secret_file.as_deref()?)));
        let authorities = self.listen.iter();
        let authorities = authorities.filter_map(|table| {
            Some(("listen.client-authority", table.client_authority.as_deref()?))
        });
        named.chain(lists).chain(zones).chain(leases).chain(keys).chain(authorities).collect()
    }

    /// The needs of probing for captive portals: pages, and the API of a portal over HTTPS at its usual port.
    fn needs_of_portals(&self) -> Needs {
        let mut all: Vec<Need> =
            self.network.portal_probes.iter().map(|probe| Need::Connect(probe.port)).collect();
        if !all.is_empty() {
            all.push(Need::Connect(HTTPS_PORT));
            all.extend(certificate_needs());
        }
        Needs { of: "network.portal-probes", all }
    }

    /// The needs of downloading lists. A reload from `file` may bring the first list.
    fn needs_of_downloads(&self, file: Option<&Path>) -> Option<Needs> {
        if self.policy.list.is_empty() && file.is_none() {
            return None;
        }
        let lists = self.policy.list.iter().filter_map(|list| match list.origin() {
            ListOrigin::Address(url) => Some(url.port()),
            ListOrigin::File(_) | ListOrigin::Zone(_) => None,
        });
        let mut ports: Vec<u16> = lists.collect();
        ports.extend(WEB_PORTS);
        ports.sort_unstable();
        ports.dedup();
        let all = ports.into_iter().map(Need::Connect).chain(certificate_needs());
        Some(Needs { of: "policy.list.url", all: all.collect() })
    }

    /// The needs of the thread that carries copies of messages.
    fn needs_of_dnstap(&self) -> Option<Needs> {
        let port = match self.dnstap.to.as_ref()? {
            DnstapTarget::Unix(_) => None,
            DnstapTarget::Tcp(address) => Some(Need::Connect(address.port())),
        };
        let all = [Need::Calls(Calls::Network)].into_iter().chain(port).collect();
        Some(Needs { of: "dnstap.to", all })
    }

    /// The needs of orders of certificates.
    fn needs_of_orders(&self) -> Option<Needs> {
        if !self.has_acme() {
            return None;
        }
        let port = self.acme.directory.url().map_or(HTTPS_PORT, |url| url.port());
        let all = [HTTPS_PORT, port].map(Need::Connect).into_iter().chain(certificate_needs());
        Some(Needs { of: "acme.directory", all: all.collect() })
    }

    /// The needs of binding these ports.
    fn needs_to_listen(ports: Vec<u16>) -> Vec<Need> {
        let privileged = ports.iter().any(|port| is_privileged(*port));
        let privilege = privileged.then_some(Need::PrivilegedPorts);
        let ports = ports.into_iter().map(Need::Listen);
        ports.chain(privilege).chain([Need::Calls(Calls::Listen)]).collect()
    }

    /// Whether a reload from `file`, or the dashboard, may have to bind a privileged port.
    pub(crate) fn needs_privilege(&self, file: Option<&Path>) -> bool {
        let reloaded = [self.ports(), self.http_ports()].concat();
        let is_reloaded = file.is_some() && reloaded.into_iter().any(is_privileged);
        is_reloaded || self.dashboard_ports().into_iter().any(is_privileged)
    }

    /// The needs of a reload with this configuration, from `file`.
    pub(crate) fn needs(&self, file: Option<&Path>) -> Vec<Needs> {
        let named = self.files(file).into_iter().map(|(key, path)| Needs::to_read(key, path));
        let mut needs: Vec<Needs> = named.collect();
        let state = state::given(self.server.state.as_deref());
        needs.extend(
            state.map(|folder| Needs { of: "server.state", all: vec![Need::Write(folder)] }),
        );
        // A reload may bring the first schedule of a group.
        if !self.policy.group.is_empty() {
            let zones = [ZONES, OWN_ZONE].map(|path| Need::Read(path.into()));
            needs.push(Needs { of: "policy.time-zone", all: zones.into() });
        }
        if !needs.is_empty() {
            needs.push(Needs { of: "files", all: vec![Need::Calls(Calls::Files)] });
        }
        // The addresses that a reload binds.
        let listens = [("server.listen", self.ports()), ("server.http", self.http_ports())];
        let listens = listens.into_iter().filter(|(_, ports)| file.is_some() && !ports.is_empty());
        // The dashboard is opened at the first request for it.
        let dashboard = Some(("server.dashboard", self.dashboard_ports()));
        let listens = listens.chain(dashboard.filter(|(_, ports)| !ports.is_empty()));
        let listens = listens.map(|(of, ports)| Needs { of, all: Config::needs_to_listen(ports) });
        needs.extend(listens);
        needs.extend([("forward", &self.forward), ("stub", &self.stub)].map(|(of, routes)| {
            let servers = || routes.iter().flat_map(|route| &route.servers);
            // Servers over QUIC get datagrams alone, which need no right.
            let over_tcp = servers().filter(|server| server.encrypted != Some(Transport::Quic));
            let ports = over_tcp.map(|server| Need::Connect(server.port));
            let is_encrypted = servers().any(UpstreamServer::is_encrypted);
            let certificates = is_encrypted.then(certificate_needs).into_iter().flatten();
            Needs { of, all: ports.chain(certificates).collect() }
        }));
        let upstreams = self.policy.upstreams().into_iter().flatten();
        let upstreams = upstreams.map(|server| Need::Connect(server.port()));
        needs.push(Needs { of: "policy.group.forward", all: upstreams.collect() });
        if !self.network.leases.is_empty() {
            needs.push(Needs { of: "network.leases", all: vec![Need::Calls(Calls::Watch)] });
        }
        let primaries = self.zone.iter().flat_map(|zone| zone.primaries.clone());
        let primaries = primaries.chain(self.local_root_primaries());
        let primaries = primaries.map(|primary| Need::Connect(primary.port()));
        needs.push(Needs { of: "zone.primaries", all: primaries.collect() });
        needs.push(self.needs_of_portals());
        needs.extend(self.needs_of_downloads(file));
        needs.extend(self.needs_of_dnstap());
        needs.extend(self.needs_of_orders());
        needs.push(zoners_net::needs(!self.resolver.source_addresses.is_empty()));
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_is_named_is_needed() {
        let text = "[resolver]\nroot-hints = \"/a/hints\"\n[dnssec]\ntrust-anchor = \"/b/anchors\"\n\
                    [local]\nhosts = \"/c/hosts\"\n[cache.redis]\nurl = \"redis://192.0.2.1\"\n\
                    ca-file = \"/d/ca\"\nsecret-file = \"/e/secret\"\n[server]\nstate = \"/f\"\n\
                    [[forward]]\nzone = \"lan\"\n\
                    servers = [\"192.0.2.1:5353\", \"https://192.0.2.1:8443\", \"quic://192.0.2.1:8853\"]\n";
        let config = Config::parse(text, "zoners.toml").unwrap();
        let needs = config.needs(Some(Path::new("/g/zoners.toml")));
        let needed = |need: &Need| needs.iter().any(|needs| needs.all.contains(need));
        for folder in ["/a", "/b", "/c", "/d", "/e", "/g"] {
            assert!(needed(&Need::Read(folder.into())), "{folder}");
        }
        assert!(needed(&Need::Write("/f".into())));
        assert!(needed(&Need::Connect(5353)) && needed(&Need::Connect(53)));
        assert!(
            needed(&Need::Connect(8443)) && !needed(&Need::Connect(8853)),
            "QUIC has datagrams"
        );
        assert!(needed(&Need::Calls(Calls::Files)) && needed(&Need::Calls(Calls::Network)));
        assert!(needed(&Need::Listen(53)) && needed(&Need::Calls(Calls::Listen)));
        assert_eq!(needed(&Need::PrivilegedPorts), is_privileged(53));
        assert!(!needed(&Need::Calls(Calls::Libraries)) && !needed(&Need::Bind));
    }

    #[test]
    fn files_of_leases_are_read_and_watched() {
        let text = "[network]\nleases = [\"/a/dnsmasq.leases\", \"/b/kea-leases4.csv\"]\n";
        let config = Config::parse(text, "zoners.toml").unwrap();
        let needs = config.needs(None);
        let needed = |need: &Need| needs.iter().any(|needs| needs.all.contains(need));
        assert!(needed(&Need::Read("/a".into())) && needed(&Need::Read("/b".into())));
        assert!(needed(&Need::Calls(Calls::Files)) && needed(&Need::Calls(Calls::Watch)));
        let none = Config::default().needs(None);
        assert!(!none.iter().any(|needs| needs.all.contains(&Need::Calls(Calls::Watch))));
    }

    #[test]
    fn the_ports_of_listeners_are_needed_by_a_reload_and_by_nothing_else() {
        let text = "[server]\nlisten = [\"127.0.0.1:5300\", \"[::1]:5301\", \"[::1]:5300\"]\n";
        let config = Config::parse(text, "zoners.toml").unwrap();
        let file = Some(Path::new("/g/zoners.toml"));
        let listens = config.needs(file).into_iter().find(|needs| needs.of == "server.listen");
        let ports = [Need::Listen(5300), Need::Listen(5301)];
        assert_eq!(listens.unwrap().all, [&ports[..], &[Need::Calls(Calls::Listen)]].concat());
        assert!(!config.needs_privilege(file));
        let needs_to_listen = |needs: &Needs| needs.of == "server.listen";
        assert!(!config.needs(None).iter().any(needs_to_listen));
        assert!(!Config::default().needs_privilege(None));
        let text = text.replace("listen", "http = [\"127.0.0.1:80\"]\nlisten");
        let config = Config::parse(&text, "zoners.toml").unwrap();
        let http = config.needs(file).into_iter().find(|needs| needs.of == "server.http");
        assert!(http.unwrap().all.contains(&Need::Listen(80)));
        assert_eq!(config.needs_privilege(file), is_privileged(80));
    }

    #[test]
    fn lists_by_address_need_their_ports_those_of_redirects_and_certificates() {
        let list = |key: &str| format!("[[policy.list]]\nname = \"a\"\n{key}\n");
        let needs = |key: &str| {
            let config = Config::parse(&list(key), "zoners.toml").unwrap();
            config.needs(None).into_iter().find(|needs| needs.of == "policy.list.url")
        };
        let of_file = needs("path = \"/a/b\"").unwrap().all;
        assert_eq!(
            of_file[..2],
            [Need::Connect(80), Need::Connect(443)],
            "the next list may be one"
        );
        let is_needed = |file: Option<&Path>| {
            let needs = Config::default().needs(file);
            needs.iter().any(|needs| needs.of == "policy.list.url")
        };
        assert!(!is_needed(None) && is_needed(Some(Path::new("/g/zoners.toml"))));
        let all = needs("url = \"https://lists.example:8443/a\"").unwrap().all;
        for port in [80, 443, 8443] {
            assert!(all.contains(&Need::Connect(port)), "{port}");
        }
        assert!(all.contains(&Need::List("/etc/ssl".into())));
        assert_eq!(needs("list = \"oisd-small\"").unwrap().all[0], Need::Connect(80));
    }

    #[test]
    fn a_configuration_without_files_needs_none() {
        let needs = Config::default().needs(None);
        let certificates: Vec<Need> = certificate_needs().collect();
        let all = needs.iter().flat_map(|needs| &needs.all);
        let all: Vec<&Need> = all.filter(|need| !certificates.contains(need)).collect();
        let (page, api) = (Need::Connect(80), Need::Connect(443));
        let dashboard = [&Need::Listen(5380), &Need::Calls(Calls::Listen)];
        let (dns, tls) = (Need::Connect(53), Need::Connect(853));
        let network = [&page, &page, &api, &Need::Calls(Calls::Network), &dns, &tls];
        let expected = [&dashboard[..], &network].concat();
        assert_eq!(all, expected);
    }
}
