//! Options of router advertisements, as the kernel hands them on: resolvers (RFC 8106), the captive portal's API
//! (RFC 8910) and the prefixes of a NAT64 (RFC 8781).
//!
//! Linux reports the options that user space needs (`RTM_NEWNDUSEROPT` of rtnetlink), to every user, but only where the
//! kernel itself takes in the advertisements: systemd-networkd, NetworkManager and dhcpcd do so in its place. Nothing is
//! reported of an advertisement from before the daemon's start.

use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::{Duration, Instant};

use super::facts::NetworkFacts;
use super::settings::{DnsSettings, FactSource};

/// Options that are remembered; further ones are passed over.
const MAX_OPTIONS: usize = 64;
/// Octets in the unit of the length of an option (RFC 4861 section 4.6).
const LENGTH_UNIT: usize = 8;
/// Types of options (RFC 8106, RFC 8910, RFC 8781).
const RESOLVERS: u8 = 25;
const PORTAL_API: u8 = 37;
const NAT64_PREFIX: u8 = 38;
/// Bits of the prefix, by the code in the option (RFC 8781 section 4).
const PREFIX_LENGTHS: [u8; 6] = [96, 64, 56, 48, 40, 32];
/// Octets of the longest prefix in the option.
const PREFIX_OCTETS: usize = 12;
/// Octets of the address of an API.
const MAX_ADDRESS: usize = 1024;
/// An API has no lifetime of its own and ends with the link.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
const DNS_PORT: u16 = 53;

/// The options that routers have advertised, until their lifetimes end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdvertisedOptions {
    options: Vec<AdvertisedOption>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct AdvertisedOption {
    /// The number of the interface.
    link: u32,
    value: AdvertisedValue,
    expires: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AdvertisedValue {
    Resolver(Ipv6Addr),
    PortalApi(String),
    Nat64Prefix(Ipv6Addr, u8),
}

impl AdvertisedOptions {
    /// Takes in the options of an advertisement on a link. True if a value is new or gone.
    pub(crate) fn observe(&mut self, link: u32, options: &[u8], now: Instant) -> bool {
        let before = self.values();
        for (value, lifetime) in values_in(options) {
            self.options.retain(|known| known.link != link || known.value != value);
            if !lifetime.is_zero() && self.options.len() < MAX_OPTIONS {
                self.options.push(AdvertisedOption { link, value, expires: now + lifetime });
            }
        }
        self.options.retain(|known| known.expires > now);
        self.values() != before
    }

    /// Forgets a link that is down: the next network has other routers. True if a value is gone.
    pub(crate) fn forget(&mut self, link: u32) -> bool {
        let before = self.options.len();
        self.options.retain(|known| known.link != link);
        self.options.len() != before
    }

    /// The values, in an order that does not depend on the order of arrival.
    fn values(&self) -> Vec<(u32, String)> {
        let mut values: Vec<_> =
            self.options.iter().map(|known| (known.link, format!("{:?}", known.value))).collect();
        values.sort();
        values
    }

    fn settings(&self, link: u32, now: Instant) -> DnsSettings {
        let mut settings = DnsSettings::of(FactSource::RouterAdvertisement);
        let is_of = |known: &&AdvertisedOption| known.link == link && known.expires > now;
        for known in self.options.iter().filter(is_of) {
            match &known.value {
                AdvertisedValue::Resolver(ip) => {
                    let scope = if ip.is_unicast_link_local() { link } else { 0 };
                    let address = SocketAddrV6::new(*ip, DNS_PORT, 0, scope);
                    settings.resolvers.push(std::net::SocketAddr::from(address).into());
                }
                AdvertisedValue::PortalApi(address) => settings.portal_api = Some(address.clone()),
                AdvertisedValue::Nat64Prefix(prefix, bits) => {
                    settings.nat64_prefixes.push((*prefix, *bits));
                }
            }
        }
        settings
    }
}

impl NetworkFacts {
    /// Adds the options that routers have advertised on present links.
    #[must_use]
    pub fn with_advertised(mut self, advertised: &AdvertisedOptions, now: Instant) -> Self {
        for link in &mut self.links {
            let settings = advertised.settings(link.index, now);
            if !settings.is_empty() {
                link.settings.push(settings);
                link.settings.sort_by_key(|settings| settings.source);
            }
        }
        self
    }
}

/// The known values among options, each with its lifetime. Options that are malformed are passed over.
fn values_in(mut options: &[u8]) -> Vec<(AdvertisedValue, Duration)> {
    let mut values = Vec::new();
    while let [kind, units, ..] = options {
        let length = usize::from(*units) * LENGTH_UNIT;
        let Some((option, rest)) = options.split_at_checked(length).filter(|_| length > 0) else {
            break;
        };
        options = rest;
        match *kind {
            RESOLVERS => values.extend(resolvers_in(option)),
            PORTAL_API => values.extend(portal_api_in(option)),
            NAT64_PREFIX => values.extend(nat64_prefix_in(option)),
            _ => {}
        }
    }
    values
}

/// RFC 8106 section 5.1: a lifetime in seconds, and addresses.
fn resolvers_in(option: &[u8]) -> Vec<(AdvertisedValue, Duration)> {
    let Some(lifetime) = option.get(4..8).and_then(|octets| octets.first_chunk()) else {
        return Vec::new();
    };
    let lifetime = Duration::from_secs(u32::from_be_bytes(*lifetime).into());
    let addresses = option.get(8..).unwrap_or_default().as_chunks::<16>().0;
    let value = |octets: &[u8; 16]| AdvertisedValue::Resolver(Ipv6Addr::from(*octets));
    addresses.iter().map(|octets| (value(octets), lifetime)).collect()
}

/// RFC 8910 section 2.3: the address as text, filled up with zeros.
fn portal_api_in(option: &[u8]) -> Option<(AdvertisedValue, Duration)> {
    let text = str::from_utf8(option.get(2..)?).ok()?.trim_end_matches('\0');
    let is_address = text.len() <= MAX_ADDRESS && text.bytes().all(|it| it.is_ascii_graphic());
    (is_address && !text.is_empty()).then(|| (AdvertisedValue::PortalApi(text.to_owned()), FOREVER))
}

/// RFC 8781 section 4: a lifetime in eights of seconds, a code for the length, and the upper 96 bits.
fn nat64_prefix_in(option: &[u8]) -> Option<(AdvertisedValue, Duration)> {
    let both = u16::from_be_bytes(*option.get(2..)?.first_chunk()?);
    let bits = *PREFIX_LENGTHS.get(usize::from(both & 7))?;
    let mut octets = [0; 16];
    octets.get_mut(..PREFIX_OCTETS)?.copy_from_slice(option.get(4..4 + PREFIX_OCTETS)?);
    let value = AdvertisedValue::Nat64Prefix(Ipv6Addr::from(octets), bits);
    Some((value, Duration::from_secs((both & !7).into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::LinkFacts;

    fn pref64(lifetime: u16, code: u16) -> Vec<u8> {
        let mut option = vec![NAT64_PREFIX, 2];
        option.extend((lifetime & !7 | code).to_be_bytes());
        option.extend([0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]);
        option
    }

    fn rdnss(lifetime: u32, address: &str) -> Vec<u8> {
        let mut option = vec![RESOLVERS, 3, 0, 0];
        option.extend(lifetime.to_be_bytes());
        option.extend(address.parse::<Ipv6Addr>().unwrap().octets());
        option
    }

    fn portal(text: &str) -> Vec<u8> {
        let mut option = [&[PORTAL_API, 0][..], text.as_bytes()].concat();
        option.resize(option.len().next_multiple_of(LENGTH_UNIT), 0);
        option[1] = (option.len() / LENGTH_UNIT) as u8;
        option
    }

    fn settings(options: &AdvertisedOptions, now: Instant) -> Vec<DnsSettings> {
        let link = |index| LinkFacts { index, ..LinkFacts::default() };
        let facts = NetworkFacts { links: vec![link(2), link(3)], ..NetworkFacts::default() };
        let facts = facts.with_advertised(options, now);
        assert!(facts.links[1].settings.is_empty(), "another link");
        facts.links[0].settings.clone()
    }

    #[test]
    fn a_link_has_what_its_router_advertises_until_the_lifetime_ends() {
        let (mut options, now) = (AdvertisedOptions::default(), Instant::now());
        let all = [
            vec![3, 1, 0, 0, 0, 0, 0, 0],
            pref64(1800, 0),
            rdnss(600, "fe80::1"),
            portal("https://portal.example/api"),
        ];
        assert!(options.observe(2, &all.concat(), now));
        assert!(!options.observe(2, &all.concat(), now), "the same again");
        let told = settings(&options, now);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].nat64_prefixes, [("64:ff9b::".parse().unwrap(), 96)]);
        assert_eq!(told[0].resolvers[0].address, "[fe80::1%2]:53".parse().unwrap());
        assert_eq!(told[0].portal_api.as_deref(), Some("https://portal.example/api"));
        let later = settings(&options, now + Duration::from_secs(601));
        assert!(later[0].resolvers.is_empty() && !later[0].nat64_prefixes.is_empty());
        assert!(options.observe(2, &pref64(0, 0), now), "withdrawn");
        assert!(settings(&options, now)[0].nat64_prefixes.is_empty());
        assert!(options.forget(2) && !options.forget(2));
        assert!(settings(&options, now).is_empty());
    }

    #[test]
    fn lengths_of_prefixes_are_those_of_the_table() {
        for (code, bits) in [(0, 96), (1, 64), (2, 56), (3, 48), (4, 40), (5, 32)] {
            let prefix = "64:ff9b::".parse().unwrap();
            let expected = (AdvertisedValue::Nat64Prefix(prefix, bits), Duration::from_secs(80));
            assert_eq!(values_in(&pref64(80, code)), [expected]);
        }
        assert!(values_in(&pref64(80, 6)).is_empty() && values_in(&pref64(80, 7)).is_empty());
    }

    #[test]
    fn malformed_options_and_floods_do_no_harm() {
        let whole = [pref64(80, 0), rdnss(9, "fe80::1"), portal("https://x/")].concat();
        for end in 0..whole.len() {
            assert!(values_in(&whole[..end]).len() < 3, "{end}");
        }
        assert!(values_in(&[NAT64_PREFIX, 0, 0, 0]).is_empty(), "without a length");
        assert!(values_in(&portal("https://x/ y")).is_empty());
        let (mut options, now) = (AdvertisedOptions::default(), Instant::now());
        for number in 0..1000 {
            options.observe(2, &rdnss(600, &format!("2001:db8::{number:x}")), now);
        }
        assert_eq!(options.options.len(), MAX_OPTIONS);
    }
}
