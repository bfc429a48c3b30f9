//! Names with records of their own.

use std::net::IpAddr;

use crate::gathered::Gathered;
use crate::imported::Origin;
use crate::upstreams::target;

/// Why `//` is not taken over.
pub(super) const WITHOUT_DOT: &str = "no counterpart: names without a dot";

/// The names between slashes, and what stands behind the last slash.
pub(super) fn and_rest(value: &str) -> Option<(Vec<&str>, &str)> {
    let (names, rest) = value.strip_prefix('/')?.rsplit_once('/')?;
    let names: Vec<&str> = names
        .split('/')
        .map(|name| name.trim_start_matches("*.").trim_start_matches('.'))
        .filter(|name| !name.is_empty())
        .collect();
    Some((names, rest))
}

pub(super) fn record(from: &Origin, name: &str, address: IpAddr, gathered: &mut Gathered) {
    gathered.imported.record(from, name, &target(&address.to_string()));
}

/// The lines of a record of some kind.
pub(super) fn records(from: &Origin, key: &str, value: &str, gathered: &mut Gathered) {
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    let imported = &mut gathered.imported;
    match (key, &parts[..]) {
        ("host-record", _) => host(from, &parts, gathered),
        ("cname", [aliases @ .., to]) if !aliases.is_empty() => {
            // A number at the end is the TTL.
            let (aliases, to) = match (to.parse::<u32>(), aliases.split_last()) {
                (Ok(_), Some((to, aliases))) => (aliases, *to),
                _ => (aliases, *to),
            };
            aliases.iter().for_each(|alias| imported.record(from, alias, &target(to)));
        }
        ("txt-record", [name, texts @ ..]) if !texts.is_empty() => {
            let bare = texts.iter().map(|text| text.trim_matches('"').replace(['"', '\\'], ""));
            let texts: Vec<String> = bare.map(|text| format!("\"{text}\"")).collect();
            imported.record(from, name, &format!("TXT {}", texts.join(" ")));
        }
        ("mx-host", [name, rest @ ..]) => {
            let to = rest.first().copied().unwrap_or(name).trim_end_matches('.');
            let preference = rest.get(1).copied().unwrap_or("1");
            imported.record(from, name, &format!("MX {preference} {to}."));
        }
        ("srv-host", [name, to, port, rest @ ..]) => {
            let (priority, weight) = (rest.first().unwrap_or(&"0"), rest.get(1).unwrap_or(&"0"));
            let to = to.trim_end_matches('.');
            imported.record(from, name, &format!("SRV {priority} {weight} {port} {to}."));
        }
        ("ptr-record", [name, to]) => {
            imported.record(from, name, &format!("PTR {}.", to.trim_end_matches('.')));
        }
        _ => imported.leave(from, "to be done: `local.records`"),
    }
}

/// `NAME,…,ADDRESS,…[,TTL]`: every name has every address.
fn host(from: &Origin, parts: &[&str], gathered: &mut Gathered) {
    let addresses: Vec<IpAddr> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let is_name = |part: &&&str| part.parse::<IpAddr>().is_err() && part.parse::<u32>().is_err();
    let names: Vec<&&str> = parts.iter().filter(is_name).collect();
    for name in &names {
        addresses.iter().for_each(|address| record(from, name, *address, gathered));
    }
    if names.is_empty() || addresses.is_empty() {
        gathered.imported.leave(from, "to be done: `local.records`");
    }
}
