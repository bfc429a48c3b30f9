//! How often clients that are not served are told so.
//!
//! Anybody can send a query with the address of another, who then gets the refusal. So a refusal is bare,
//! hardly longer than the query, and a network gets few of them a second, and all together not many.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::Moment;

use super::buckets::Buckets;

/// Refusals that a network gets a second …
pub(super) const OF_NETWORK: u64 = 5;
/// … and all of them together.
pub(super) const IN_ALL: u64 = 500;
/// Buckets of networks: 32 KiB.
const BUCKETS: usize = 1 << 12;

/// Leading bits of an address that tell the network: what one victim has, or one provider sees.
const IPV4_BITS: u32 = 24;
const IPV6_BITS: u32 = 48;

/// Counts what strangers were told.
#[derive(Clone, Debug)]
pub(super) struct Strangers {
    networks: Buckets,
    all: Buckets,
}

impl Strangers {
    /// None was told anything yet; `hash_key` decides which networks share a bucket.
    pub(super) fn new(hash_key: [u64; 2]) -> Self {
        let networks = Buckets::new(BUCKETS, OF_NETWORK, hash_key);
        Strangers { networks, all: Buckets::new(1, IN_ALL, hash_key) }
    }

    /// Whether one with this address is answered now.
    pub(super) fn may_hear(&self, address: IpAddr, now: Moment) -> bool {
        let network = network(address);
        // A network that asks for more than its own takes nothing from others.
        self.networks.take(network, now) && self.all.take(network, now)
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip) & u32::MAX << (32 - IPV4_BITS)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) & u128::MAX << (128 - IPV6_BITS)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_hears_so_much_a_second_and_all_so_much_together() {
        let strangers = Strangers::new([1, 2]);
        let heard = |addresses: &mut dyn Iterator<Item = IpAddr>, at| {
            let now = Moment::from_millis(at);
            addresses.filter(|address| strangers.may_hear(*address, now)).count() as u64
        };
        let of_one = |last: u8| IpAddr::from([198, 51, 100, last]);
        assert_eq!(heard(&mut (0..=255).map(of_one), 1000), OF_NETWORK);
        let of_site = |number: u16| IpAddr::from([0x2001, 0xdb8, 1, number, 0, 0, 0, number]);
        assert_eq!(heard(&mut (0..1000).map(of_site), 1000), OF_NETWORK);
        assert_eq!(heard(&mut (0..=255).map(of_one), 1999), OF_NETWORK - 1);
        let of_many = |number: u32| IpAddr::from((number << 8 | 0x0b00_0000).to_be_bytes());
        assert_eq!(heard(&mut (0..10_000).map(of_many), 5000), IN_ALL);
    }
}
