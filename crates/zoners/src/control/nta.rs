//! `zoners nta`

use std::time::Duration;

use zoners_api::{
    AdminReply, AdminRequest, NegativeAnchorAdded, NegativeAnchorList, NegativeAnchorRemoved,
    UnvalidatedZone,
};

use zoners_server::config::values::parse_duration;

use super::Socket;
use super::status::span;
use crate::Failure;
use crate::output::println;
use crate::print::clean;

/// Arguments of `zoners nta`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A negative trust anchor (RFC 7646) helps where the owner of a zone made a mistake that breaks its
signatures: names of the zone are resolved again, without the protection of DNSSEC. It ends by
itself, and with the daemon; for good, there is dnssec.negative-trust-anchors in the configuration.

Examples:
  zoners nta add example.com             do not validate example.com for an hour
  zoners nta add example.com --for 2h    for two hours
  zoners nta list                        the zones, and the time that is left
  zoners nta remove example.com          validate it again"
)]
pub(crate) struct NtaArguments {
    #[command(subcommand)]
    command: NtaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum NtaCommand {
    /// Add a negative trust anchor: skip DNSSEC validation for a zone.
    Add {
        /// The zone.
        name: String,
        /// The time until the zone is validated again, up to a week: seconds, or 90s, 15min, 2h, 1d.
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
        time: Duration,
        #[command(flatten)]
        socket: Socket,
    },
    /// Remove a negative trust anchor: validate the zone again.
    Remove {
        /// The zone.
        name: String,
        #[command(flatten)]
        socket: Socket,
    },
    /// List the zones that are not validated.
    List {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        socket: Socket,
    },
}

pub(crate) fn run(arguments: &NtaArguments) -> Result<(), Failure> {
    match &arguments.command {
        NtaCommand::Add { name, time, socket } => {
            let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
            let request = AdminRequest::NtaAdd { name: name.clone(), seconds };
            let NegativeAnchorAdded { zone, left_s } = socket.request(&request)?;
            println!("{zone} is not validated for {}", span(left_s.into()));
        }
        NtaCommand::Remove { name, socket } => {
            let request = AdminRequest::NtaRemove { name: name.clone() };
            let NegativeAnchorRemoved { zone, removed } = socket.request(&request)?;
            match removed {
                true => println!("{zone} is validated again"),
                false => println!("{zone} has no negative trust anchor; it is validated as before"),
            }
        }
        NtaCommand::List { json, socket } => {
            let listed: NegativeAnchorList = socket.request(&AdminRequest::NtaList {})?;
            if *json {
                println!("{}", AdminReply::from(listed).to_line());
                return Ok(());
            }
            page(&listed).iter().for_each(|line| println!("{line}"));
        }
    }
    Ok(())
}

/// Zones without validation, a line each.
pub(super) fn page(listed: &NegativeAnchorList) -> Vec<String> {
    if listed.zones.is_empty() {
        return vec!["there are no negative trust anchors".to_owned()];
    }
    let zone = |zone: &UnvalidatedZone| {
        format!("{} is not validated for {} more", clean(&zone.zone), span(zone.left_s.into()))
    };
    listed.zones.iter().map(zone).collect()
}
