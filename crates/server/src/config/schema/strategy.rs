//! Values of `[network]` that choose the strategy on a network.

use serde::Deserialize;

use super::readers::TextValue;

/// `network.when-unvalidated`: what to do where a network blocks DNS, and its own resolver leaves nothing that can be
/// validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnvalidated {
    /// Answer with an error.
    #[default]
    Refuse,
    /// Hand the answers of the network's resolver on.
    Forward,
}

/// An item of `network.portal-probes`: an address of HTTP, and the beginning of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalProbe {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, with the leading slash.
    pub path: String,
    /// The beginning of the content where there is no portal; empty for a reply without content (204).
    pub expected: String,
}

impl TextValue for PortalProbe {
    const ALLOWED: &'static str = "an address of http:// without a password, after a space followed by the beginning \
                                   of its content, such as \"http://probe.example/check.txt success\"";

    fn read(text: &str) -> Option<Self> {
        let (address, expected) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let rest = address.strip_prefix("http://")?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
            None => (authority, 80),
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let is_host = !host.is_empty()
            && host.chars().all(is_letter)
            && zoners_dns::name::parse(host).is_ok();
        let is_path = path.chars().all(|letter| letter.is_ascii_graphic());
        (is_host && is_path).then(|| PortalProbe {
            host: host.to_ascii_lowercase(),
            port,
            path: path.to_owned(),
            expected: expected.trim().to_owned(),
        })
    }
}

/// Addresses that systems ask to find portals: of Mozilla and of GNOME. The second is asked if the first does not reply.
const PORTAL_PROBES: [&str; 2] = [
    "http://detectportal.firefox.com/success.txt success",
    "http://nmcheck.gnome.org/check_network_status.txt NetworkManager is online",
];

/// The default of `network.portal-probes`.
pub(super) fn portal_probes() -> Vec<PortalProbe> {
    PORTAL_PROBES.into_iter().filter_map(PortalProbe::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_an_address_and_the_beginning_of_its_content() {
        assert_eq!(portal_probes().len(), PORTAL_PROBES.len());
        let probe = PortalProbe::read("http://Probe.example.:8080/a?b=c it is  up ").unwrap();
        assert_eq!((&*probe.host, probe.port, &*probe.path), ("probe.example", 8080, "/a?b=c"));
        assert_eq!(probe.expected, "it is  up");
        let bare = PortalProbe::read("http://probe.example").unwrap();
        assert_eq!((bare.port, &*bare.path, &*bare.expected), (80, "/", ""));
        for wrong in [
            "",
            "probe.example",
            "https://probe.example/",
            "http://",
            "http://a@probe.example/",
            "http://probe.example:0/",
            "http://probe.example/ü",
            "http://[::1]/",
        ] {
            assert_eq!(PortalProbe::read(wrong), None, "{wrong}");
        }
    }
}
