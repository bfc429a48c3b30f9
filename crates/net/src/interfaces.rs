//! The interfaces of this machine: their addresses, and what is reached through them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod others;

use std::io;
use std::net::IpAddr;

use zoners_dns::Prefix;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use others as system;

/// An interface that is up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// What the system calls it.
    pub name: String,
    /// It leads nowhere but to this machine.
    pub loopback: bool,
    /// It is a tunnel or a line to one other machine, not a link that others are on.
    pub tunnel: bool,
    /// Packets to everywhere may leave by it, whether or not another interface is preferred.
    pub default_route: bool,
    /// Its addresses, each with the length of its prefix.
    pub addresses: Vec<(IpAddr, u8)>,
    /// What is reached through it without a gateway.
    pub routes: Vec<Prefix>,
}

/// The interfaces that are up.
///
/// # Errors
/// The system does not tell.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    system::interfaces()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_loopback_interface() {
        let interfaces = interfaces().unwrap();
        let own = interfaces.iter().find(|interface| interface.loopback).unwrap();
        assert!(!own.name.is_empty() && !own.tunnel && !own.default_route, "{own:?}");
        assert!(own.addresses.contains(&([127, 0, 0, 1].into(), 8)), "{own:?}");
    }
}
