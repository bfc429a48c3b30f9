//! The reader of AdGuardHome.yaml.

use std::net::IpAddr;

use crate::gathered::Gathered;
use crate::imported::Origin;
use crate::reading::ReadFault;
use crate::tree::{Node, yaml};
use crate::upstreams::{address, target, with_colon};
use crate::write::quoted;

const REASONS: &[(&str, &str)] = &[
    ("http", "no need: `zoners dashboard`; `server.http` for other machines"),
    ("users", "to be done: `zoners dashboard password`; passwords are not copied"),
    ("auth_*", "no need: `zoners dashboard`"),
    ("block_auth_min", "no need: `zoners dashboard`"),
    ("bind_*", "no need: `zoners dashboard`; `server.http` for other machines"),
    ("beta_bind_port", "no need: `zoners dashboard`"),
    ("web_*", "no need: `zoners dashboard`"),
    ("debug_*", "no counterpart"),
    ("verbose", "no counterpart: `zoners serve --log-level`"),
    ("log_*", "no need: the log goes to the service manager"),
    ("language", "no counterpart"),
    ("theme", "no counterpart"),
    ("dns.bootstrap_*", "no need: names of servers are looked up from the root down"),
    ("dns.fallback_dns", "to be done: further servers of the [[forward]]"),
    ("dns.upstream_dns_file", "to be done: `servers` of a [[forward]]"),
    ("dns.upstream_mode", "default already: servers are tried by their speed"),
    ("dns.upstream_timeout", "no need: see [timeouts]"),
    ("dns.fastest_timeout", "no need: see [timeouts]"),
    (
        "dns.disallowed_clients",
        "to be done: `server.allow` without these; by default all of the household is served",
    ),
    ("dns.blocked_hosts", "to be done: the names in a file of a [[policy.list]]"),
    ("dns.trusted_proxies", "to be done: `server.http-proxies`, or `proxies` of a [[listen]]"),
    ("dns.ratelimit_*", "default already"),
    ("dns.refuse_any", "default already: see `server.any`"),
    ("dns.cache_*", "default already"),
    ("dns.edns_client_subnet", "no counterpart: never sent"),
    ("dns.enable_dnssec", "default already"),
    ("dns.local_ptr_upstreams", "to be done: a [[forward]] for the reverse zone"),
    ("dns.private_networks", "no need: private addresses are known"),
    ("dns.use_private_ptr_resolvers", "default already: the network's resolver"),
    ("dns.dns64_prefixes", "to be done: `dns64.prefix`"),
    ("dns.*", "no need"),
    (
        "tls",
        "to be done: `server.certificate`, `server.certificate-key`, and addresses with tls://, https://, quic://; keys are not copied",
    ),
    ("querylog.*", "no need: see [query-log]"),
    ("statistics", "no need: `zoners stats`"),
    ("dhcp", "no counterpart: no addresses are handed out; see `network.leases`"),
    ("filtering.blocked_services.schedule", "to be done: [[policy.group.schedule]]"),
    ("filtering.blocked_services.ids", "to be done: `blocked-services` of a [[policy.group]]"),
    ("filtering.safe_search", "to be done: `safe-search` of a [[policy.group]]"),
    ("filtering.parental_enabled", "no counterpart by itself: lists of [policy]"),
    ("filtering.safebrowsing_enabled", "no counterpart by itself: lists of [policy]"),
    ("filtering.*", "no need"),
    ("clients.persistent", "to be done: a [[policy.group]] for each client"),
    ("clients.*", "default already: clients are named by leases and local data"),
    ("clients.runtime_sources", "default already: clients are named by leases and local data"),
    ("log", "no need: the log goes to the service manager"),
    ("os", "no need: `zoners install` makes a user"),
    ("schema_version", "no need"),
];

/// Whether a text has the tables of AdGuard Home.
pub(crate) fn recognised(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "dns:")
        && text.lines().any(|line| line.trim_start().starts_with("upstream_dns:"))
}

/// Reads a text.
pub(crate) fn read(text: &str, file: &str, gathered: &mut Gathered) -> Result<(), ReadFault> {
    let tree = yaml(text).map_err(|fault| ReadFault(format!("{file}: {fault}")))?;
    listen(&tree, file, gathered);
    gathered.read_tree(&tree, file, take, REASONS);
    Ok(())
}

fn listen(tree: &Node, file: &str, gathered: &mut Gathered) {
    let Some(dns) = tree.get("dns") else { return };
    let port = Some(dns.text_of("port")).filter(|port| !port.is_empty()).unwrap_or("53");
    let at = |line| Origin::new(file, line, "dns.bind_hosts");
    let several = dns.get("bind_hosts").filter(|hosts| !hosts.is_empty());
    let several = several.map(|hosts| gathered.texts(&at(hosts.line), hosts)).unwrap_or_default();
    // Older files have one.
    let one = dns.get("bind_host").map(|host| (at(host.line), host.text()));
    for (from, host) in several.into_iter().chain(one) {
        match host.parse::<IpAddr>() {
            Ok(host) => gathered.imported.item(&from, "server", "listen", address(host, port)),
            Err(_) => gathered.imported.leave(&from, "not an address"),
        }
    }
}

fn take(gathered: &mut Gathered, from: &Origin, path: &str, node: &Node) -> bool {
    let imported = &mut gathered.imported;
    match (path, node.text()) {
        // `listen` has read them.
        ("dns.bind_hosts" | "dns.bind_host" | "dns.port", _) => {}
        ("dns.upstream_dns", _) => {
            for (from, server) in gathered.texts(from, node) {
                upstream(&from, server, gathered);
            }
        }
        ("dns.ratelimit" | "dns.cache_ttl_min" | "dns.cache_ttl_max" | "dns.cache_size", "0") => {}
        ("dns.ratelimit", rate) => imported.number(from, "server", "queries-per-second", rate),
        ("dns.cache_size", octets) => match octets.parse::<u64>() {
            Ok(octets) => {
                let mib = octets.div_ceil(1 << 20);
                imported.value(from, "cache", "size", format!("\"{mib}MiB\""));
            }
            Err(_) => imported.leave(from, "the size is not understood"),
        },
        ("dns.cache_ttl_min", ttl) => imported.number(from, "cache", "min-ttl", ttl),
        ("dns.cache_ttl_max", ttl) => imported.number(from, "cache", "max-ttl", ttl),
        ("dns.aaaa_disabled", "true") => {
            imported.leave(from, "to be done: `block-aaaa` of a [[policy.group]]");
        }
        ("dns.use_dns64", "true") => imported.leave(from, "default already: see [dns64]"),
        ("dns.allowed_clients", _) => {
            for (from, client) in gathered.texts(from, node) {
                gathered.imported.item(&from, "server", "allow", client);
            }
        }
        ("querylog.enabled", "true") => {
            imported.value(from, "query-log", "queries", quoted("all"));
        }
        ("querylog.interval", keep) => imported.value(from, "query-log", "keep", quoted(keep)),
        ("querylog.ignored", _) => {
            for (from, name) in gathered.texts(from, node) {
                gathered.imported.item(&from, "query-log", "ignore-names", name);
            }
        }
        ("filters" | "whitelist_filters", _) => lists(gathered, from, path, node),
        ("user_rules", _) => {
            for (from, rule) in gathered.texts(from, node) {
                user_rule(&from, rule, gathered);
            }
        }
        ("filtering.rewrites" | "dns.rewrites", _) => {
            for rewrite in gathered.tables(from, node) {
                rewritten(gathered, from, path, rewrite);
            }
        }
        ("filtering.blocking_mode" | "dns.blocking_mode", mode) => match mode {
            "nxdomain" | "refused" => imported.value(from, "policy", "block-with", quoted(mode)),
            "default" | "null_ip" => imported.leave(from, "default already"),
            _ => imported.leave(from, "to be done: the address in `policy.block-with`"),
        },
        ("filtering.blocked_response_ttl" | "dns.blocked_response_ttl", ttl) => {
            imported.number(from, "policy", "ttl", ttl);
        }
        _ => return false,
    }
    true
}

/// A server, perhaps behind `[/DOMAIN/…/]`. A `#` begins a comment.
fn upstream(from: &Origin, text: &str, gathered: &mut Gathered) {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return;
    }
    let inside = text.strip_prefix("[/").and_then(|rest| rest.split_once("/]"));
    let (zones, servers) = inside.unwrap_or((".", text));
    for server in servers.split_whitespace() {
        let (scheme, bare) = server.split_once("://").unwrap_or(("udp", server));
        let (server, over_tcp) = match scheme {
            _ if server == "#" => (None, false),
            // What is no address is told by the check.
            "udp" | "tcp" => {
                (Some(with_colon(bare).unwrap_or_else(|| bare.to_owned())), scheme == "tcp")
            }
            "tls" | "https" | "quic" => (Some(server.to_owned()), false),
            _ => (None, false),
        };
        let Some(server) = server else {
            let reason = match scheme {
                "h3" => "no counterpart: HTTP/3 to servers; take https://",
                "sdns" => "no counterpart: a stamp; name the server as tls:// or https://",
                "udp" => "no need: such names are looked up as others",
                _ => "no counterpart: servers of this scheme",
            };
            gathered.imported.leave(from, reason);
            continue;
        };
        for zone in zones.split('/').map(|zone| zone.trim_start_matches("*.")) {
            if zone.is_empty() {
                gathered.imported.leave(from, "no counterpart: servers for names without a dot");
            } else {
                gathered.upstreams.add(from, zone, server.clone(), over_tcp);
            }
        }
    }
}

fn lists(gathered: &mut Gathered, from: &Origin, path: &str, node: &Node) {
    for list in gathered.tables(from, node) {
        let (title, url) = (list.text_of("name"), list.text_of("url"));
        let from = Origin::new(&from.place.file, list.line, format!("{path}: {title}"));
        if list.text_of("enabled") == "false" {
            gathered.imported.leave(&from, "switched off there");
            continue;
        }
        let key = if url.contains("://") { "url" } else { "path" };
        let allows = path == "whitelist_filters";
        gathered.lists.add(&from, (title, key, url), allows, &mut gathered.imported);
    }
}

/// A rule for one name has a command; others want a file.
fn user_rule(from: &Origin, text: &str, gathered: &mut Gathered) {
    let text = text.trim();
    if text.is_empty() || text.starts_with(['!', '#']) {
        return;
    }
    let (verb, rule) = text.strip_prefix("@@").map_or(("block", text), |rule| ("allow", rule));
    let name = rule.strip_prefix("||").and_then(|rule| rule.strip_suffix('^'));
    let from = Origin { words: format!("{}: {text}", from.words), ..from.clone() };
    gathered.imported.leave(
        &from,
        match name.filter(|name| !name.contains(['*', '/', '^', '$', '|'])) {
            Some(name) => format!("to be done: `zoners policy {verb} {name}`"),
            None => "to be done: the rule in a file of a [[policy.list]]".to_owned(),
        },
    );
}

fn rewritten(gathered: &mut Gathered, from: &Origin, path: &str, rewrite: &Node) {
    let (name, answer) = (rewrite.text_of("domain"), rewrite.text_of("answer"));
    let from = Origin::new(&from.place.file, rewrite.line, format!("{path}: {name}"));
    if rewrite.text_of("enabled") == "false" {
        gathered.imported.leave(&from, "switched off there");
    } else if name == answer || matches!(answer, "A" | "AAAA" | "") {
        gathered.imported.leave(&from, "no counterpart: an exception of a wildcard");
    } else {
        gathered.imported.record(&from, name, &target(answer));
    }
}
