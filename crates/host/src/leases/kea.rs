//! Kea's memfile: comma-separated values under a line with the names of the columns, which differ between versions. Each
//! change of a lease is a line more.

use std::net::IpAddr;

use super::DeviceLease;
use super::table::LeaseTable;

/// The states of a held lease: assigned, and registered by a device with an address of the device's own making
/// (RFC 9686).
const HELD: [&str; 2] = ["0", "4"];
/// The types of leases with an address; the third is a prefix.
const OF_ADDRESSES: [&str; 2] = ["0", "1"];
/// The lifetime of a lease without an end (RFC 2131 section 3.3, RFC 8415 section 7.7).
const FOREVER: u64 = 0xffff_ffff;

pub(super) fn read(text: &str, table: &mut LeaseTable) {
    let mut lines = text.lines();
    let Some(columns) = lines.next().map(LeaseColumns::of) else { return };
    for line in lines.filter(|line| !line.is_empty()) {
        let values: Vec<&str> = line.split(',').collect();
        if columns.read(&values, table).is_none() {
            table.pass_over();
        }
    }
}

/// The place of each column.
struct LeaseColumns<'a>(Vec<&'a str>);

impl<'a> LeaseColumns<'a> {
    fn of(head: &'a str) -> Self {
        LeaseColumns(head.trim().split(',').collect())
    }

    fn get<'b>(&self, name: &str, values: &[&'b str]) -> Option<&'b str> {
        let at = self.0.iter().position(|column| *column == name)?;
        values.get(at).copied()
    }

    fn read(&self, values: &[&str], table: &mut LeaseTable) -> Option<()> {
        let get = |name: &str| self.get(name, values);
        let address: IpAddr = get("address")?.parse().ok()?;
        let lifetime: u64 = get("valid_lifetime")?.parse().ok()?;
        let ends: u64 = get("expire")?.parse().ok()?;
        let name = get("hostname")?;
        if !get("lease_type").is_none_or(|kind| OF_ADDRESSES.contains(&kind)) {
            return Some(());
        }
        // A returned or deleted lease has no lifetime. The first versions had no column for the state.
        let is_held = get("state").is_none_or(|state| HELD.contains(&state)) && lifetime > 0;
        if !is_held {
            table.remove(address);
            return Some(());
        }
        let client = ["duid", "hwaddr", "client_id"].into_iter().filter_map(get);
        let client = client.into_iter().find(|client| !client.is_empty()).unwrap_or_default();
        table.put(DeviceLease {
            address,
            name: name.to_owned(),
            client: client.to_owned(),
            ends: Some(ends).filter(|_| lifetime < FOREVER),
        });
        Some(())
    }
}
