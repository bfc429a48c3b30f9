//! Addresses of clients that the configuration names by hardware address.
//!
//! The system's table of neighbours has machines that have sent a packet lately. A lost entry stays known for an hour, since a
//! resting machine keeps its address; an address with a new machine is forgotten at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use zoners_dns::Moment;

use crate::config::HardwareAddress;

/// The time for which an address stays known.
const KEPT: Duration = Duration::from_secs(3600);
/// The most addresses of one machine: temporary addresses of IPv6 come and go.
const MAX_ADDRESSES: usize = 64;

/// The known addresses.
#[derive(Debug, Default)]
pub(crate) struct KnownClients {
    addresses: BTreeMap<HardwareAddress, BTreeMap<IpAddr, Moment>>,
}

impl KnownClients {
    /// Takes a table of neighbours, of which the wanted machines count; true if other addresses are known now.
    pub(crate) fn observe(
        &mut self,
        neighbours: &[(IpAddr, HardwareAddress)],
        wanted: &BTreeSet<HardwareAddress>,
        now: Moment,
    ) -> bool {
        let before = self.all();
        self.addresses.retain(|machine, _| wanted.contains(machine));
        for (address, machine) in neighbours {
            // The address belongs to its present machine.
            let others = self.addresses.iter_mut().filter(|(other, _)| *other != machine);
            others.for_each(|(_, addresses)| {
                addresses.remove(address);
            });
            if wanted.contains(machine) {
                let own = self.addresses.entry(*machine).or_default();
                if own.contains_key(address) || own.len() < MAX_ADDRESSES {
                    own.insert(*address, now);
                }
            }
        }
        for addresses in self.addresses.values_mut() {
            addresses.retain(|_, seen| now.since(*seen) < KEPT);
        }
        before != self.all()
    }

    /// The addresses of a machine.
    pub(crate) fn addresses(&self, machine: HardwareAddress) -> Vec<IpAddr> {
        self.addresses.get(&machine).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    fn all(&self) -> Vec<(HardwareAddress, IpAddr)> {
        let all = self.addresses.iter();
        all.flat_map(|(machine, own)| own.keys().map(|address| (*machine, *address))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLET: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 1]);
    const PHONE: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 2]);

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_of_wanted_machines_are_known_for_an_hour() {
        let (mut known, wanted) = (KnownClients::default(), BTreeSet::from([TABLET]));
        let start = Moment::from_millis(0);
        let table = [(at("192.0.2.7"), TABLET), (at("192.0.2.8"), PHONE)];
        assert!(known.observe(&table, &wanted, start));
        assert!(!known.observe(&table, &wanted, start.after_seconds(1)), "nothing new");
        assert_eq!(known.addresses(TABLET), [at("192.0.2.7")]);
        assert!(known.addresses(PHONE).is_empty());
        assert!(known.observe(&[(at("2001:db8::7"), TABLET)], &wanted, start.after_seconds(600)));
        assert_eq!(known.addresses(TABLET), [at("192.0.2.7"), at("2001:db8::7")]);
        assert!(known.observe(&[], &wanted, start.after_seconds(3601)));
        assert_eq!(known.addresses(TABLET), [at("2001:db8::7")]);
        assert!(known.observe(&[], &BTreeSet::new(), start.after_seconds(3602)), "not wanted");
    }

    #[test]
    fn an_address_goes_over_to_the_machine_that_has_it() {
        let (mut known, wanted) = (KnownClients::default(), BTreeSet::from([TABLET, PHONE]));
        let start = Moment::from_millis(0);
        known.observe(&[(at("192.0.2.7"), TABLET)], &wanted, start);
        assert!(known.observe(&[(at("192.0.2.7"), PHONE)], &wanted, start));
        assert_eq!(
            (known.addresses(TABLET), known.addresses(PHONE)),
            (vec![], vec![at("192.0.2.7")])
        );
        // A machine outside the configuration takes the address too.
        assert!(known.observe(&[(at("192.0.2.7"), HardwareAddress([9; 6]))], &wanted, start));
        assert!(known.addresses(PHONE).is_empty());
    }

    #[test]
    fn a_machine_has_so_many_addresses_at_most() {
        let (mut known, wanted) = (KnownClients::default(), BTreeSet::from([TABLET]));
        let table: Vec<_> = (0..MAX_ADDRESSES as u32 + 9)
            .map(|number| (IpAddr::from(number.to_be_bytes()), TABLET))
            .collect();
        known.observe(&table, &wanted, Moment::from_millis(0));
        assert_eq!(known.addresses(TABLET).len(), MAX_ADDRESSES);
    }
}
