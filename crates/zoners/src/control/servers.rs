//! `zoners servers`

use anstyle::{AnsiColor, Style};
use zoners_api::{
    AdminReply, AdminRequest, EncryptionReport, KnownServer, ServerList, SilentZoneReport,
};

use super::Socket;
use crate::Failure;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, RED, clean, wrapped};

/// Columns for an address with its transport: at least the heading, at most the longest IPv6 address without a port.
const ADDRESS_WIDTH: (usize, usize) = (6, 43);
const GREEN: Style = AnsiColor::Green.on_default();

/// Arguments of `zoners servers`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServersArguments {
    /// The zone, or a name in the zone. Without a zone, every known server is listed.
    zone: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &ServersArguments) -> Result<(), Failure> {
    let request = AdminRequest::Servers { zone: arguments.zone.clone() };
    let servers: ServerList = arguments.socket.request(&request)?;
    if arguments.json {
        println!("{}", AdminReply::from(servers).to_line());
    } else {
        page(&servers, output::width()).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// The servers, one on each line; remarks go below where the line has no room.
pub(super) fn page(list: &ServerList, width: usize) -> Vec<String> {
    let zone = list.zone.iter().map(|zone| format!("{BOLD}Servers of {}{BOLD:#}", clean(zone)));
    let broken = list.reachability.names(false);
    let broken = broken.map(|way| format!("{RED}{way} does not work from here{RED:#}"));
    let silent = list.silent_zones.iter().flat_map(|silent| silent_zone(silent, width));
    let column = list.servers.iter().map(|server| address(server).chars().count()).max();
    let column = column.unwrap_or_default().clamp(ADDRESS_WIDTH.0, ADDRESS_WIDTH.1);
    let head =
        format!("{DIM}{:<column$} {:>18}  {:>6}{DIM:#}", "server", "round-trip time", "lost");
    let head = Some(head).filter(|_| !list.servers.is_empty());
    let servers = list.servers.iter().flat_map(|one| server(one, column, width));
    let none = list.servers.is_empty().then(|| "no server is known yet".to_owned());
    zone.chain(broken).chain(silent).chain(head).chain(servers).chain(none).collect()
}

fn silent_zone(silent: &SilentZoneReport, width: usize) -> Vec<String> {
    let (zone, state) = (clean(&silent.zone), if silent.dead { "dead" } else { "silent" });
    let (seconds, queries) = (silent.silent_s, silent.queries);
    let text = format!("{zone} is {state}: no useful reply for {seconds} s to {queries} queries");
    wrapped(&text, width).iter().map(|line| format!("{RED}{line}{RED:#}")).collect()
}

fn address(server: &KnownServer) -> String {
    format!("{} {}", clean(&server.address), server.transport)
}

/// A server: the address in a column of this width, measurements, and remarks.
fn server(server: &KnownServer, column: usize, width: usize) -> Vec<String> {
    // Without a reply the share of lost queries is unknown.
    let (rtt, lost) = match (server.srtt_ms, server.rttvar_ms) {
        (Some(srtt), variation) => {
            let rtt = format!("{srtt:.1} ms ± {:.1}", variation.unwrap_or_default());
            (rtt, format!("{:.0} %", server.loss * 100.0))
        }
        (None, _) if server.asked_s.is_none() => ("not asked yet".to_owned(), String::new()),
        (None, _) if server.replied_s.is_some() => ("no useful reply".to_owned(), String::new()),
        (None, _) => ("never replied".to_owned(), String::new()),
    };
    let colour = match server.srtt_ms {
        Some(_) if server.backoff_s.is_none() && !server.lame => GREEN,
        Some(_) => RED,
        None => Style::new(),
    };
    let address = address(server);
    let mut remarks: Vec<String> = server.name.iter().map(|name| clean(name)).collect();
    remarks.push(clean(&server.trouble));
    remarks.extend(server.lame.then(|| "lame for this zone".to_owned()));
    remarks.extend((!server.edns).then(|| "without EDNS".to_owned()));
    remarks.push(encryption(server.encryption).to_owned());
    remarks.extend(server.backoff_s.map(|left| format!("in backoff, next probe in {left} s")));
    remarks.retain(|remark| !remark.is_empty());
    let measured = format!("{address:<column$} {rtt:>18}  {lost:>6}");
    let remarks = remarks.join(", ");
    let room = width.saturating_sub(measured.chars().count() + 2);
    let head = format!("{address:<column$} {colour}{rtt:>18}{colour:#}  {lost:>6}");
    if remarks.chars().count() <= room {
        return vec![format!("{head}  {remarks}").trim_end().to_owned()];
    }
    let below = wrapped(&remarks, width.saturating_sub(4));
    let below = below.iter().map(|line| format!("    {DIM}{line}{DIM:#}"));
    [head.trim_end().to_owned()].into_iter().chain(below).collect()
}

/// Whether an authority at port 53 also answers over TLS, as a remark; empty if unknown.
fn encryption(trials: EncryptionReport) -> &'static str {
    match trials {
        EncryptionReport::Unknown => "",
        EncryptionReport::Works => "asked over TLS",
        EncryptionReport::Fails => "no reply over TLS",
    }
}
