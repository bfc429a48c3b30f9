//! Places that clients take up: so many in all, so many for one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::stands_for;

/// Counts who takes up places.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    most: usize,
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
    /// `most` places in all.
    pub(crate) fn new(most: usize) -> Self {
        Places { most, taken: Arc::default() }
    }

    /// A place for `address`, if there is one left and its client has fewer than `most_of_client`.
    pub(crate) fn take(&self, address: IpAddr, most_of_client: usize) -> Option<Place> {
        let client = stands_for(address);
        let mut taken = self.lock();
        let of_client = taken.of_client.get(&client).copied().unwrap_or_default();
        if of_client >= most_of_client || taken.in_all >= self.most {
            return None;
        }
        taken.of_client.insert(client, of_client + 1);
        taken.in_all += 1;
        drop(taken);
        Some(Place { places: self.clone(), client })
    }

    /// Places that the client of `address` has.
    pub(crate) fn of(&self, address: IpAddr) -> usize {
        self.lock().of_client.get(&stands_for(address)).copied().unwrap_or_default()
    }

    /// Places taken in all.
    pub(crate) fn taken(&self) -> usize {
        self.lock().in_all
    }

    /// Whether these are the places of `other`.
    pub(crate) fn is_same(&self, other: &Places) -> bool {
        Arc::ptr_eq(&self.taken, &other.taken)
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Counts are whole after every step, so a panic elsewhere left them right.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Places that its client has, this one included.
    pub(crate) fn of_client(&self) -> usize {
        self.places.lock().of_client.get(&self.client).copied().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_and_are_given_back() {
        let places = Places::new(5);
        let take = |text: &str| places.take(text.parse().unwrap(), 2);
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
        assert_eq!(places.taken(), 0);
        assert!(places.lock().of_client.is_empty());
    }
}
