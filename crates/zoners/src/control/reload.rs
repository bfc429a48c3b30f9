//! `zoners reload`

use zoners_api::{AdminReply, AdminRequest, ReloadReport};

use super::Socket;
use crate::Failure;
use crate::output::{eprintln, println};
use crate::print::{clean, warning};

/// Arguments of `zoners reload`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A configuration with faults changes nothing. Queries that are under way are answered.

Exit codes:
  0  the new configuration is in force
  1  no daemon could be asked
  2  the configuration is wrong, and the old one stays"
)]
pub(crate) struct ReloadArguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Restart the daemon instead, if `zoners restart` waits for that: for the unit of the service.
    #[arg(long, hide = true)]
    in_service: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &ReloadArguments) -> Result<(), Failure> {
    if arguments.in_service && super::restart::restart_if_requested(&arguments.socket)? {
        return Ok(());
    }
    let report: ReloadReport = arguments.socket.request(&AdminRequest::Reload {})?;
    let reloaded = report.reloaded;
    if arguments.json {
        println!("{}", AdminReply::from(report).to_line());
        return if reloaded { Ok(()) } else { Err(Failure::Told(2)) };
    }
    if !reloaded {
        return Err(Failure::Usage(refusal(&report)));
    }
    println!("{} is in force", clean(report.config.as_deref().unwrap_or("the configuration")));
    for remark in &report.remarks {
        eprintln!("{}", warning(&clean(remark)));
    }
    if !report.needs_restart.is_empty() {
        let keys = report.needs_restart.join(", ");
        eprintln!("{}", warning(&format!("changed, but in force only after a restart: {keys}")));
    }
    Ok(())
}

/// The reasons why nothing was reloaded. Each error shows its line of the file.
pub(super) fn refusal(report: &ReloadReport) -> String {
    let lines = report.errors.iter().flat_map(|error| error.lines()).map(clean);
    let lines: Vec<String> = ["not reloaded, the old configuration stays:".to_owned()]
        .into_iter()
        .chain(lines)
        .collect();
    lines.join("\n")
}
