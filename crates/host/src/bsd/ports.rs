//! Ports of the BSDs and macOS.

use crate::ports::PortOwner;

/// The usual port counts, whatever `net.inet.ip.portrange.reservedhigh` says: `sysctl` takes `unsafe`.
pub(crate) fn first_unprivileged() -> Option<u16> {
    None
}

/// Told by `sysctl` alone, which takes `unsafe`.
pub(crate) fn owner(_: u16) -> Option<PortOwner> {
    None
}
