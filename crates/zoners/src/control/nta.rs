//! `zoners nta`

use zoners_api::{
    AdminReply, AdminRequest, NegativeAnchorAdded, NegativeAnchorRemoved, NegativeAnchors,
};

use super::Socket;
use crate::Failure;
use crate::output::println;

/// Arguments of `zoners nta`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A negative trust anchor (RFC 7646) helps where the owner of a zone made a mistake that breaks its
signatures: names of the zone are resolved again, without the protection of DNSSEC. It ends by
itself, and with the daemon; for good, there is dnssec.negative-trust-anchors in the configuration.

Examples:
  zoners nta add example.com             do not validate example.com for an hour
  zoners nta add example.com --for 7200  for two hours
  zoners nta list                        the zones, and the time that is left
  zoners nta remove example.com          validate it again"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: NtaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum NtaCommand {
    /// Add a negative trust anchor: skip DNSSEC validation for a zone.
    Add {
        /// The zone.
        name: String,
        /// Seconds until it is validated again, up to a week.
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 3600)]
        seconds: u32,
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

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        NtaCommand::Add { name, seconds, socket } => {
            let request = AdminRequest::NtaAdd { name: name.clone(), seconds: *seconds };
            let NegativeAnchorAdded { zone, left_s } = socket.request(&request)?;
            println!("{zone} is not validated for {left_s} seconds");
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
            let listed: NegativeAnchors = socket.request(&AdminRequest::NtaList {})?;
            if *json {
                println!("{}", AdminReply::from(listed).to_line());
                return Ok(());
            }
            if listed.zones.is_empty() {
                println!("no negative trust anchors: every zone is validated");
            }
            for zone in &listed.zones {
                println!("{} for {} seconds more", zone.zone, zone.left_s);
            }
        }
    }
    Ok(())
}
