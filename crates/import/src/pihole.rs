//! The readers of Pi-hole: pihole.toml of version 6; of version 5 setupVars.conf, custom.list and the files of a
//! Teleporter archive. Lists of version 6 lie in a database, whose addresses `sqlite3` writes as text.

mod setup_vars;

use crate::gathered::{Gathered, lines};
use crate::imported::Origin;
use crate::reading::ReadFault;
use crate::tree::{Node, toml, yaml};
use crate::upstreams::{reverse_zone, target, with_hash};
use crate::write::quoted;

/// How addresses of lists come out of the database of version 6.
const LISTS: &str = "lists are in gravity.db: sqlite3 gravity.db 'SELECT address FROM adlist WHERE enabled AND type = 0' >adlists.list, and name that file too";

const REASONS: &[(&str, &str)] = &[
    ("dns.CNAMEdeepInspect", "default already"),
    ("dns.blockESNI", "no counterpart"),
    ("dns.EDNS0ECS", "no counterpart: EDNS Client Subnet is neither read nor sent"),
    ("dns.interface", "to be done: name the addresses in `server.listen`"),
    ("dns.listeningMode", "default already: see `server.listen` and `server.allow`"),
    ("dns.cache.size", "no counterpart by number: `cache.size` is in octets"),
    ("dns.cache.*", "default already"),
    ("dns.domainNeeded", "default already"),
    ("dns.expandHosts", "no counterpart"),
    ("dns.bogusPriv", "default already"),
    ("dns.localise", "no counterpart"),
    ("dns.hostRecord", "to be done: `local.records`"),
    ("dns.piholePTR", "no need"),
    ("dns.replyWhenBusy", "no need"),
    ("dns.reply", "to be done where set: `local.records`"),
    ("dns.rateLimit.*", "no counterpart by minutes: `server.queries-per-second`"),
    ("dns.blocking.mode", "default already, or the address in `policy.block-with`"),
    ("dns.*", "no need"),
    ("dhcp", "no counterpart: no addresses are handed out; see `network.leases`"),
    ("ntp", "no counterpart"),
    ("resolver", "no need: clients are named by leases and local data"),
    ("database", "no need: see `query-log.keep` and `query-log.size`"),
    ("webserver", "to be done: `zoners dashboard password`; passwords are not copied"),
    ("files", "no need"),
    (
        "misc.dnsmasq_lines",
        "to be done: put the lines into a file, and `zoners import --from dnsmasq FILE`",
    ),
    ("misc.privacylevel", "to be done: `query-log.client`"),
    ("misc.*", "no need"),
    ("debug", "no counterpart: `zoners serve --log-level`"),
];

/// Whether a tree is of pihole.toml.
pub(crate) fn recognised_tree(tree: &Node) -> bool {
    tree.get("dns").is_some_and(|dns| dns.get("upstreams").is_some())
        || tree.get("webserver").is_some()
}

/// Whether a file of this name and text is one of version 5, or a list of addresses.
pub(crate) fn recognised(name: &str, text: &str) -> bool {
    let is_address = |line: &str| line.contains("://") && !line.contains(['=', ' ']);
    let mut addresses = lines(text).peekable();
    matches!(name, "setupVars.conf" | "custom.list" | "adlists.list")
        || (name.ends_with(".json")
            && matches!(name.split('.').next(), Some("adlist" | "blacklist" | "whitelist")))
        || text.lines().any(|line| line.starts_with("PIHOLE_"))
        || (addresses.peek().is_some() && addresses.all(|(_, line)| is_address(line)))
}

/// Reads a text; its name and its form tell which of the files it is.
pub(crate) fn read(text: &str, file: &str, gathered: &mut Gathered) -> Result<(), ReadFault> {
    let name = std::path::Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or("");
    let fault = |fault| ReadFault(format!("{file}: {fault}"));
    if name.ends_with(".json") {
        teleported(&yaml(text).map_err(fault)?, name, file, gathered);
    } else if name == "setupVars.conf" || text.lines().any(|line| line.starts_with("PIHOLE_")) {
        setup_vars::read(text, file, gathered);
    } else if name == "custom.list" {
        lines(text).for_each(|(at, line)| hosts(&Origin::new(file, at, line), line, gathered));
    } else if name != "pihole.toml" && recognised(name, text) {
        addresses(text, file, gathered);
    } else {
        let tree = toml(text).map_err(fault)?;
        gathered.imported.leave(&Origin::new(file, 1, "lists and domains"), LISTS);
        gathered.read_tree(&tree, file, take, REASONS);
    }
    Ok(())
}

/// The addresses of lists, one a line.
fn addresses(text: &str, file: &str, gathered: &mut Gathered) {
    for (at, line) in lines(text) {
        let from = Origin::new(file, at, line);
        add_list(&from, line, gathered);
    }
}

fn add_list(from: &Origin, url: &str, gathered: &mut Gathered) {
    let title = url.split_once("://").map_or(url, |(_, rest)| rest);
    // The name of a list is shown in many places, and a password before `@` must not be.
    let host = title.split('/').next().unwrap_or(title).rfind('@').map_or(0, |at| at + 1);
    let title = title.get(host..).unwrap_or(title);
    let path = url.strip_prefix("file://");
    let source = path.map_or(("url", url), |path| ("path", path));
    gathered.lists.add(from, (title, source.0, source.1), false, &mut gathered.imported);
}

/// A table of version 5, as the Teleporter writes: of lists the addresses, of domains a command for each.
fn teleported(rows: &Node, name: &str, file: &str, gathered: &mut Gathered) {
    for row in rows.items() {
        let (url, domain) = (row.text_of("address"), row.text_of("domain"));
        let from = Origin::new(file, row.line, if url.is_empty() { domain } else { url });
        if row.text_of("enabled") == "0" {
            gathered.imported.leave(&from, "switched off there");
        } else if name.starts_with("adlist") {
            add_list(&from, url, gathered);
        } else if name.contains(".regex.") {
            gathered
                .imported
                .leave(&from, "to be done: the rule as /REGEX/ in a file of a [[policy.list]]");
        } else {
            let verb = if name.starts_with("whitelist") { "allow" } else { "block" };
            gathered.imported.leave(&from, format!("to be done: `zoners policy {verb} {domain}`"));
        }
    }
}

fn take(gathered: &mut Gathered, from: &Origin, path: &str, node: &Node) -> bool {
    let imported = &mut gathered.imported;
    match (path, node.text()) {
        ("dns.upstreams", _) => {
            for (from, server) in gathered.texts(from, node) {
                upstream(&from, ".", server, gathered);
            }
        }
        ("dns.hosts", _) => {
            for (from, line) in gathered.texts(from, node) {
                hosts(&from, line, gathered);
            }
        }
        ("dns.cnameRecords", _) => {
            for (from, line) in gathered.texts(from, node) {
                alias(&from, line, gathered);
            }
        }
        ("dns.revServers", _) => {
            for (from, line) in gathered.texts(from, node) {
                reverse_server(&from, line, gathered);
            }
        }
        ("dns.port", "53" | "0") | ("dns.queryLogging", "false") | ("dns.dnssec", "false") => {}
        ("dns.port", port) => {
            for address in ["127.0.0.1", "[::1]"] {
                imported.item(from, "server", "listen", format!("{address}:{port}"));
            }
        }
        ("dns.queryLogging", "true") => {
            imported.value(from, "query-log", "queries", quoted("all"));
        }
        ("dns.dnssec", "true") => gathered.validates = true,
        ("dns.domain" | "dns.domain.name", domain) if !domain.is_empty() => {
            imported.value(from, "network", "lease-domain", quoted(domain));
        }
        ("dns.blockTTL", ttl) => imported.number(from, "policy", "ttl", ttl),
        ("dns.blocking.mode", "NXDOMAIN") => {
            imported.value(from, "policy", "block-with", quoted("nxdomain"));
        }
        ("dns.blocking.mode", "NODATA") => {
            imported.value(from, "policy", "block-with", quoted("nodata"));
        }
        ("dns.specialDomains.mozillaCanary", is @ ("true" | "false")) => {
            imported.value(from, "policy", "firefox-canary", is);
        }
        ("dns.specialDomains.iCloudPrivateRelay", is @ ("true" | "false")) => {
            imported.value(from, "policy", "private-relay-canary", is);
        }
        _ => return false,
    }
    true
}

/// `ADDRESS[#PORT]`.
fn upstream(from: &Origin, zone: &str, text: &str, gathered: &mut Gathered) {
    match with_hash(text) {
        Some(server) => gathered.upstreams.add(from, zone, server, false),
        None => {
            gathered.imported.leave(from, "to be done: `servers` of a [[forward]]; not an address")
        }
    }
}

/// `ADDRESS NAME…`.
fn hosts(from: &Origin, line: &str, gathered: &mut Gathered) {
    let mut words = line.split_whitespace();
    let Some(address) = words.next().filter(|word| word.parse::<std::net::IpAddr>().is_ok()) else {
        return gathered.imported.leave(from, "the line is not understood");
    };
    let mut words = words.peekable();
    if words.peek().is_none() {
        gathered.imported.leave(from, "the line has no name");
    }
    words.for_each(|name| gathered.imported.record(from, name, &target(address)));
}

/// `ALIAS,TARGET[,TTL]`.
fn alias(from: &Origin, line: &str, gathered: &mut Gathered) {
    match line.split(',').map(str::trim).collect::<Vec<_>>()[..] {
        [alias, to, ..] => gathered.imported.record(from, alias, &target(to)),
        _ => gathered.imported.leave(from, "the line is not understood"),
    }
}

/// `ENABLED,PREFIX,SERVER[,DOMAIN]`.
fn reverse_server(from: &Origin, line: &str, gathered: &mut Gathered) {
    match line.split(',').collect::<Vec<_>>()[..] {
        ["true", prefix, server] => conditional(from, (prefix, server, ""), gathered),
        ["true", prefix, server, domain, ..] => {
            conditional(from, (prefix, server, domain), gathered);
        }
        ["false", ..] => gathered.imported.leave(from, "switched off there"),
        _ => gathered.imported.leave(from, "the line is not understood"),
    }
}

/// A server for the names of a network: of its addresses, and of its domain if there is one.
fn conditional(
    from: &Origin,
    (prefix, server, domain): (&str, &str, &str),
    gathered: &mut Gathered,
) {
    match reverse_zone(prefix) {
        Some(zone) => upstream(from, &zone, server, gathered),
        None => gathered.imported.leave(from, "to be done: a [[forward]] for each reverse zone"),
    }
    if !domain.is_empty() {
        upstream(from, domain, server, gathered);
    }
}
