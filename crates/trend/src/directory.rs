//! The servers and providers that have replied.

use std::collections::BTreeMap;

use zoners_dns::{Name, name};
use zoners_history::ServerRecord;

use crate::numbering::Numbering;
use crate::period::ServerIndex;

/// The most servers. Beyond, the half with the fewest periods is forgotten.
pub(crate) const MAX_SERVERS: usize = 4096;
/// A provider of this many zones, none within another, reveals no visited domain.
const SHARED_ZONES: usize = 3;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirectoryServer {
    /// The number of the server.
    pub(crate) number: u64,
    /// The number of the provider.
    pub(crate) provider: u64,
    /// Whether the address is of IPv6.
    pub(crate) ipv6: bool,
}

/// A provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct DirectoryProvider {
    /// The name; `None` until a reply has come since the start.
    pub(crate) name: Option<String>,
    /// Whether the provider serves many zones, so that its number may be written to the disk.
    pub(crate) is_shared: bool,
    /// Zones below top-level domains, none above another, as long as the provider is not shared.
    zones: Vec<Name>,
}

/// The servers and providers that have replied.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) servers: Vec<DirectoryServer>,
    indices: BTreeMap<u64, ServerIndex>,
    pub(crate) providers: BTreeMap<u64, DirectoryProvider>,
}

impl Directory {
    /// The place of a server that has replied for a zone; `None` if there is no room. A server under several names
    /// belongs to the provider of the first name, so that providers are no more than servers.
    pub(crate) fn index_of(
        &mut self,
        server: &ServerRecord,
        zone: &Name,
        numbering: &Numbering,
    ) -> Option<ServerIndex> {
        let name = server.provider();
        let (number, provider) = (numbering.server(server), numbering.provider(&name));
        let ipv6 = server.address.is_ipv6();
        let index = self.add(DirectoryServer { number, provider, ipv6 })?;
        // A zone served under a second name is no evidence for the provider of the first.
        if self.server(index).is_some_and(|server| server.provider == provider) {
            let known = self.providers.entry(provider).or_default();
            if !known.is_shared {
                known.note_zone(zone, &name);
            }
            known.name.get_or_insert(name);
        }
        Some(index)
    }

    /// The place of a server, which is added if there is room.
    pub(crate) fn add(&mut self, server: DirectoryServer) -> Option<ServerIndex> {
        if let Some(index) = self.indices.get(&server.number) {
            return Some(*index);
        }
        if self.servers.len() >= MAX_SERVERS {
            return None;
        }
        let index = ServerIndex::try_from(self.servers.len()).ok()?;
        self.servers.push(server);
        self.indices.insert(server.number, index);
        Some(index)
    }

    /// Whether no further server has room.
    pub(crate) fn is_full(&self) -> bool {
        self.servers.len() >= MAX_SERVERS
    }

    /// Whether the number of a server may be written to the disk.
    pub(crate) fn is_shared(&self, index: ServerIndex) -> bool {
        let provider = self.server(index).and_then(|server| self.providers.get(&server.provider));
        provider.is_some_and(|provider| provider.is_shared)
    }

    pub(crate) fn server(&self, index: ServerIndex) -> Option<&DirectoryServer> {
        self.servers.get(index as usize)
    }

    /// The name of a provider, if known.
    pub(crate) fn name(&self, provider: u64) -> Option<&str> {
        self.providers.get(&provider)?.name.as_deref()
    }

    /// Keeps the servers that `is_kept` picks; the new place of each old place.
    pub(crate) fn retain(
        &mut self,
        is_kept: impl Fn(ServerIndex) -> bool,
    ) -> BTreeMap<ServerIndex, ServerIndex> {
        let servers = std::mem::take(&mut self.servers);
        self.indices.clear();
        let mut moved = BTreeMap::new();
        for (old, server) in (0..).zip(servers) {
            if is_kept(old)
                && let Some(new) = self.add(server)
            {
                moved.insert(old, new);
            }
        }
        let used: std::collections::BTreeSet<u64> =
            self.servers.iter().map(|server| server.provider).collect();
        self.providers.retain(|number, _| used.contains(number));
        moved
    }
}

impl DirectoryProvider {
    /// A provider of many zones, without a name.
    pub(crate) fn shared() -> Self {
        DirectoryProvider { is_shared: true, ..DirectoryProvider::default() }
    }

    /// Takes note of a zone. The root and top-level domains say nothing of what was asked. A zone below a
    /// noted zone is not counted, and the domain of the provider counts once: a single domain may be cut into many zones.
    fn note_zone(&mut self, zone: &Name, provider: &str) {
        let domain = name::parse(provider).ok().filter(|domain| name::is_within(zone, domain));
        let zone = domain.as_ref().unwrap_or(zone);
        let is_top = name::depth(zone) <= 1;
        if !is_top && !self.zones.iter().any(|noted| name::is_within(zone, noted)) {
            self.zones.retain(|noted| !name::is_below(noted, zone));
            self.zones.push(zone.clone());
        }
        if is_top || self.zones.len() >= SHARED_ZONES {
            self.is_shared = true;
            self.zones = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::Transport;

    fn server(name: &str, address: &str) -> ServerRecord {
        let address = address.parse().unwrap();
        ServerRecord { name: name::parse(name).unwrap(), address, transport: Transport::Udp }
    }

    #[test]
    fn a_provider_of_one_domain_is_not_written() {
        let (mut directory, numbering) = (Directory::default(), Numbering::new([7; 16]));
        let own = server("ns1.clinic.example", "192.0.2.1:53");
        let mut asked = |server: &ServerRecord, zone: &str| {
            let index = directory.index_of(server, &name::parse(zone).unwrap(), &numbering);
            directory.is_shared(index.unwrap())
        };
        assert!(!asked(&own, "clinic.example"));
        assert!(!asked(&own, "clinic.example"));
        assert!(!asked(&own, "WWW.clinic.example"));
        let hoster = server("ns1.hoster.example", "192.0.2.2:53");
        assert!(!asked(&hoster, "a.example") && !asked(&hoster, "b.example"));
        assert!(asked(&hoster, "c.example"));
        assert!(asked(&server("a.gtld-servers.net", "192.0.2.3:53"), "com"));
    }

    #[test]
    fn a_domain_that_is_cut_into_zones_is_one_domain() {
        let numbering = Numbering::new([7; 16]);
        let is_shared_after = |server: &ServerRecord, zones: &[&str]| {
            let mut directory = Directory::default();
            let asked = |zone: &&str| {
                directory.index_of(server, &name::parse(zone).unwrap(), &numbering).unwrap()
            };
            let last = zones.iter().map(asked).last().unwrap();
            directory.is_shared(last)
        };
        let own = server("ns1.clinic.example", "192.0.2.1:53");
        assert!(!is_shared_after(
            &own,
            &["clinic.example", "a.clinic.example", "b.Clinic.example"]
        ));
        assert!(!is_shared_after(
            &own,
            &["a.clinic.example", "b.clinic.example", "c.clinic.example"]
        ));
        let hoster = server("ns1.hoster.example", "192.0.2.2:53");
        let cut = ["a.shop.example", "b.shop.example", "shop.example", "c.shop.example"];
        assert!(!is_shared_after(&hoster, &cut));
        assert!(is_shared_after(&hoster, &["shop.example", "a.example", "b.example"]));
        assert!(!is_shared_after(&hoster, &["shop.example", "hoster.example", "b.shop.example"]));
    }

    #[test]
    fn a_server_of_many_names_belongs_to_the_first() {
        let (mut directory, numbering) = (Directory::default(), Numbering::new([7; 16]));
        for number in 0..2 * MAX_SERVERS {
            let one = server(&format!("ns.hoster{number}.example"), "192.0.2.1:53");
            let zone = name::parse(&format!("zone{number}.example")).unwrap();
            let index = directory.index_of(&one, &zone, &numbering);
            assert_eq!(index, Some(0));
        }
        assert_eq!((directory.servers.len(), directory.providers.len()), (1, 1));
        let first = numbering.provider("hoster0.example");
        assert_eq!(directory.name(first), Some("hoster0.example"));
        assert!(!directory.is_shared(0), "one zone under the first name");
    }

    #[test]
    fn the_directory_is_full_at_its_limit() {
        let mut directory = Directory::default();
        let server = |number| DirectoryServer { number, provider: number, ipv6: false };
        for number in 0..MAX_SERVERS as u64 {
            assert!(directory.add(server(number)).is_some());
        }
        assert!(directory.is_full());
        assert_eq!(directory.add(server(1 << 40)), None);
        let moved = directory.retain(|index| index % 2 == 1);
        assert_eq!((directory.servers.len(), moved.get(&3)), (MAX_SERVERS / 2, Some(&1)));
        assert_eq!(directory.add(server(3)), Some(1), "known");
        assert!(directory.add(server(1 << 40)).is_some());
    }
}
