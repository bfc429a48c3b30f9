//! The proxy of macOS on port 53: mDNSResponder, for containers and virtual machines.
//!
//! Guests ask the machine at an address of their own network, where mDNSResponder listens at the wildcard addresses.
//! Since macOS 15 mDNSResponder does so always, before only while there are guests. The wildcards are bound without
//! `SO_REUSEADDR`: so an earlier listener at any address of the family keeps mDNSResponder away
//! (github.com/apple/container/issues/402). A later program can listen beside mDNSResponder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::PortListener;

/// The name of the program in `lsof`, which may cut it to nine letters.
const NAME: &str = "mDNSRespo";

/// Whether this system has such a proxy.
pub const HAS_SYSTEM_PROXY: bool = cfg!(target_os = "macos");
/// The port of the proxy.
pub const SYSTEM_PROXY_PORT: u16 = 53;

/// Whether guests of macOS can ask this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemProxy {
    /// mDNSResponder listens at the IPv4 wildcard: guests are served.
    Listens,
    /// mDNSResponder listens over IPv6 alone, since the IPv4 port was taken before: guests have no DNS.
    ShutOut,
    /// mDNSResponder does not listen: guests that start later have no DNS.
    Absent,
}

impl SystemProxy {
    /// The state of the proxy among the `listeners` of the port.
    #[must_use]
    pub fn among(listeners: &[PortListener]) -> Self {
        let listens_at = |wildcard: IpAddr| {
            let is_proxy = |listener: &PortListener| listener.owner.name.starts_with(NAME);
            listeners.iter().filter(|one| is_proxy(one)).any(|one| one.address == wildcard)
        };
        match (listens_at(Ipv4Addr::UNSPECIFIED.into()), listens_at(Ipv6Addr::UNSPECIFIED.into())) {
            (true, _) => SystemProxy::Listens,
            (false, true) => SystemProxy::ShutOut,
            (false, false) => SystemProxy::Absent,
        }
    }

    /// The consequence for a user, if there is one, while a program listens on port 53 over IPv4.
    #[must_use]
    pub fn warning(self) -> Option<&'static str> {
        match self {
            SystemProxy::Listens => None,
            SystemProxy::ShutOut => Some(
                "mDNSResponder has no port 53 over IPv4: containers and virtual machines of macOS have no DNS \
                 (apple/container#402); start the first of them before Zoners",
            ),
            SystemProxy::Absent => Some(
                "mDNSResponder does not listen on port 53 yet: containers and virtual machines of macOS that start \
                 later may have no DNS (apple/container#402); start the first of them before Zoners",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::lsof::listeners;

    /// With a resolver that was there first, from github.com/apple/container/issues/402; the resolver's name is ours.
    const SHUT_OUT: &str = "\
COMMAND          PID  USER            FD  TYPE  NODE  NAME
mDNSResponder    496  _mdnsresponder  34u IPv6  UDP   *:53
mDNSResponder    496  _mdnsresponder  48u IPv6  TCP   *:53 (LISTEN)
zoners           700  root            10u IPv4  UDP   127.0.0.1:53
zoners           700  root            11u IPv4  TCP   127.0.0.1:53 (LISTEN)
";

    #[test]
    fn a_proxy_that_was_shut_out_listens_over_ipv6_alone() {
        let state = |text: &str| SystemProxy::among(&listeners(text, 53));
        assert_eq!(state(SHUT_OUT), SystemProxy::ShutOut);
        let beside = SHUT_OUT.replace("34u IPv6", "34u IPv4");
        assert_eq!(state(&beside), SystemProxy::Listens);
        let alone: Vec<&str> = SHUT_OUT.lines().filter(|line| !line.starts_with(NAME)).collect();
        assert_eq!(state(&alone.join("\n")), SystemProxy::Absent);
        assert_eq!(SystemProxy::Listens.warning(), None);
        assert!(SystemProxy::ShutOut.warning().is_some_and(|text| text.contains("have no DNS")));
    }
}
