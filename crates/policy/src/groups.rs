//! Groups of clients, and regions of addresses with the same verdicts.
//!
//! A verdict depends on the client by its group, and by prefixes in rules (`$client`, RPZ client IP). Prefixes are nested
//! or disjoint, so the longest prefix with an address decides which prefixes have the address: this region has a number, and
//! finished answers are kept for each region.

use std::net::IpAddr;

use zoners_dns::Prefix;

use crate::compiled::manifest::MAX_LISTS;
use crate::safe_search::SafeSearch;
use crate::services::ServiceSet;

/// The most regions: a region is an octet, and region 0 is the rest of the world.
pub const MAX_REGIONS: usize = 256;

/// How a group of clients is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// The name of the configuration.
    pub name: String,
    /// The addresses of the clients; none in the default group, which has the remaining clients.
    pub clients: Vec<Prefix>,
    /// The lists in force.
    pub lists: ListSet,
    /// The answer to a blocked question.
    pub style: BlockStyle,
    /// Whether the policy is paused for the group.
    pub is_paused: bool,
    /// The schedules in force.
    pub schedules: Vec<String>,
    /// The schedule that blocks every name.
    pub blocked_by_schedule: Option<String>,
    /// Blocked services.
    pub services: ServiceSet,
    /// Search engines that leave out what is not for children.
    pub safe_search: Vec<SafeSearch>,
    /// Whether the group gets no IPv6 addresses.
    pub block_aaaa: bool,
}

impl GroupSettings {
    /// A group with these lists, without clients.
    #[must_use]
    pub fn new(name: &str, lists: ListSet, style: BlockStyle) -> Self {
        GroupSettings {
            name: name.to_owned(),
            clients: Vec::new(),
            lists,
            style,
            is_paused: false,
            schedules: Vec::new(),
            blocked_by_schedule: None,
            services: ServiceSet::default(),
            safe_search: Vec::new(),
            block_aaaa: false,
        }
    }
}

/// The answer to a blocked question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BlockStyle {
    /// The unspecified address for A and AAAA, NODATA for further types. Clients give up at once.
    #[default]
    NullAddress,
    /// NXDOMAIN.
    Nxdomain,
    /// NOERROR without records.
    Nodata,
    /// REFUSED.
    Refused,
    /// No reply.
    Drop,
    /// Addresses for A and AAAA, NODATA for further types.
    Addresses(Vec<IpAddr>),
}

/// A set of lists, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListSet([u64; MAX_LISTS / 64]);

impl ListSet {
    /// Every list.
    #[must_use]
    pub fn all() -> Self {
        ListSet([u64::MAX; MAX_LISTS / 64])
    }

    /// Adds a list; a number beyond [`MAX_LISTS`] is ignored.
    pub fn insert(&mut self, list: usize) {
        if let Some(word) = self.0.get_mut(list / 64) {
            *word |= 1 << (list % 64);
        }
    }

    /// Adds the lists of another set.
    pub fn extend(&mut self, more: &ListSet) {
        self.0.iter_mut().zip(more.0).for_each(|(word, more)| *word |= more);
    }

    /// Whether the set has a list.
    #[must_use]
    pub fn contains(&self, list: usize) -> bool {
        self.0.get(list / 64).is_some_and(|word| word >> (list % 64) & 1 == 1)
    }
}

/// The regions of client addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRegions {
    /// The longest prefix first, each with the number of its group.
    regions: Vec<(Prefix, usize)>,
}

/// More prefixes of clients than [`MAX_REGIONS`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRegions;

impl std::fmt::Display for TooManyRegions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "groups and lists name more than {} prefixes of clients", MAX_REGIONS - 1)
    }
}

impl ClientRegions {
    /// The regions of the groups, the first of which is the default, and of prefixes in rules.
    ///
    /// # Errors
    /// There are too many prefixes.
    pub fn new(groups: &[GroupSettings], of_rules: &[Prefix]) -> Result<Self, TooManyRegions> {
        let of_groups: Vec<(Prefix, usize)> = groups
            .iter()
            .enumerate()
            .flat_map(|(number, group)| group.clients.iter().map(move |prefix| (*prefix, number)))
            .collect();
        let group_of = |prefix: &Prefix| {
            let containing = of_groups.iter().filter(|(own, _)| own.includes(prefix));
            containing.max_by_key(|(own, _)| own.bits()).map_or(0, |(_, group)| *group)
        };
        let all = of_groups.iter().map(|(prefix, _)| prefix).chain(of_rules);
        let mut prefixes: Vec<Prefix> =
            all.map(|prefix| Prefix::of(prefix.first(), prefix.bits())).collect();
        prefixes.sort_by_key(|prefix| (u8::MAX - prefix.bits(), prefix.first()));
        prefixes.dedup();
        if prefixes.len() >= MAX_REGIONS {
            return Err(TooManyRegions);
        }
        let regions = prefixes.into_iter().map(|prefix| (prefix, group_of(&prefix))).collect();
        Ok(ClientRegions { regions })
    }

    /// The number of the region of a client.
    #[must_use]
    pub fn of(&self, client: IpAddr) -> u8 {
        let found = self.regions.iter().position(|(prefix, _)| prefix.contains(client));
        found.map_or(0, |at| (at + 1) as u8)
    }

    /// The prefix of a region, and its group; region 0 has no prefix.
    pub(crate) fn get(&self, region: u8) -> (Option<&Prefix>, usize) {
        let found = usize::from(region).checked_sub(1).and_then(|at| self.regions.get(at));
        found.map_or((None, 0), |(prefix, group)| (Some(prefix), *group))
    }

    /// The regions of a group.
    pub fn of_group(&self, group: usize) -> impl Iterator<Item = u8> {
        let rest = (group == 0).then_some(0);
        let own = (1..=u8::MAX).zip(&self.regions).filter(move |(_, (_, own))| *own == group);
        rest.into_iter().chain(own.map(|(region, _)| region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(regions.of_group(1).count(), 3);
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
    fn a_set_of_lists_has_its_lists() {
        let mut set = ListSet::default();
        [0, 64, 255, 256].into_iter().for_each(|list| set.insert(list));
        let mut more = ListSet::default();
        more.insert(7);
        set.extend(&more);
        let has: Vec<usize> = (0..300).filter(|list| set.contains(*list)).collect();
        assert_eq!(has, [0, 7, 64, 255]);
    }
}
