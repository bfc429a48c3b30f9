//! The reader of dnscrypt-proxy.toml and of the files of rules beside it.

use crate::gathered::{Gathered, lines};
use crate::imported::{Form, Origin};
use crate::reading::ReadFault;
use crate::tree::{Node, toml};
use crate::upstreams::{target, with_colon};
use crate::write::quoted;

const NO_NEED: &str = "no need: Zoners asks the servers of the Internet, or those of [[forward]]";

const REASONS: &[(&str, &str)] = &[
    (
        "server_names",
        "to be done where servers were chosen: a [[forward]] with `zone = \".\"` and tls://, https:// or quic://",
    ),
    ("sources", NO_NEED),
    (
        "static",
        "no counterpart: stamps (sdns://); a [[forward]] names servers as tls:// or https://",
    ),
    ("bootstrap_resolvers", NO_NEED),
    ("ignore_system_dns", NO_NEED),
    ("netprobe_*", NO_NEED),
    ("lb_*", "default already: servers are tried by their speed"),
    ("anonymized_dns", "no counterpart: relays"),
    ("odoh_servers", "no counterpart: Oblivious DoH"),
    ("broken_implementations", "no need: servers are learnt"),
    ("require_*", NO_NEED),
    ("ipv4_servers", NO_NEED),
    ("ipv6_servers", NO_NEED),
    ("dnscrypt_servers", NO_NEED),
    ("doh_servers", NO_NEED),
    ("max_clients", "default already: see `server.max-waiting`"),
    ("force_tcp", "to be done: `transport = \"tcp\"` of a [[forward]]"),
    ("http3*", "no counterpart: HTTP/3 to servers"),
    ("timeout", "no need: see [timeouts]"),
    ("keepalive", "no need"),
    ("cert_refresh_delay", NO_NEED),
    ("cache_neg_min_ttl", "no counterpart"),
    ("query_log.*", "no need: see [query-log]"),
    ("blocked_names.*", "no need: see `zoners log`"),
    ("cache", "default already"),
    ("cache_size", "no counterpart by number: `cache.size` is in octets"),
    ("block_ipv6", "to be done: `block-aaaa` of a [[policy.group]]"),
    ("block_unqualified", "default already"),
    ("block_undelegated", "default already"),
    ("allowed_names", "to be done: a [[policy.list]] with `action = \"allow\"`"),
    ("blocked_ips", "no counterpart: blocking by address; see `policy.rebinding-protection`"),
    ("allowed_ips", "no counterpart: see `policy.rebinding-allow`"),
    ("schedules", "to be done: [[policy.group.schedule]]"),
    ("log_*", "no counterpart: `zoners serve --log-level`"),
    ("nx_log", "to be done: `query-log.queries = \"failed\"`"),
    ("captive_portals", "no need: portals are recognised"),
    ("dns64", "no need: see [dns64]"),
    ("local_doh", "to be done: `server.listen` with https://, and a certificate"),
    ("tls_*", "no counterpart"),
    ("monitoring_ui", "no need: `zoners dashboard`"),
];

/// Whether a tree is of dnscrypt-proxy.
pub(crate) fn recognised(tree: &Node) -> bool {
    ["listen_addresses", "server_names", "sources", "forwarding_rules", "cloaking_rules"]
        .iter()
        .any(|key| tree.get(key).is_some())
}

/// Reads a text.
pub(crate) fn read(text: &str, file: &str, gathered: &mut Gathered) -> Result<(), ReadFault> {
    let tree = toml(text).map_err(|fault| ReadFault(format!("{file}: {fault}")))?;
    gathered.read_tree(&tree, file, take, REASONS);
    Ok(())
}

fn take(gathered: &mut Gathered, from: &Origin, path: &str, node: &Node) -> bool {
    let imported = &mut gathered.imported;
    match path {
        "listen_addresses" => {
            for (from, text) in gathered.texts(from, node) {
                match with_colon(text) {
                    Some(address) => gathered.imported.item(&from, "server", "listen", address),
                    None => gathered.imported.leave(&from, "not an address"),
                }
            }
        }
        "cache_min_ttl" => imported.number(from, "cache", "min-ttl", node.text()),
        "cache_max_ttl" => imported.number(from, "cache", "max-ttl", node.text()),
        "cache_neg_max_ttl" => imported.number(from, "cache", "max-negative-ttl", node.text()),
        "reject_ttl" => imported.number(from, "policy", "ttl", node.text()),
        "user_name" => imported.leave(from, "no need: `zoners install` makes a user"),
        "query_log.file" => imported.value(from, "query-log", "queries", quoted("all")),
        "forwarding_rules" => forwarding(gathered, from, node.text()),
        "cloaking_rules" => cloaking(gathered, from, node.text()),
        "blocked_names.blocked_names_file" | "blacklist.blacklist_file" => {
            blocked(gathered, from, node.text());
        }
        _ => return false,
    }
    true
}

/// `DOMAIN SERVER[,SERVER…]`, each server an address with an optional port.
fn forwarding(gathered: &mut Gathered, from: &Origin, name: &str) {
    let Some((path, text)) = gathered.beside(from, name) else { return };
    let file = path.display().to_string();
    for (at, line) in lines(&text) {
        let from = Origin::new(&file, at, line);
        let Some((zone, servers)) = line.split_once(char::is_whitespace) else {
            gathered.imported.leave(&from, "the line is not understood");
            continue;
        };
        for server in servers.split(',').map(str::trim) {
            match with_colon(server) {
                Some(server) => {
                    gathered.upstreams.add(&from, zone.trim_start_matches("*."), server, false);
                }
                None => gathered.imported.leave(&from, format!("not an address: {server}")),
            }
        }
    }
}

/// `NAME TARGET`: an address or another name; of `*.NAME` a wildcard, of `=NAME` that name alone.
fn cloaking(gathered: &mut Gathered, from: &Origin, name: &str) {
    let Some((path, text)) = gathered.beside(from, name) else { return };
    let file = path.display().to_string();
    for (at, line) in lines(&text) {
        let from = Origin::new(&file, at, line);
        let mut words = line.split_whitespace();
        let (Some(name), Some(to)) = (words.next(), words.next()) else {
            gathered.imported.leave(&from, "the line is not understood");
            continue;
        };
        let bare = name.trim_start_matches('=');
        if bare.trim_start_matches("*.").contains('*') {
            gathered.imported.leave(&from, "no counterpart: a pattern of names");
            continue;
        }
        gathered.imported.record(&from, bare, &target(to));
        // A name without a sign stands for the names below too.
        if bare == name && !name.starts_with("*.") {
            gathered.imported.record(&from, &format!("*.{bare}"), &target(to));
        }
    }
}

/// A file of names, each with the names below.
fn blocked(gathered: &mut Gathered, from: &Origin, name: &str) {
    let Some((path, text)) = gathered.beside(from, name) else { return };
    let is_pattern = |line: &str| {
        line.trim_start_matches("*.").contains(['*', '=', '@', '?', '[']) || line.ends_with('.')
    };
    let patterns = lines(&text).filter(|(_, line)| is_pattern(line)).count();
    if patterns > 0 {
        let reason =
            format!("no counterpart: {patterns} lines with patterns, times or single names");
        gathered.imported.leave(from, reason);
    }
    let path = std::path::absolute(&path).unwrap_or(path);
    let pairs = vec![
        ("name", quoted("blocked-names")),
        ("path", quoted(&path.display().to_string())),
        ("form", quoted("wildcards")),
    ];
    gathered.imported.take(from, Form::Entry { table: "policy.list", pairs });
}
