//! Reports of network changes, by the BSDs and macOS.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::net::{AddressFamily, SocketType};

use crate::networks::AdvertisedOptions;
use crate::program::output;
use crate::reports::route;

/// A routing socket (route(4)): readable when links, addresses or routes change.
pub(crate) fn event_socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::ROUTE, SocketType::RAW, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// Whether the reports tell something new: the system reports no options of router advertisements.
pub(crate) fn take_reports(_: &[u8], _: &mut AdvertisedOptions, _: Instant) -> bool {
    true
}

pub(crate) fn gateway() -> Option<Ipv4Addr> {
    route::gateway(&output("/sbin/route", &["-n", "get", "-inet", "default"])?)
}
