//! The networks of this machine: links, their resolvers and domains, and an identifier of the network.
//!
//! [`NetworkFacts::read`] asks the kernel for links, addresses and routes, and the programs that manage the network for
//! resolvers and domains. Those programs are read by their files, so that a daemon in a sandbox can look; a program that
//! may start others adds the output of theirs ([`ProgramUse::Allowed`]). On Linux the sources are:
//!
//! | source | place |
//! |---|---|
//! | systemd-resolved | `/run/systemd/resolve/netif`: settings made over D-Bus, as by a VPN or NetworkManager |
//! | systemd-networkd | `/run/systemd/netif/links`, and `leases` of DHCP; `networkctl` |
//! | NetworkManager | `nmcli` and `busctl`, and `/run/NetworkManager/no-stub-resolv.conf` for the machine as a whole |
//! | resolvconf | `/run/resolvconf/interface`, `interfaces` and `keys`, as of WireGuard |
//! | dhcpcd | `/run/dhcpcd/resolv.conf` and `hook-state/resolv.conf` |
//! | dhclient | leases in `/var/lib/dhcp`, `/var/lib/dhclient` and `/var/lib/NetworkManager` |
//! | routers | [`AdvertisedOptions`], where the kernel takes in advertisements |
//! | Tailscale | the route to its resolver, 100.100.100.100 |
//! | root | `/run/zoners-dns/networks.json`: sources that root alone can read, and `/etc/resolv.conf` before Zoners |
//! | resolv.conf | `/etc/resolv.conf`, and `/run/systemd/resolve/resolv.conf` |
//!
//! On macOS `scutil --dns` tells; on other systems `/etc/resolv.conf` does. route(8), arp(8) and ndp(8) tell routers there.
//!
//! A link keeps the settings of each source, best source first: the settings in use are those of the first source with
//! a resolver, whereas facts of DHCP may come from any.

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems report no options"))]
mod advertised;
mod assemble;
mod facts;
mod identity;
#[cfg(any(target_os = "linux", test))]
mod resolver_text;
mod settings;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod system_resolvers;

pub use advertised::AdvertisedOptions;
#[cfg(target_os = "linux")]
pub(crate) use assemble::LinkNaming;
pub(crate) use assemble::{SourceReport, assemble};
pub use facts::{DefaultRoute, LinkFacts, NetworkFacts};
pub use identity::{NetworkId, NetworkSecret};
#[cfg(target_os = "linux")]
pub(crate) use resolver_text::resolver;
pub use settings::{DnsSettings, FactSource, ResolverAddress};

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use crate::interfaces::LinkKind;
use crate::interfaces::interfaces;
use crate::system;

/// Whether programs of the system may be started to ask for facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramUse {
    /// Files alone are read, as in a sandbox. macOS has no such files, and no sandbox.
    Forbidden,
    /// Programs such as `nmcli` are asked, which takes up to some seconds.
    Allowed,
}

impl NetworkFacts {
    /// The present facts. What a source does not tell is left out: there is no error.
    #[must_use]
    pub fn read(programs: ProgramUse) -> Self {
        let mut interfaces = interfaces().unwrap_or_default();
        system::networks::add_gateways(&mut interfaces);
        let reports = system::networks::reports(Path::new("/"), programs, &interfaces);
        let mut facts = assemble(&interfaces, reports);
        facts.add_hardware_addresses(&system::networks::neighbours());
        facts
    }

    fn add_hardware_addresses(&mut self, neighbours: &[LinkNeighbour]) {
        for route in &mut self.default_routes {
            let link = self.links.iter().find(|link| link.name == route.link);
            let Some((link, gateway)) = link.zip(route.gateway) else { continue };
            let is_router =
                |known: &&LinkNeighbour| known.index == link.index && known.address == gateway;
            let router = neighbours.iter().find(is_router);
            route.hardware_address = router.map(|router| router.hardware_address);
        }
    }
}

/// A machine on a link, with a known hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkNeighbour {
    /// The number of the interface.
    pub(crate) index: u32,
    pub(crate) address: IpAddr,
    pub(crate) hardware_address: [u8; 6],
}

/// A machine on a link, by address and hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardwareNeighbour {
    /// The address on the link.
    pub address: IpAddr,
    /// The hardware address.
    pub hardware_address: [u8; 6],
}

/// The machines on the links that have sent a packet lately. Linux is asked by netlink, macOS and the BSDs by `arp` and
/// `ndp`. What the system does not tell is left out.
#[must_use]
pub fn hardware_neighbours() -> Vec<HardwareNeighbour> {
    system::networks::hardware_neighbours()
}

/// When managers of the network last wrote settings, by the folders of their files: cheap to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsStamp(Vec<Option<SystemTime>>);

impl SettingsStamp {
    /// The present stamp. Managers replace files, which changes the folder; a lease that is appended to a file comes
    /// with an address, which the kernel reports.
    #[must_use]
    pub fn now() -> Self {
        let changed = |folder: &&str| fs::metadata(folder).and_then(|about| about.modified()).ok();
        SettingsStamp(system::networks::WRITTEN_FOLDERS.iter().map(changed).collect())
    }
}

/// The folder in which root reports settings to the daemon, if the system has one. Unlike [`folders`], this folder may be
/// removed and made again while a daemon runs.
#[must_use]
pub fn report_folder() -> Option<&'static Path> {
    system::networks::REPORT_FOLDER.map(Path::new)
}

/// The folders with files of the sources, for the rights of a sandbox.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    system::networks::FOLDERS.iter().map(PathBuf::from).collect()
}
