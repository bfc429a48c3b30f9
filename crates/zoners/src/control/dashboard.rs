//! `zoners dashboard`: a link into the dashboard, opened in a browser.

mod password;

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use zoners_api::{AdminReply, AdminRequest, DashboardLink};

use password::PasswordArguments;

use super::Socket;
use crate::Failure;
use crate::output::println;

/// The program that opens a link in the person's browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Arguments of `zoners dashboard`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The link works once, for a minute; the browser stays logged in for 12 hours after the last page. The
dashboard is reached from this machine alone, at server.dashboard of the configuration. It opens with
the first link, and closes with the server. For other machines there is server.dashboard-https, with a
certificate and `zoners dashboard password`.

Over ssh: zoners dashboard prints the link; forward the port first, as in
  ssh -L 5380:127.0.0.1:5380 HOST"
)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DashboardArguments {
    #[command(subcommand)]
    command: Option<DashboardCommand>,
    /// Print the link, and open no browser.
    #[arg(long)]
    no_browser: bool,
    /// Print one JSON object, and open no browser.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

#[derive(Debug, clap::Subcommand)]
enum DashboardCommand {
    /// Set the password for browsers of other machines; there is none at first.
    Password(PasswordArguments),
}

pub(crate) fn run(arguments: &DashboardArguments) -> Result<(), Failure> {
    if let Some(DashboardCommand::Password(arguments)) = &arguments.command {
        return password::run(arguments);
    }
    let link: DashboardLink = arguments.socket.request(&AdminRequest::Dashboard {})?;
    if arguments.json {
        println!("{}", AdminReply::from(link).to_line());
        return Ok(());
    }
    println!("{}", link.url);
    if !arguments.no_browser && has_person() {
        open(&link.url);
    }
    Ok(())
}

/// Whether a person sits at this machine, with a browser.
fn has_person() -> bool {
    let has_screen =
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|key| std::env::var_os(key).is_some());
    std::io::stdout().is_terminal() && (cfg!(target_os = "macos") || has_screen())
}

/// Opens the link. Without an opener the person has the link on the terminal.
fn open(url: &str) {
    let mut command = Command::new(OPENER);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.status();
}
