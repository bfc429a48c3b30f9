//! Addresses and names of the HTTP service.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use serde::Deserializer;
use zoners_dns::name;

use super::super::values;
use super::readers::{TextValue, list, text};

/// The port of the HTTP service, unless the address has one.
const HTTP_PORT: u16 = 8053;

/// The port of the dashboard, unless the address has one.
const DASHBOARD_PORT: u16 = 5380;
/// The port of the dashboard over TLS, unless the address has one.
const DASHBOARD_HTTPS_PORT: u16 = 5443;
/// The address of the dashboard by default.
pub(super) const DASHBOARD: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, DASHBOARD_PORT));

/// `server.http`
pub(super) fn addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SocketAddr>, D::Error> {
    let addresses: Vec<HttpAddress> = list(deserializer)?;
    Ok(addresses.into_iter().map(|address| address.0).collect())
}

/// `server.http-names`
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<HttpName> = list(deserializer)?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// `server.dashboard`
pub(super) fn dashboard<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    text(deserializer).map(|DashboardAddress(address)| address)
}

/// `server.dashboard-https`
pub(super) fn dashboard_https<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    text(deserializer).map(|DashboardHttpsAddress(address)| Some(address))
}

/// An address at which browsers of other machines reach the dashboard.
struct DashboardHttpsAddress(SocketAddr);

impl TextValue for DashboardHttpsAddress {
    const ALLOWED: &'static str = "an address, with a port other than 5443 if it has one, such as \"0.0.0.0\" or \
                                   \"[::]:8443\"";

    fn read(text: &str) -> Option<Self> {
        values::address(text, DASHBOARD_HTTPS_PORT).map(DashboardHttpsAddress)
    }
}

/// An address of this machine alone: over a network, a password and TLS are needed.
struct DashboardAddress(Option<SocketAddr>);

impl TextValue for DashboardAddress {
    const ALLOWED: &'static str = "an address of this machine alone, with a port other than 5380 if it has one, such as \
                                   \"127.0.0.1\" or \"[::1]:8080\"; or \"\" for no dashboard (`dashboard-https` is for other machines)";

    fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(DashboardAddress(None));
        }
        let address = values::address(text, DASHBOARD_PORT)?;
        address.ip().is_loopback().then_some(DashboardAddress(Some(address)))
    }
}

struct HttpAddress(SocketAddr);

impl TextValue for HttpAddress {
    const ALLOWED: &'static str = "an address, with a port other than 8053 if it has one, such as \"127.0.0.1\" or \
                                   \"[::1]:8080\"";

    fn read(text: &str) -> Option<Self> {
        values::address(text, HTTP_PORT).map(HttpAddress)
    }
}

/// A name without the last dot, or an address.
struct HttpName(String);

impl TextValue for HttpName {
    const ALLOWED: &'static str =
        "a name or an address without a port, such as \"dns.home.arpa\" or \"192.0.2.1\"";

    fn read(text: &str) -> Option<Self> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let is_name = !bare.is_empty() && bare.chars().all(is_letter) && name::parse(bare).is_ok();
        (is_name || bare.parse::<IpAddr>().is_ok()).then(|| HttpName(bare.to_owned()))
    }
}
