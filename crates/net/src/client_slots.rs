//! Slots for the work of clients: a number in total, and a number for one client.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Leading bits of an IPv6 address naming a client: one client has a whole /64 (RFC 6177).
const CLIENT_BITS: u32 = 64;

/// Counts the slots of each client; clones share the count.
#[derive(Clone, Debug)]
pub struct ClientSlots {
    limit: usize,
    taken: Arc<Mutex<SlotCounts>>,
}

#[derive(Debug, Default)]
struct SlotCounts {
    in_all: usize,
    /// In order, since few clients wait at a time: to compare a few addresses takes less than to hash one.
    of_client: BTreeMap<IpAddr, usize>,
}

/// A slot, given back when dropped.
#[derive(Debug)]
pub struct ClientSlot {
    slots: ClientSlots,
    client: IpAddr,
}

impl ClientSlots {
    /// `limit` slots in total.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        ClientSlots { limit, taken: Arc::default() }
    }

    /// A slot for the client of `address`, if one is left and the client has fewer than `client_limit`.
    #[must_use]
    pub fn take(&self, address: IpAddr, client_limit: usize) -> Option<ClientSlot> {
        let client = stands_for(address);
        let mut taken = self.lock();
        let of_client = taken.of_client.get(&client).copied().unwrap_or_default();
        if of_client >= client_limit || taken.in_all >= self.limit {
            return None;
        }
        taken.of_client.insert(client, of_client + 1);
        taken.in_all += 1;
        drop(taken);
        Some(ClientSlot { slots: self.clone(), client })
    }

    /// Slots of the client of `address`.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> usize {
        self.lock().of_client.get(&stands_for(address)).copied().unwrap_or_default()
    }

    /// Slots in use, of every client together.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.lock().in_all
    }

    /// Whether both have the same count.
    #[must_use]
    pub fn is_same(&self, other: &ClientSlots) -> bool {
        Arc::ptr_eq(&self.taken, &other.taken)
    }

    fn lock(&self) -> MutexGuard<'_, SlotCounts> {
        // The counts are whole after every step, so a panic elsewhere has left the counts right.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSlot {
    /// Slots of the client of this slot, this slot included.
    #[must_use]
    pub fn of_client(&self) -> usize {
        self.slots.lock().of_client.get(&self.client).copied().unwrap_or_default()
    }
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.in_all -= 1;
        if let Some(of_client) = taken.of_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.of_client.remove(&self.client);
            }
        }
    }
}

/// The address that stands for the client of `address`: the address itself in IPv4, the /64 in IPv6.
#[must_use]
#[inline]
pub fn stands_for(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let shift = 128 - CLIENT_BITS;
            Ipv6Addr::from(u128::from(ip) >> shift << shift).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_run_out_and_are_given_back() {
        let slots = ClientSlots::new(5);
        let take = |text: &str| slots.take(text.parse().unwrap(), 2);
        let mut taken = vec![take("192.0.2.1").unwrap(), take("::ffff:192.0.2.1").unwrap()];
        assert!(take("192.0.2.1").is_none(), "one client's are taken");
        assert_eq!(taken[0].of_client(), 2);
        taken.extend([take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()]);
        assert!(take("2001:db8::3").is_none(), "a /64 is one client");
        taken.push(take("2001:db8:0:1::1").unwrap());
        assert!(take("192.0.2.2").is_none(), "all are taken");
        taken.pop();
        assert!(take("192.0.2.2").is_some());
        taken.clear();
        assert_eq!(slots.taken(), 0);
        assert!(slots.lock().of_client.is_empty());
    }
}
