//! The label for the name sent by a device. A device may send anything, and gets a label alone.

use std::fmt;

use zoners_dns::Name;

/// The longest label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;
/// Names by which programs find services or this machine: a device with such a name would get requests for something else.
const RESERVED: [&str; 8] = [
    // Proxy settings are fetched from this host.
    "wpad",
    // The host is a tunnel for IPv6 (RFC 5214).
    "isatap",
    "localhost",
    "localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
];

/// Why a name is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelFault {
    /// No name of a host.
    NoHostName,
    /// A name with a meaning.
    Reserved,
}

impl fmt::Display for LabelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LabelFault::NoHostName => "which is no host name",
            LabelFault::Reserved => "which is reserved",
        })
    }
}

/// The label below `zone` for a name. A domain in the name never counts: `www.bank.example` becomes
/// `www`, as with dnsmasq.
pub(super) fn label(name: &str, zone: &Name) -> Result<String, LabelFault> {
    let first = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_inner = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    let octets = first.as_bytes();
    let ends = [octets.first(), octets.last()];
    let is_bounded = ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric));
    if !is_bounded || octets.len() > MAX_LABEL || !octets.iter().copied().all(is_inner) {
        return Err(LabelFault::NoHostName);
    }
    // Where the domain is `lan`, `lan.lan` would only confuse.
    let is_zone = zone.iter().next().is_some_and(|label| label.as_slice() == octets);
    match RESERVED.contains(&first.as_str()) || is_zone {
        true => Err(LabelFault::Reserved),
        false => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    fn of(name: &str) -> Result<String, LabelFault> {
        label(name, &name::parse("lan").unwrap())
    }

    #[test]
    fn a_device_gets_a_label_and_no_domain() {
        for (sent, label) in [
            ("Katze", "katze"),
            ("laptop.lan", "laptop"),
            ("laptop.lan.", "laptop"),
            ("www.bank.example", "www"),
            ("LIVING_ROOM-TV", "living_room-tv"),
            ("42", "42"),
            ("xn--bcher-kva", "xn--bcher-kva"),
        ] {
            assert_eq!(of(sent).as_deref(), Ok(label), "{sent}");
        }
    }

    #[test]
    fn names_of_services_and_odd_names_are_refused() {
        for sent in ["wpad", "WPAD", "wpad.lan", "isatap.example", "localhost", "lan", "Local"] {
            assert_eq!(of(sent), Err(LabelFault::Reserved), "{sent}");
        }
        let long = "x".repeat(64);
        for sent in [
            "", ".", ".lan", "-x", "x-", "_dmarc", "*", "a b", "a\\b", "bücher", "a\0", "a\n", "@",
            &long,
        ] {
            assert_eq!(of(sent), Err(LabelFault::NoHostName), "{sent:?}");
        }
    }

    #[test]
    fn whatever_a_device_sends_is_one_label() {
        let odd = "aZ09-_.*\\\"{};\n\0 \u{e4}\u{202e}@/";
        let pairs = odd.chars().flat_map(|one| odd.chars().map(move |other| (one, other)));
        for (one, other) in pairs {
            for sent in
                [format!("{one}{other}"), format!("a{one}{other}z"), format!("{one}.{other}")]
            {
                let Ok(label) = of(&sent) else { continue };
                let parsed = name::parse(&format!("{label}.lan")).unwrap();
                assert_eq!(name::depth(&parsed), 2, "{sent:?}");
            }
        }
    }
}
