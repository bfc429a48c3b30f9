//! setupVars.conf of version 5.

use crate::gathered::{Gathered, lines};
use crate::imported::Origin;
use crate::write::quoted;

/// Reads a text. Settings of a network count together.
pub(super) fn read(text: &str, file: &str, gathered: &mut Gathered) {
    let of = |wanted: &str| {
        let pairs = lines(text).filter_map(|(_, line)| line.split_once('='));
        pairs.filter(|(key, _)| *key == wanted).last().map_or("", |(_, value)| value)
    };
    for (at, line) in text.lines().enumerate() {
        // A value may have a `#`: the port of a server.
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let from = Origin::new(file, at + 1, key);
        let imported = &mut gathered.imported;
        match (key, value) {
            _ if key.starts_with('#') || value.is_empty() => {}
            _ if key.starts_with("PIHOLE_DNS_") => super::upstream(&from, ".", value, gathered),
            ("DNSSEC", "true") => gathered.validates = true,
            ("QUERY_LOGGING", "true") => {
                imported.value(&from, "query-log", "queries", quoted("all"));
            }
            ("DNSSEC" | "QUERY_LOGGING" | "REV_SERVER", "false") => {}
            ("PIHOLE_DOMAIN", _) => {
                imported.value(&from, "network", "lease-domain", quoted(value));
            }
            ("REV_SERVER", "true") => {
                let (prefix, server) = (of("REV_SERVER_CIDR"), of("REV_SERVER_TARGET"));
                super::conditional(&from, (prefix, server, of("REV_SERVER_DOMAIN")), gathered);
            }
            ("REV_SERVER_CIDR" | "REV_SERVER_TARGET" | "REV_SERVER_DOMAIN", _) => {}
            ("BLOCKING_ENABLED", "true") => {
                imported.leave(&from, "to be done: name adlist.json or adlists.list too");
            }
            _ => imported.leave(&from, reason(key)),
        }
    }
}

fn reason(key: &str) -> &'static str {
    match key {
        "PIHOLE_INTERFACE" | "DNSMASQ_LISTENING" => {
            "to be done: `server.listen` and `server.allow`"
        }
        "CACHE_SIZE" => "no counterpart by number: `cache.size` is in octets",
        "WEBPASSWORD" => "to be done: `zoners dashboard password`; passwords are not copied",
        "DNS_FQDN_REQUIRED" | "DNS_BOGUS_PRIV" => "default already",
        _ if key.starts_with("DHCP_") => "no counterpart: no addresses are handed out",
        _ if key.starts_with("IPV") => "to be done: `server.listen`",
        _ => "no need",
    }
}
