//! Leases by address: a later entry of a file stands for earlier entries.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{DeviceLease, MAX_LEASES};

/// Leases with a name, by address.
#[derive(Debug, Default)]
pub(super) struct LeaseTable {
    leases: BTreeMap<IpAddr, DeviceLease>,
    unreadable: usize,
    surplus: usize,
}

impl LeaseTable {
    /// Puts a lease in the place of an earlier lease. A lease without a name only ends the earlier lease.
    pub(super) fn put(&mut self, lease: DeviceLease) {
        if lease.name.is_empty() {
            return self.remove(lease.address);
        }
        if self.leases.len() >= MAX_LEASES && !self.leases.contains_key(&lease.address) {
            self.surplus += 1;
            return;
        }
        self.leases.insert(lease.address, lease);
    }

    /// Ends the lease of an address.
    pub(super) fn remove(&mut self, address: IpAddr) {
        self.leases.remove(&address);
    }

    /// Counts an entry without a known meaning.
    pub(super) fn pass_over(&mut self) {
        self.unreadable += 1;
    }

    pub(super) fn unreadable(&self) -> usize {
        self.unreadable
    }

    pub(super) fn surplus(&self) -> usize {
        self.surplus
    }

    pub(super) fn into_leases(self) -> Vec<DeviceLease> {
        self.leases.into_values().collect()
    }
}
