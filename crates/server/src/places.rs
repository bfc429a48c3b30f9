//! Places that clients take up: so many in all, so many for one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Leading bits of an IPv6 address that count: one client has a whole /64 (RFC 6177).
const CLIENT_BITS: u32 = 64;

/// Counts who takes up places.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    most: usize,
    most_of_client: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    of_client: HashMap<IpAddr, usize>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    client: IpAddr,
}

impl Places {
    pub(crate) fn new(most: usize, most_of_client: usize) -> Self {
        Places { most, most_of_client, taken: Arc::default() }
    }

    /// A place for `address`, if there is one left in all and for its client.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let client = client_of(address);
        let mut taken = self.lock();
        let of_client = taken.of_client.get(&client).copied().unwrap_or_default();
        if of_client >= self.most_of_client || taken.in_all >= self.most {
            return None;
        }
        taken.of_client.insert(client, of_client + 1);
        taken.in_all += 1;
        drop(taken);
        Some(Place { places: self.clone(), client })
    }

    /// Places taken in all.
    pub(crate) fn taken(&self) -> usize {
        self.lock().in_all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Counts are whole after every step, so a panic elsewhere left them right.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// All the places that it is one of.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.in_all -= 1;
        if let Some(of_client) = taken.of_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.of_client.remove(&self.client);
            }
        }
    }
}

fn client_of(address: IpAddr) -> IpAddr {
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
    fn places_run_out_and_are_given_back() {
        let places = Places::new(5, 2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let take = |text: &str| places.take(address(text));
        let mut taken = vec![take("192.0.2.1").unwrap(), take("::ffff:192.0.2.1").unwrap()];
        assert!(take("192.0.2.1").is_none(), "one client's are taken");
        taken.extend([take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()]);
        assert!(take("2001:db8::3").is_none(), "a /64 is one client");
        taken.push(take("2001:db8:0:1::1").unwrap());
        assert!(take("192.0.2.2").is_none(), "all are taken");
        taken.pop();
        assert!(take("192.0.2.2").is_some());
        taken.clear();
        assert_eq!(places.taken(), 0);
        assert!(places.lock().of_client.is_empty());
    }
}
