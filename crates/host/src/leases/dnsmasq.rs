//! dnsmasq: a line for each lease, `END HARDWARE ADDRESS NAME CLIENT`. In leases of DHCPv6, which follow a line `duid` with
//! the server's own identifier, HARDWARE is the number of the association and CLIENT the device's DUID.

use std::net::IpAddr;

use super::DeviceLease;
use super::table::LeaseTable;

/// In place of an unknown name or identifier.
const UNKNOWN: &str = "*";
/// Smaller times are the length of a lease and not the end, as written by a dnsmasq for machines without a clock
/// (HAVE_BROKEN_RTC).
const MIN_MOMENT: u64 = 1_000_000_000;

pub(super) fn read(text: &str, table: &mut LeaseTable) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            None | Some("duid") => {}
            Some(ends) => match lease(ends, words) {
                Some(lease) => table.put(lease),
                None => table.pass_over(),
            },
        }
    }
}

fn lease<'a>(ends: &str, mut words: impl Iterator<Item = &'a str>) -> Option<DeviceLease> {
    let (ends, hardware) = (ends.parse::<u64>().ok()?, words.next()?);
    let address: IpAddr = words.next()?.parse().ok()?;
    let name = words.next()?;
    let identifier = words.next().filter(|identifier| *identifier != UNKNOWN);
    let client = if address.is_ipv4() { hardware } else { identifier.unwrap_or(hardware) };
    Some(DeviceLease {
        address,
        name: if name == UNKNOWN { String::new() } else { name.to_owned() },
        client: client.to_owned(),
        ends: Some(ends).filter(|ends| *ends >= MIN_MOMENT),
    })
}
