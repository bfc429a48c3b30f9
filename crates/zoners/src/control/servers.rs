//! `zoners servers`

use anstyle::{AnsiColor, Style};
use zoners_api::{AdminReply, AdminRequest, KnownServer, ServerList, SilentZoneReport};

use super::Socket;
use crate::Failure;
use crate::output::{self, println};
use crate::print::{BOLD, DIM, RED, clean, wrapped};

/// Columns for an address with its transport: enough for the longest IPv6 address without a port.
const ADDRESS_WIDTH: usize = 43;
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
    let servers = list.servers.iter().flat_map(|one| server(one, width));
    let none = list.servers.is_empty().then(|| "no server is known yet".to_owned());
    zone.chain(broken).chain(silent).chain(servers).chain(none).collect()
}

fn silent_zone(silent: &SilentZoneReport, width: usize) -> Vec<String> {
    let (zone, state) = (clean(&silent.zone), if silent.dead { "dead" } else { "silent" });
    let (seconds, queries) = (silent.silent_s, silent.queries);
    let text = format!("{zone} is {state}: no useful reply for {seconds} s to {queries} queries");
    wrapped(&text, width).iter().map(|line| format!("{RED}{line}{RED:#}")).collect()
}

fn server(server: &KnownServer, width: usize) -> Vec<String> {
    let rtt = match (server.srtt_ms, server.rttvar_ms) {
        (Some(srtt), variation) => {
            format!("{srtt:.1} ms ± {:.1}", variation.unwrap_or_default())
        }
        (None, _) => "never replied".to_owned(),
    };
    let colour = match server.srtt_ms {
        Some(_) if server.backoff_s.is_none() && !server.lame => GREEN,
        Some(_) => RED,
        None => Style::new(),
    };
    let address = format!("{} {}", clean(&server.address), server.transport);
    let lost = server.loss * 100.0;
    let mut remarks: Vec<String> = server.name.iter().map(|name| clean(name)).collect();
    remarks.push(clean(&server.trouble));
    remarks.extend(server.lame.then(|| "lame for this zone".to_owned()));
    remarks.extend((!server.edns).then(|| "without EDNS".to_owned()));
    remarks.extend(server.backoff_s.map(|left| format!("in backoff, next probe in {left} s")));
    remarks.retain(|remark| !remark.is_empty());
    let measured = format!("{address:<ADDRESS_WIDTH$} {rtt:>18}  {lost:>3.0} % lost");
    let remarks = remarks.join(", ");
    let room = width.saturating_sub(measured.chars().count() + 2);
    let head = format!("{address:<ADDRESS_WIDTH$} {colour}{rtt:>18}{colour:#}  {lost:>3.0} % lost");
    if remarks.chars().count() <= room {
        return vec![format!("{head}  {remarks}").trim_end().to_owned()];
    }
    let below = wrapped(&remarks, width.saturating_sub(4));
    let below = below.iter().map(|line| format!("    {DIM}{line}{DIM:#}"));
    [head].into_iter().chain(below).collect()
}
