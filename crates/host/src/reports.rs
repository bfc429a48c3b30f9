//! What programs of macOS and the BSDs report: their output as values.
//!
//! These systems answer some questions by sysctl(3) or a routing socket alone, which takes `unsafe`; the programs of
//! the system ask the same. The parsers are compiled for the tests of every
//! system; parsers for plans are part of every system, since a plan is data.

#[cfg(any(not(any(target_os = "linux", target_os = "macos")), test))]
pub(crate) mod boot_time;
pub(crate) mod dscl;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod fstat;
pub(crate) mod launchctl;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod lsof;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod neighbour_tables;
pub(crate) mod networksetup;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod route;
#[cfg(any(target_os = "macos", test))]
pub(crate) mod scutil_dns;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod sockstat;

#[cfg(any(not(target_os = "linux"), test))]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg(any(not(target_os = "linux"), test))]
use crate::ports::PortListener;

/// The listeners at `port`; `read` reads a line of the report.
#[cfg(any(not(target_os = "linux"), test))]
fn listeners_at(
    port: u16,
    text: &str,
    read: impl Fn(&str) -> Option<(u16, PortListener)>,
) -> Vec<PortListener> {
    let all = text.lines().filter_map(read);
    all.filter_map(|(at, listener)| (at == port).then_some(listener)).collect()
}

/// The address and the port in a text like `127.0.0.1:53`, `[::1]:53`, `::1:53` or `*:53`; `*` is the wildcard of the
/// family.
#[cfg(any(not(target_os = "linux"), test))]
fn address_and_port(text: &str, is_ipv6: bool) -> Option<(IpAddr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    // The zone of a link-local address says nothing about the owner of a port.
    let address = address.split('%').next()?;
    let address = match (address, is_ipv6) {
        ("*", true) => Ipv6Addr::UNSPECIFIED.into(),
        ("*", false) => Ipv4Addr::UNSPECIFIED.into(),
        (address, _) => address.parse().ok()?,
    };
    Some((address, port.parse().ok()?))
}
