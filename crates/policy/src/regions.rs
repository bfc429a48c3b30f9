//! Regions of client addresses with the same verdicts.
//!
//! A verdict depends on the client by its group, and by prefixes in rules (`$client`, RPZ client IP). Prefixes are nested
//! or disjoint, so the longest prefix of rules with an address decides which of these prefixes have the address. A group
//! and such a prefix make a region, which has a number; finished answers are kept for each region.

use std::collections::HashMap;
use std::net::IpAddr;

use zoners_dns::Prefix;

use crate::groups::GroupSettings;

/// The most regions: a region is an octet, and region 0 is the rest of the world.
pub const MAX_REGIONS: usize = 256;
/// The most prefixes, with each of which a client's address is compared.
const MAX_PREFIXES: usize = 1024;
/// The most addresses of clients that are named by hardware address or name; further addresses are of no group.
const MAX_ADDRESSES: usize = 16_384;

/// The regions of client addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRegions {
    /// The longest prefix first, each with the number of its region.
    prefixes: Vec<(Prefix, u8)>,
    /// Single addresses, which go before prefixes.
    addresses: HashMap<IpAddr, u8>,
    /// The longest prefix of rules, and the group, of each region.
    regions: Vec<ClientRegion>,
}

type ClientRegion = (Option<Prefix>, usize);

/// More prefixes or groups of clients than [`MAX_REGIONS`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRegions;

impl std::fmt::Display for TooManyRegions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "groups name more than {MAX_PREFIXES} prefixes of clients, or groups and lists divide the clients into more \
             than {MAX_REGIONS} parts"
        )
    }
}

impl ClientRegions {
    /// The regions of the groups, the first of which is the default, and of prefixes in rules.
    ///
    /// # Errors
    /// There are too many prefixes or groups.
    pub fn new(groups: &[GroupSettings], of_rules: &[Prefix]) -> Result<Self, TooManyRegions> {
        let of_groups: Vec<(Prefix, usize)> = groups
            .iter()
            .enumerate()
            .flat_map(|(number, group)| {
                group.clients.iter().map(move |own| (shortened(own), number))
            })
            .collect();
        let of_rules: Vec<Prefix> = of_rules.iter().map(shortened).collect();
        let group_of = |prefix: &Prefix| {
            let containing = of_groups.iter().filter(|(own, _)| own.includes(prefix));
            containing.max_by_key(|(own, _)| own.bits()).map_or(0, |(_, group)| *group)
        };
        let rule_of = |prefix: &Prefix| {
            let containing = of_rules.iter().filter(|own| own.includes(prefix));
            containing.max_by_key(|own| own.bits()).copied()
        };
        let all = of_groups.iter().map(|(prefix, _)| prefix).chain(&of_rules);
        let mut prefixes: Vec<Prefix> = all.copied().collect();
        prefixes.sort_by_key(|prefix| (u8::MAX - prefix.bits(), prefix.first()));
        prefixes.dedup();
        if prefixes.len() > MAX_PREFIXES {
            return Err(TooManyRegions);
        }
        let mut regions = RegionNumbers(vec![(None, 0)]);
        let mut numbered = Vec::new();
        for prefix in prefixes {
            numbered.push((prefix, regions.number((rule_of(&prefix), group_of(&prefix)))?));
        }
        let mut addresses = HashMap::new();
        for (group, settings) in groups.iter().enumerate() {
            // A group may be chosen by identity alone, and has a region all the same.
            let own = regions.number((None, group))?;
            for address in &settings.addresses {
                let address = address.to_canonical();
                let alone = Prefix::from(address);
                let is_named = of_groups.iter().any(|(prefix, _)| *prefix == alone);
                if is_named || addresses.len() >= MAX_ADDRESSES {
                    continue;
                }
                let region = match rule_of(&alone) {
                    None => own,
                    rule => regions.number((rule, group))?,
                };
                addresses.entry(address).or_insert(region);
            }
        }
        Ok(ClientRegions { prefixes: numbered, addresses, regions: regions.0 })
    }

    /// The number of the region of a client.
    #[must_use]
    pub fn of(&self, client: IpAddr) -> u8 {
        if !self.addresses.is_empty()
            && let Some(region) = self.addresses.get(&client.to_canonical())
        {
            return *region;
        }
        let found = self.prefixes.iter().find(|(prefix, _)| prefix.contains(client));
        found.map_or(0, |(_, region)| *region)
    }

    /// The region of a group outside the prefixes of rules.
    #[must_use]
    pub fn of_group_alone(&self, group: usize) -> Option<u8> {
        let at = self.regions.iter().position(|region| *region == (None, group))?;
        u8::try_from(at).ok()
    }

    /// The prefix of rules with a region, and its group.
    pub(crate) fn get(&self, region: u8) -> (Option<&Prefix>, usize) {
        let found = self.regions.get(usize::from(region));
        found.map_or((None, 0), |(prefix, group)| (prefix.as_ref(), *group))
    }

    /// The regions of a group.
    pub fn of_group(&self, group: usize) -> impl Iterator<Item = u8> {
        let own = (0..=u8::MAX).zip(&self.regions).filter(move |(_, (_, own))| *own == group);
        own.map(|(region, _)| region)
    }
}

/// The regions so far, by number.
struct RegionNumbers(Vec<ClientRegion>);

impl RegionNumbers {
    /// The number of a region, which may be new.
    fn number(&mut self, region: ClientRegion) -> Result<u8, TooManyRegions> {
        let known = self.0.iter().position(|known| *known == region);
        let number = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(region);
        }
        u8::try_from(number).map_err(|_| TooManyRegions)
    }
}

/// The prefix without the bits behind.
fn shortened(prefix: &Prefix) -> Prefix {
    Prefix::of(prefix.first(), prefix.bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::{BlockStyle, ListSet};

    fn group(name: &str, clients: &[&str]) -> GroupSettings {
        let clients = clients.iter().map(|text| text.parse().unwrap()).collect();
        let group = GroupSettings::new(name, ListSet::all(), BlockStyle::default());
        GroupSettings { clients, ..group }
    }

    #[test]
    fn the_longest_prefix_decides_on_the_group() {
        let groups = [
            group("default", &[]),
            group("kids", &["192.168.1.0/24", "fd00::/64"]),
            group("tv", &["192.168.1.7"]),
        ];
        let of_rules = ["192.168.1.64/26".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let regions = ClientRegions::new(&groups, &of_rules).unwrap();
        let group_of = |text: &str| regions.get(regions.of(text.parse().unwrap())).1;
        for (client, expected) in [
            ("192.168.1.1", 1),
            ("::ffff:192.168.1.1", 1),
            ("192.168.1.7", 2),
            ("192.168.1.65", 1),
            ("10.1.1.1", 0),
            ("192.168.2.1", 0),
            ("fd00::9", 1),
            ("fd00:0:0:1::9", 0),
        ] {
            assert_eq!(group_of(client), expected, "{client}");
        }
        let region = |text: &str| regions.of(text.parse().unwrap());
        assert_ne!(region("192.168.1.1"), region("192.168.1.65"), "a rule tells them apart");
        assert_eq!(region("192.168.2.1"), 0);
        assert_eq!(regions.of_group(0).collect::<Vec<_>>(), [0, region("10.1.1.1")]);
        assert_eq!(regions.of_group(1).count(), 2, "inside and outside the prefix of the rule");
    }

    #[test]
    fn prefixes_are_limited() {
        let many = |count: u32| -> Vec<Prefix> {
            (0..count).map(|ip| Prefix::from(IpAddr::from(ip.to_be_bytes()))).collect()
        };
        let regions = ClientRegions::new(&[], &many(MAX_REGIONS as u32 - 1)).unwrap();
        assert_eq!(regions.of([0, 0, 0, 254].into()), 255);
        assert_eq!(ClientRegions::new(&[], &many(MAX_REGIONS as u32)), Err(TooManyRegions));
    }

    #[test]
    fn groups_are_limited_by_the_octet_of_the_region() {
        let groups = |count: usize| -> Vec<GroupSettings> {
            (0..count).map(|number| group(&number.to_string(), &[])).collect()
        };
        let regions = ClientRegions::new(&groups(MAX_REGIONS), &[]).unwrap();
        assert_eq!(regions.of_group_alone(MAX_REGIONS - 1), Some(255));
        assert_eq!(ClientRegions::new(&groups(MAX_REGIONS + 1), &[]), Err(TooManyRegions));
    }

    #[test]
    fn addresses_of_named_clients_go_before_prefixes_but_not_before_the_same_address() {
        let address = |text: &str| -> IpAddr { text.parse().unwrap() };
        let named = |name: &str, clients: &[&str], addresses: &[&str]| GroupSettings {
            addresses: addresses.iter().map(|text| address(text)).collect(),
            ..group(name, clients)
        };
        let groups = [
            group("default", &[]),
            named("kids", &["192.168.1.0/24"], &["10.0.0.9", "fd00::9"]),
            named("tv", &["192.168.1.9"], &["192.168.1.7", "192.168.1.64", "10.0.0.9"]),
            named("guests", &[], &["192.168.1.9"]),
        ];
        let of_rules = ["192.168.1.64/26".parse().unwrap()];
        let regions = ClientRegions::new(&groups, &of_rules).unwrap();
        for (client, expected) in [
            ("192.168.1.1", 1),
            ("192.168.1.7", 2),
            ("::ffff:192.168.1.7", 2),
            ("192.168.1.64", 2),
            ("192.168.1.9", 2),
            ("10.0.0.9", 1),
            ("fd00::9", 1),
            ("10.0.0.8", 0),
        ] {
            assert_eq!(regions.get(regions.of(address(client))).1, expected, "{client}");
        }
        let prefix = regions.get(regions.of(address("192.168.1.64"))).0;
        assert_eq!(prefix, Some(&of_rules[0]), "rules for prefixes still hold");
    }
}
