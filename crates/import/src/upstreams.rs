//! Servers for zones, gathered into `[[forward]]` tables.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::imported::{Form, Imported, Origin};

/// Servers of zones, in the order in which the zones were first named.
#[derive(Default)]
pub(crate) struct Upstreams {
    zones: Vec<Zone>,
    /// Places in `zones`, by name and transport.
    places: BTreeMap<(String, bool), usize>,
}

struct Zone {
    from: Origin,
    name: String,
    servers: Vec<String>,
    over_tcp: bool,
}

impl Upstreams {
    /// Adds a server, in the form of Zoners, for a zone.
    pub(crate) fn add(&mut self, from: &Origin, zone: &str, server: String, over_tcp: bool) {
        let place = *self.places.entry((zone.to_owned(), over_tcp)).or_insert(self.zones.len());
        if let Some(known) = self.zones.get_mut(place) {
            known.servers.push(server);
        } else {
            let (from, name) = (from.clone(), zone.to_owned());
            self.zones.push(Zone { from, name, servers: vec![server], over_tcp });
        }
    }

    /// The tables; `validate` counts for the servers of all names.
    pub(crate) fn finish(self, validate: bool, imported: &mut Imported) {
        for Zone { from, name: zone, servers, over_tcp: tcp } in self.zones {
            let validate = validate && zone == ".";
            imported.take(&from, Form::Route { table: "forward", zone, servers, tcp, validate });
        }
    }
}

/// An address with a port, in the form of Zoners.
pub(crate) fn address(address: IpAddr, port: &str) -> String {
    match (address, port) {
        (_, "53") => address.to_string(),
        (IpAddr::V6(address), port) => format!("[{address}]:{port}"),
        (IpAddr::V4(address), port) => format!("{address}:{port}"),
    }
}

/// `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`, in the form of Zoners.
pub(crate) fn with_colon(text: &str) -> Option<String> {
    if let Ok(whole) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(address(whole, "53"));
    }
    let whole: SocketAddr = text.parse().ok()?;
    Some(address(whole.ip(), &whole.port().to_string()))
}

/// `ADDRESS#PORT`, as dnsmasq and Pi-hole write.
pub(crate) fn with_hash(text: &str) -> Option<String> {
    let (host, port) = text.split_once('#').unwrap_or((text, "53"));
    port.parse::<u16>().ok()?;
    Some(address(host.parse().ok()?, port))
}

/// The reverse zone of a prefix, where the prefix ends between two labels.
pub(crate) fn reverse_zone(prefix: &str) -> Option<String> {
    let (address, length) = prefix.split_once('/')?;
    let length: usize = length.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(address) if matches!(length, 8 | 16 | 24) => {
            let labels: Vec<String> =
                address.octets()[..length / 8].iter().rev().map(u8::to_string).collect();
            Some(format!("{}.in-addr.arpa", labels.join(".")))
        }
        IpAddr::V6(address) if (4..=124).contains(&length) && length.is_multiple_of(4) => {
            let digits = format!("{:032x}", u128::from(address));
            let labels: Vec<String> =
                digits[..length / 4].chars().rev().map(String::from).collect();
            Some(format!("{}.ip6.arpa", labels.join(".")))
        }
        _ => None,
    }
}

/// The type and the data of a record for an address, or an alias of a name.
pub(crate) fn target(text: &str) -> String {
    match text.parse() {
        Ok(IpAddr::V4(address)) => format!("A {address}"),
        Ok(IpAddr::V6(address)) => format!("AAAA {address}"),
        Err(_) => format!("CNAME {}.", text.trim_end_matches('.')),
    }
}
