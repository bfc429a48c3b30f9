//! Groups of clients, and how each is treated.

use std::net::IpAddr;

use zoners_dns::Prefix;

use crate::compiled::manifest::MAX_LISTS;
use crate::safe_search::SafeSearch;
use crate::services::ServiceSet;

/// How a group of clients is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// The name of the configuration.
    pub name: String,
    /// The prefixes of the clients; none in the default group, which has the remaining clients.
    pub clients: Vec<Prefix>,
    /// The present addresses of clients that are named by hardware address or name. A group in whose `clients` such an
    /// address stands by itself goes before.
    pub addresses: Vec<IpAddr>,
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
    /// Whether a blocked name is blocked as the name of an address too (PTR).
    pub block_ptr: bool,
}

impl GroupSettings {
    /// A group with these lists, without clients.
    #[must_use]
    pub fn new(name: &str, lists: ListSet, style: BlockStyle) -> Self {
        GroupSettings {
            name: name.to_owned(),
            clients: Vec::new(),
            addresses: Vec::new(),
            lists,
            style,
            is_paused: false,
            schedules: Vec::new(),
            blocked_by_schedule: None,
            services: ServiceSet::default(),
            safe_search: Vec::new(),
            block_aaaa: false,
            block_ptr: false,
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

#[cfg(test)]
mod tests {
    use super::*;

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
