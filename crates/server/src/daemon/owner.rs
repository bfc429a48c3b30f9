//! Another Zoners that has the addresses already: for the person who wonders why they are taken.

use std::net::SocketAddr;

use zoners_host::paths::runtime::control_sockets;
use zoners_host::ports;

use crate::config::Config;
use crate::control;

/// What the system calls Zoners.
const OURS: &str = "zoners";

/// The process of another Zoners that serves where `config` wants to, if there is one, as the control socket
/// or the system tells.
pub(super) fn running(config: &Config) -> Option<String> {
    let wanted = config.listens().addresses;
    let status = control::status(&control_sockets(config.server.control.as_deref()));
    let listens = status.iter().flat_map(|status| status["listen"].as_array()).flatten();
    let mut listens = listens.filter_map(|address| address.as_str()?.parse::<SocketAddr>().ok());
    if listens.any(|other| wanted.iter().any(|own| collide(*own, other))) {
        return status.map(|status| status["process"].to_string());
    }
    let owner = wanted.iter().find_map(|address| ports::owner(address.port()))?;
    Some(owner).filter(|owner| owner.name == OURS).map(|owner| owner.process)
}

/// Whether two addresses cannot be bound by different processes.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let either_is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || either_is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_if_one_is_the_other_or_any() {
        let collide =
            |one: &str, other: &str| collide(one.parse().unwrap(), other.parse().unwrap());
        assert!(collide("127.0.0.1:53", "127.0.0.1:53") && collide("0.0.0.0:53", "127.0.0.1:53"));
        assert!(collide("[::1]:53", "[::]:53"));
        assert!(!collide("127.0.0.1:53", "127.0.0.2:53") && !collide("0.0.0.0:53", "127.0.0.1:54"));
        assert!(!collide("0.0.0.0:53", "[::1]:53"));
    }
}
