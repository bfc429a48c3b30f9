//! Names of DHCP leases: addresses and PTR records of devices, below one domain.

mod labels;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoners_dns::{Name, NameSlice, RRset, Records as Rdata, Rtype, name};
use zoners_host::leases::{DeviceLease, LeaseList, MAX_FILE, MAX_LEASES};
use zoners_resolver::Answer;

use super::records::{Builder, LocalRecords};
use crate::config::NetworkConfig;
use labels::{LabelFault, label};

/// The TTL of names of leases, in seconds: an address may go to a different device at the end of a lease.
pub(super) const TTL: u32 = 10;
/// Addresses served of one device and family.
const MAX_ADDRESSES: usize = 8;
/// Characters of a name in a remark; the name is the choice of a device.
const MAX_SHOWN: usize = 40;

/// The names of the leases of some files, at a moment.
#[derive(Debug, Default)]
pub struct LeaseNames {
    records: LocalRecords,
    domain: Option<Name>,
    /// The leases of the files, ended leases among them.
    leases: Arc<[DeviceLease]>,
    /// When the next of the present leases ends, in seconds since 1970.
    next_end: Option<u64>,
    devices: usize,
    remarks: Vec<String>,
}

impl LeaseNames {
    /// Reads the files of the configuration. An unreadable file is passed over with a remark. `now` is in
    /// seconds since 1970.
    #[must_use]
    pub fn read(config: &NetworkConfig, now: u64) -> Self {
        let mut remarks = Vec::new();
        let mut leases = Vec::new();
        for path in &config.leases {
            match LeaseList::read(path) {
                Ok(list) => {
                    remarks.extend(remarks_on(path, &list));
                    leases.extend(list.leases);
                }
                Err(error) => {
                    remarks.push(format!("{}: {error}; its leases are not served", path.display()));
                }
            }
        }
        let domain = (!config.leases.is_empty()).then(|| config.lease_domain.clone());
        let mut names = LeaseNames::at(domain, leases.into(), now);
        names.remarks.splice(0..0, remarks);
        names
    }

    /// The names of the same leases at another moment.
    #[must_use]
    pub fn moved_to(&self, now: u64) -> Self {
        let names = LeaseNames::at(self.domain.clone(), self.leases.clone(), now);
        LeaseNames { remarks: self.remarks.clone(), ..names }
    }

    /// When names of leases have to be [moved](Self::moved_to), in seconds since 1970.
    #[must_use]
    pub fn next_end(&self) -> Option<u64> {
        self.next_end
    }

    /// How many devices have a name.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.devices
    }

    /// Files and names without service, for the operator.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Whether there are files of leases.
    pub(super) fn are_served(&self) -> bool {
        self.domain.is_some()
    }

    /// The answer, if the name is of a lease.
    pub(super) fn answer(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        self.records.answer(name, rtype)
    }

    /// Whether there are records below `name`.
    pub(super) fn has_below(&self, name: &Name) -> bool {
        self.records.has_below(name)
    }

    fn at(domain: Option<Name>, leases: Arc<[DeviceLease]>, now: u64) -> Self {
        let Some(zone) = &domain else { return LeaseNames::default() };
        let is_present = |lease: &&DeviceLease| lease.ends.is_none_or(|ends| ends > now);
        let next_end = leases.iter().filter(is_present).filter_map(|lease| lease.ends).min();
        let mut refused = RefusedNames::default();
        let mut by_label: BTreeMap<(String, bool), Vec<&DeviceLease>> = BTreeMap::new();
        for lease in leases.iter().filter(is_present).filter(|lease| is_of_device(lease.address)) {
            match label(&lease.name, zone) {
                Ok(label) => {
                    by_label.entry((label, lease.address.is_ipv4())).or_default().push(lease);
                }
                Err(fault) => refused.add(lease, fault),
            }
        }
        let (mut builder, mut last, mut devices) = (Builder::default(), None, 0);
        for ((label, _), leases) in &by_label {
            let Ok(owner) = name::parse(&format!("{label}.{zone}")) else { continue };
            devices += usize::from(last.replace(label) != Some(label));
            addresses(leases).for_each(|address| add(&owner, address, &mut builder));
        }
        let records = builder.build(|_| true);
        let remarks = refused.remark().into_iter().collect();
        LeaseNames { records, domain, leases, next_end, devices, remarks }
    }
}

/// Addresses under one name. Of several devices with this name, the device with the last end of a lease has the name, as
/// the rest may have left long ago: a telephone with a new hardware address on each visit, for example.
fn addresses(leases: &[&DeviceLease]) -> impl Iterator<Item = IpAddr> {
    let last = leases.iter().max_by_key(|lease| (lease.ends.unwrap_or(u64::MAX), lease.address));
    let client = last.map(|lease| lease.client.clone()).unwrap_or_default();
    let alone = last.filter(|_| client.is_empty()).map(|lease| lease.address);
    let belongs = move |lease: &&&DeviceLease| match alone {
        Some(address) => lease.address == address,
        None => lease.client == client,
    };
    leases.iter().filter(belongs).map(|lease| lease.address).take(MAX_ADDRESSES)
}

fn add(owner: &Name, address: IpAddr, to: &mut Builder) {
    let (rtype, records) = match address {
        IpAddr::V4(ip) => (Rtype::A, Rdata::from_iter([ip.octets()])),
        IpAddr::V6(ip) => (Rtype::AAAA, Rdata::from_iter([ip.octets()])),
    };
    to.add(owner.clone(), rtype, TTL, records);
    to.add_set(RRset::naming(name::reverse(address), Rtype::PTR, TTL, owner));
}

/// Whether a device can have the address.
fn is_of_device(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_loopback() && !address.is_multicast()
}

fn remarks_on(path: &Path, list: &LeaseList) -> Vec<String> {
    let path = path.display();
    let unknown = (list.form.is_none() && list.has_content).then(|| {
        format!("{path}: no leases of dnsmasq, Kea or ISC dhcpd; the file is passed over")
    });
    let unreadable = (list.unreadable > 0)
        .then(|| format!("{path}: {} entries cannot be understood", list.unreadable));
    let surplus = (list.surplus > 0)
        .then(|| format!("{path}: {} leases are beyond the limit of {MAX_LEASES}", list.surplus));
    let cut =
        list.is_cut.then(|| format!("{path}: only the first {} MiB are read", MAX_FILE >> 20));
    [unknown, unreadable, surplus, cut].into_iter().flatten().collect()
}

/// Names without service: the number, and the first name as an example.
#[derive(Default)]
struct RefusedNames {
    number: usize,
    first: Option<String>,
}

impl RefusedNames {
    fn add(&mut self, lease: &DeviceLease, fault: LabelFault) {
        self.number += 1;
        self.first.get_or_insert_with(|| {
            let shown: String = lease.name.chars().take(MAX_SHOWN).collect();
            format!("`{}` of {}, {fault}", shown.escape_default(), lease.address)
        });
    }

    fn remark(self) -> Option<String> {
        let first = self.first?;
        Some(match self.number {
            1 => format!("the name {first}, is not served"),
            number => format!("{number} names of devices are not served: {first}, and others"),
        })
    }
}

/// The files to watch.
#[must_use]
pub fn watched(config: &NetworkConfig) -> Vec<PathBuf> {
    config.leases.iter().flat_map(|path| zoners_host::leases::files(path)).collect()
}

#[cfg(test)]
mod tests;
