//! The reader of dnsmasq.conf.

mod names;
mod reasons;

use std::net::IpAddr;

use crate::gathered::Gathered;
use crate::imported::Origin;
use crate::reading::MAX_FILES;
use crate::upstreams::{address, reverse_zone, with_hash};
use crate::write::quoted;

/// Keys by which a file is known.
const KEYS: [&str; 16] = [
    "server",
    "address",
    "local",
    "listen-address",
    "conf-dir",
    "conf-file",
    "dhcp-host",
    "dhcp-option",
    "dhcp-range",
    "no-resolv",
    "cache-size",
    "interface",
    "bind-interfaces",
    "domain-needed",
    "bogus-priv",
    "host-record",
];

/// Whether every line is `KEY` or `KEY=VALUE`, and a known key is among them.
pub(crate) fn recognised(text: &str) -> bool {
    let is_key = |(key, _): &(&str, &str)| {
        key.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
    };
    let mut pairs = text.lines().filter_map(key_and_value).peekable();
    pairs.clone().any(|(key, _)| KEYS.contains(&key)) && pairs.all(|pair| is_key(&pair))
}

/// A line; none where the line is empty or a comment.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (line, _) = line.split_once(" #").unwrap_or((line, ""));
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    Some((key.trim(), value.trim()))
}

/// What counts at the end.
#[derive(Default)]
pub(crate) struct Reader {
    port: Option<String>,
    addresses: Vec<(Origin, IpAddr)>,
    /// The first line that blocks a name, and how many do.
    blocked: Option<(Origin, usize)>,
}

impl Reader {
    /// Reads a text, and the files that the text includes.
    pub(crate) fn read(&mut self, text: &str, file: &str, gathered: &mut Gathered, depth: usize) {
        for (at, line) in text.lines().enumerate() {
            let Some((key, value)) = key_and_value(line) else { continue };
            let from = Origin::new(file, at + 1, format!("{key}={value}").trim_end_matches('='));
            match key {
                "conf-file" | "servers-file" => self.include(&from, value, gathered, depth),
                "conf-dir" => {
                    let (folder, rest) = value.split_once(',').unwrap_or((value, ""));
                    let name = rest.split(',').find(|name| name.contains('*')).unwrap_or("*");
                    let pattern = format!("{}/{name}", folder.trim_end_matches('/'));
                    self.include(&from, &pattern, gathered, depth);
                }
                "port" => self.port = Some(value.to_owned()),
                "listen-address" => self.listen(&from, value, gathered),
                "address" => self.address(&from, value, gathered),
                _ => setting(&from, key, value, gathered),
            }
        }
    }

    fn include(&mut self, from: &Origin, pattern: &str, gathered: &mut Gathered, depth: usize) {
        let files = gathered.reading.matching(pattern);
        if files.is_empty() {
            gathered.imported.leave(from, "no file has such a name");
        }
        if files.len() > MAX_FILES {
            gathered.imported.leave(from, format!("only the first {MAX_FILES} files are read"));
        }
        for path in files.iter().take(MAX_FILES) {
            match gathered.reading.included(path, depth + 1) {
                Ok(text) => {
                    self.read(&text, &path.display().to_string(), gathered, depth + 1);
                }
                Err(fault) => gathered.imported.leave(from, format!("not read: {fault}")),
            }
        }
    }

    fn listen(&mut self, from: &Origin, value: &str, gathered: &mut Gathered) {
        for text in value.split(',').map(str::trim) {
            match text.parse() {
                Ok(address) => self.addresses.push((from.clone(), address)),
                Err(_) => gathered.imported.leave(from, format!("not an address: {text}")),
            }
        }
    }

    /// `/NAME/…/ADDRESS`: these names, and those below, have the address; without an address there are no such names.
    fn address(&mut self, from: &Origin, value: &str, gathered: &mut Gathered) {
        let Some((names, target)) = names::and_rest(value) else {
            return gathered.imported.leave(from, "no counterpart: an address of all names");
        };
        if names.is_empty() {
            return gathered.imported.leave(from, names::WITHOUT_DOT);
        }
        match target.parse::<IpAddr>() {
            Ok(target) if !target.is_unspecified() => {
                for name in names {
                    names::record(from, name, target, gathered);
                    names::record(from, &format!("*.{name}"), target, gathered);
                }
            }
            _ => {
                let (_, count) = self.blocked.get_or_insert_with(|| (from.clone(), 0));
                *count += names.len();
            }
        }
    }

    pub(crate) fn finish(self, gathered: &mut Gathered) {
        let port = self.port.as_deref().unwrap_or("53");
        for (from, host) in &self.addresses {
            gathered.imported.item(from, "server", "listen", address(*host, port));
        }
        if let Some((from, count)) = self.blocked {
            let reason = format!(
                "to be done: {count} names are blocked so; put these lines into a file, and name it in `path` of a [[policy.list]]"
            );
            gathered.imported.leave(&from, reason);
        }
    }
}

/// A setting that stands for itself.
fn setting(from: &Origin, key: &str, value: &str, gathered: &mut Gathered) {
    let imported = &mut gathered.imported;
    match (key, value) {
        ("server" | "local", _) => server(from, value, gathered),
        ("rev-server", _) => {
            let parts = value.split_once(',');
            let zone = parts.and_then(|(prefix, _)| reverse_zone(prefix));
            match (zone, parts.and_then(|(_, server)| with_hash(server))) {
                (Some(zone), Some(server)) => gathered.upstreams.add(from, &zone, server, false),
                _ => imported.leave(from, "to be done: a [[forward]] for each reverse zone"),
            }
        }
        ("host-record" | "cname" | "txt-record" | "mx-host" | "srv-host" | "ptr-record", _) => {
            names::records(from, key, value, gathered);
        }
        ("max-cache-ttl", _) => imported.number(from, "cache", "max-ttl", value),
        ("min-cache-ttl", _) => imported.number(from, "cache", "min-ttl", value),
        ("edns-packet-max", _) => imported.number(from, "resolver", "edns-udp-size", value),
        ("log-queries", _) => imported.value(from, "query-log", "queries", quoted("all")),
        ("addn-hosts", _) => imported.value(from, "local", "hosts", quoted(value)),
        ("dhcp-leasefile", _) => imported.item(from, "network", "leases", value),
        ("domain", _) if !value.contains([',', '#']) && !value.is_empty() => {
            imported.value(from, "network", "lease-domain", quoted(value));
        }
        ("rebind-domain-ok", _) => {
            for zone in value.split('/').filter(|zone| !zone.is_empty()) {
                imported.item(from, "policy", "rebinding-allow", zone);
            }
        }
        ("dnssec", _) => gathered.validates = true,
        _ => imported.leave(from, reasons::of(key)),
    }
}

/// `[/ZONE/…/]ADDRESS[#PORT][@INTERFACE]`.
fn server(from: &Origin, value: &str, gathered: &mut Gathered) {
    let (zones, server) = names::and_rest(value).unwrap_or((vec!["."], value));
    if zones.is_empty() {
        return gathered.imported.leave(from, names::WITHOUT_DOT);
    }
    let (server, link) = server.split_once('@').unwrap_or((server, ""));
    match (server, with_hash(server)) {
        ("", _) => gathered.imported.leave(
            from,
            "to be done for a zone of leases: `network.lease-domain`; else a [[zone]] with a file",
        ),
        ("#", _) => gathered.imported.leave(from, "no need: such names are looked up as others"),
        (_, Some(server)) => {
            for zone in zones {
                gathered.upstreams.add(from, zone, server.clone(), false);
            }
            if !link.is_empty() {
                gathered.imported.leave(
                    from,
                    "no counterpart for one server: the interface or address behind @",
                );
            }
        }
        _ => gathered.imported.leave(from, "not an address"),
    }
}
