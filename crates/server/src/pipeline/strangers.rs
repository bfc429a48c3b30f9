//! The rate of refusals to clients without access.
//!
//! A query can be forged in the name of a victim, which then gets the refusal. So a refusal is bare, hardly longer
//! than the query; a network gets few refusals a second, and all networks together get a bounded number.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::Moment;

use super::buckets::Buckets;

/// Refusals that a network gets a second.
pub(super) const REFUSALS_PER_NETWORK: u64 = 5;
/// Refusals that all networks together get a second.
pub(super) const REFUSALS_IN_ALL: u64 = 500;
/// Buckets of networks: 32 KiB.
const NETWORK_BUCKETS: usize = 1 << 12;

/// Leading bits of an IPv4 address naming the network: one victim's, or one provider's view of it.
const IPV4_NETWORK_BITS: u32 = 24;
/// The same for IPv6.
const IPV6_NETWORK_BITS: u32 = 48;

/// Counts refusals.
#[derive(Clone, Debug)]
pub(super) struct Strangers {
    networks: Buckets,
    all: Buckets,
}

impl Strangers {
    /// Full buckets; `hash_key` decides which networks share a bucket.
    pub(super) fn new(hash_key: [u64; 2]) -> Self {
        let networks = Buckets::new(NETWORK_BUCKETS, REFUSALS_PER_NETWORK, hash_key);
        Strangers { networks, all: Buckets::new(1, REFUSALS_IN_ALL, hash_key) }
    }

    /// Takes a refusal out of the buckets of an address; false if one of them is empty.
    pub(super) fn may_refuse(&self, address: IpAddr, now: Moment) -> bool {
        let network = network(address);
        // A network with an empty bucket takes nothing from the common bucket.
        self.networks.take(network, now) && self.all.take(network, now)
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            Ipv4Addr::from(u32::from(ip) & u32::MAX << (32 - IPV4_NETWORK_BITS)).into()
        }
        IpAddr::V6(ip) => {
            Ipv6Addr::from(u128::from(ip) & u128::MAX << (128 - IPV6_NETWORK_BITS)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_bounded_for_a_network_and_for_all_together() {
        let strangers = Strangers::new([1, 2]);
        let refused = |addresses: &mut dyn Iterator<Item = IpAddr>, at| {
            let now = Moment::from_millis(at);
            addresses.filter(|address| strangers.may_refuse(*address, now)).count() as u64
        };
        let of_one = |last: u8| IpAddr::from([198, 51, 100, last]);
        assert_eq!(refused(&mut (0..=255).map(of_one), 1000), REFUSALS_PER_NETWORK);
        let of_site = |number: u16| IpAddr::from([0x2001, 0xdb8, 1, number, 0, 0, 0, number]);
        assert_eq!(refused(&mut (0..1000).map(of_site), 1000), REFUSALS_PER_NETWORK);
        assert_eq!(refused(&mut (0..=255).map(of_one), 1999), REFUSALS_PER_NETWORK - 1);
        let of_many = |number: u32| IpAddr::from((number << 8 | 0x0b00_0000).to_be_bytes());
        assert_eq!(refused(&mut (0..10_000).map(of_many), 5000), REFUSALS_IN_ALL);
    }
}
