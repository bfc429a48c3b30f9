//! `zoners network`

use zoners_api::{
    AdminReply, AdminRequest, DnsSettingsReport, LinkReport, LocalNetworks, NetworkRouteReport,
};
use zoners_host::networks::{NetworkFacts, ProgramUse};
use zoners_server::control::{self, ControlError};
use zoners_server::network_routes::network_routes;
use zoners_server::report;

use super::status::span;
use super::{Socket, failure};
use crate::Failure;
use crate::output::{self, eprintln, println};
use crate::print::{BOLD, DIM, clean, wrapped};

/// Columns of a heading in a link, with the indent.
const HEADING: usize = 14;
/// Digits of the identifier that are shown.
const SHOWN_DIGITS: usize = 8;

/// Arguments of `zoners network`.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkArguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &NetworkArguments) -> Result<(), Failure> {
    let networks = networks(&arguments.socket)?;
    if arguments.json {
        println!("{}", AdminReply::from(networks).to_line());
    } else {
        page(&networks, output::width()).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// The networks as the running daemon knows them; without a daemon, as the system tells this process.
fn networks(socket: &Socket) -> Result<LocalNetworks, Failure> {
    match control::request(&socket.paths()?, &AdminRequest::Network {}, None) {
        Ok(networks) => return Ok(networks),
        Err(ControlError::NotRunning(_)) if !socket.is_named() => {
            eprintln!("note: no daemon is running: this is what the system tells this command");
        }
        Err(ControlError::NoAccess(_)) if !socket.is_named() => {
            eprintln!(
                "note: the daemon may not be asked: this is what the system tells this command"
            );
        }
        Err(error) => return Err(failure(error)),
    }
    let facts = NetworkFacts::read(ProgramUse::Allowed);
    let (config, _) = socket.config.load()?;
    let routes = network_routes(&facts, &config);
    Ok(report::local_networks(&facts, None, &routes))
}

/// The networks: the way to the Internet, each link, and the zones of resolvers.
pub(super) fn page(networks: &LocalNetworks, width: usize) -> Vec<String> {
    let is_shown = |link: &&LinkReport| link.kind != "loopback" || !link.dns.is_empty();
    let links = networks.links.iter().filter(is_shown).flat_map(|one| link(one, width));
    let machine = networks.machine.iter().flat_map(|one| settings(one, width));
    let machine: Vec<String> = machine.collect();
    let machine = match machine.is_empty() {
        true => Vec::new(),
        false => [vec![format!("{BOLD}the machine as a whole{BOLD:#}")], machine].concat(),
    };
    head(networks, width)
        .into_iter()
        .chain(links)
        .chain(machine)
        .chain(routes(networks, width))
        .collect()
}

fn head(networks: &LocalNetworks, width: usize) -> Vec<String> {
    let id = networks.network.as_ref().map(|id| id.chars().take(SHOWN_DIGITS).collect::<String>());
    let name = id.map_or_else(|| "Network".to_owned(), |id| format!("Network {}", clean(&id)));
    let way = networks.default_routes.first().map(|route| {
        let gateway = route.gateway.iter().map(|gateway| format!(", router {}", clean(gateway)));
        format!("by {}{}", clean(&route.link), gateway.collect::<String>())
    });
    let way = way.unwrap_or_else(|| "there is no default route".to_owned());
    let lines = wrapped(&format!("{name}: {way}"), width);
    let lines = lines.iter().map(|line| format!("{BOLD}{line}{BOLD:#}"));
    let strategy = networks.strategy.iter().flat_map(|strategy| {
        let resolvers: Vec<String> = strategy.resolvers.iter().map(|it| without_port(it)).collect();
        let of = if resolvers.is_empty() { "" } else { ": " };
        field("strategy", &[format!("{}{of}{}", strategy.text, resolvers.join(", "))], width)
    });
    let portal = networks.strategy.iter().filter_map(|strategy| strategy.portal.as_ref());
    let portal = portal.flat_map(|portal| {
        let page = field("log-in page", portal.user_portal_url.as_slice(), width);
        let left = portal.seconds_remaining.map(|seconds| format!("ends in {}", span(seconds)));
        let session = match portal.captive {
            true => "captive".to_owned(),
            false => "open".to_owned(),
        };
        let session: Vec<String> = [session].into_iter().chain(left).collect();
        let session = field("portal says", &session, width);
        [page, field("venue", portal.venue_info_url.as_slice(), width), session].concat()
    });
    lines.chain(strategy).chain(portal).collect()
}

fn link(link: &LinkReport, width: usize) -> Vec<String> {
    let name = clean(&link.name);
    let mut lines = vec![format!("{BOLD}{name}{BOLD:#}  {DIM}{}{DIM:#}", clean(&link.kind))];
    lines.extend(field("addresses", &link.addresses, width));
    lines.extend(field("router", &link.gateways, width));
    lines.extend(link.dns.iter().flat_map(|one| settings(one, width)));
    let server = link.dhcp_server.iter().map(|server| format!("server {server}"));
    let domain = link.dhcp_domain.iter().map(|domain| format!("domain {domain}"));
    lines.extend(field("DHCP", &server.chain(domain).collect::<Vec<_>>(), width));
    lines.extend(field("portal", link.portal_api.as_slice(), width));
    lines.extend(field("NAT64", &link.nat64_prefixes, width));
    lines
}

/// The resolvers and domains of a source that counts.
fn settings(settings: &DnsSettingsReport, width: usize) -> Vec<String> {
    if !settings.in_use {
        return Vec::new();
    }
    let routing = settings.routing_domains.iter().map(|domain| format!("~{domain}"));
    let domains: Vec<String> = settings.search_domains.iter().cloned().chain(routing).collect();
    let resolvers: Vec<String> = settings.resolvers.iter().map(|it| without_port(it)).collect();
    let resolvers = vec![format!("{} (by {})", resolvers.join(", "), settings.source)];
    [field("resolvers", &resolvers, width), field("domains", &domains, width)].concat()
}

/// An address without the usual port.
fn without_port(address: &str) -> String {
    let bare = address.strip_suffix(":53").unwrap_or(address);
    bare.strip_prefix('[').and_then(|bare| bare.strip_suffix(']')).unwrap_or(bare).to_owned()
}

/// A heading with values; nothing without a value.
fn field(heading: &str, values: &[String], width: usize) -> Vec<String> {
    if values.is_empty() {
        return Vec::new();
    }
    let text = clean(&values.join(", "));
    let lines = wrapped(&text, width.saturating_sub(HEADING));
    let line = |(number, line): (usize, &String)| {
        let heading = if number == 0 { heading } else { "" };
        format!("  {DIM}{heading:<column$}{DIM:#}{line}", column = HEADING - 2)
    };
    lines.iter().enumerate().map(line).collect()
}

fn routes(networks: &LocalNetworks, width: usize) -> Vec<String> {
    if networks.routes.is_empty() {
        return Vec::new();
    }
    let heading = format!("{BOLD}Names that networks answer{BOLD:#}");
    let column = networks.routes.iter().map(|route| route.zone.chars().count()).max();
    let column = column.unwrap_or_default().min(width / 2);
    let all = networks.routes.iter().flat_map(|one| route(one, column, width));
    [heading].into_iter().chain(all).collect()
}

fn route(route: &NetworkRouteReport, column: usize, width: usize) -> Vec<String> {
    let reason = match route.reason.as_str() {
        "vpn" => "domain of a VPN",
        "vpn-reverse" => "addresses of a VPN",
        "dhcp-domain" => "domain of DHCP",
        "home-domain" => "domain of homes",
        "reverse" => "addresses of the network",
        reason => reason,
    };
    let servers: Vec<String> = route.servers.iter().map(|it| without_port(it)).collect();
    let text = format!("{} by {}: {reason}", servers.join(", "), route.link);
    let lines = wrapped(&clean(&text), width.saturating_sub(column + 4));
    let line = |(number, line): (usize, &String)| {
        let zone = if number == 0 { clean(&route.zone) } else { String::new() };
        format!("  {zone:<column$}  {line}")
    };
    lines.iter().enumerate().map(line).collect()
}
