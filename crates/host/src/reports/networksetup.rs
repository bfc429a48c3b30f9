//! `networksetup` (macOS): the network services of the machine, and the servers set for a service by hand.

/// The begin of the line that explains the list.
const HEADING: &str = "An asterisk (*) denotes";
/// The begin of the line for a service without servers.
const NONE_SET: &str = "There aren't any DNS Servers set on ";

/// The services in use, of `networksetup -listallnetworkservices`: a disabled service has an asterisk before the name.
pub(crate) fn services(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(HEADING));
    lines.filter(|line| !line.starts_with('*')).map(str::to_owned).collect()
}

/// All servers set for a service, of `networksetup -getdnsservers SERVICE`; no servers where the network names them.
/// None for a message about an unknown service.
pub(crate) fn servers(text: &str) -> Option<Vec<String>> {
    if text.starts_with(NONE_SET) {
        return Some(Vec::new());
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // The zone of a link-local address is no part of the address.
    let is_address = |line: &&str| {
        let address = line.split('%').next().unwrap_or_default();
        address.parse::<std::net::IpAddr>().is_ok()
    };
    let is_list = !lines.is_empty() && lines.iter().all(is_address);
    is_list.then(|| lines.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From github.com/mageddo/dns-proxy-server/pull/335.
    const SERVICES: &str = "\
An asterisk (*) denotes that a network service is disabled.
USB 10/100/1000 LAN
Wi-Fi
Thunderbolt Bridge
";
    const NONE: &str = "There aren't any DNS Servers set on Wi-Fi. \n";
    const TWO: &str = "8.8.8.8\n8.8.4.4\n";
    /// From github.com/chrisgrieser/alfred-atop/issues/3.
    const UNKNOWN: &str = "\
Ethernet is not a recognized network service.
** Error: The parameters were not valid.
";

    #[test]
    fn services_in_use_are_listed_with_their_spaces() {
        assert_eq!(services(SERVICES), ["USB 10/100/1000 LAN", "Wi-Fi", "Thunderbolt Bridge"]);
        let disabled = SERVICES.replace("Thunderbolt Bridge", "*Thunderbolt Bridge");
        assert_eq!(services(&disabled), ["USB 10/100/1000 LAN", "Wi-Fi"]);
        assert_eq!(services(""), [""; 0]);
    }

    /// Issue 182 of github.com/razvandimescu/numa: the second of two servers did not come back.
    #[test]
    fn all_servers_of_a_service_are_read() {
        assert_eq!(servers(TWO).unwrap(), ["8.8.8.8", "8.8.4.4"]);
        assert_eq!(servers("fe80::1%en0\n").unwrap(), ["fe80::1%en0"]);
        assert_eq!(servers(NONE).unwrap(), [""; 0]);
        assert_eq!(servers(UNKNOWN), None);
        assert_eq!(servers(""), None, "a program that says nothing is no service without servers");
    }
}
