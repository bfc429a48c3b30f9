//! A second Zoners with the same addresses: an explanation for a person at the terminal.

use std::net::SocketAddr;

use zoners_host::paths::runtime::control_sockets;
use zoners_host::ports;

use super::listeners::collide;
use crate::config::{AddressSpec, Config};
use crate::control;

/// The name of the program, as the system tells.
const OURS: &str = "zoners";

/// The process of a Zoners serving an address wanted by `config`, as the control socket or the
/// system tells.
pub(super) fn running(config: &Config) -> Option<String> {
    let wanted = AddressSpec::addresses(&config.listeners());
    let status = control::status(&control_sockets(config.server.control.as_deref()));
    let listens = status.iter().flat_map(|status| &status.listen);
    let mut listens = listens.filter_map(|address| address.parse::<SocketAddr>().ok());
    if listens.any(|other| wanted.iter().any(|own| collide(*own, other))) {
        return status.map(|status| status.process.to_string());
    }
    let owner = wanted.iter().find_map(|address| ports::owner(address.port()))?;
    Some(owner).filter(|owner| owner.name == OURS).map(|owner| owner.process)
}
