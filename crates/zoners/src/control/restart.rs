//! `zoners restart`: a new daemon takes over from the running daemon, without a query lost.

mod in_service;
mod rehearsal;
mod service;
mod successor;

use std::path::{Path, PathBuf};
use std::time::Duration;

use zoners_api::{AdminRequest, DaemonOrigin};
use zoners_host::service_manager;
use zoners_host::service_manager::restart_request::{RestartOutcome, RestartRequest, TakenRequest};
use zoners_server::config::values::parse_duration;
use zoners_server::control::{self, ControlError};

use super::{Socket, failure};
use crate::Failure;
use crate::output::println;
use crate::print::clean;
use successor::Successor;

/// Arguments of `zoners restart`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The program of the running daemon is started again, with the same arguments: after an upgrade, that is the
new version. First the program rehearses: it reads the configuration, serves on a free port and answers a
query over UDP and TCP. Then the new daemon takes the sockets, the cache and the state folder, and the old
one ends once the new one serves. If the new daemon does not come up, the old one serves on.

Clients over UDP notice nothing. TCP connections are closed once their queries are answered, and clients
connect again.

Under systemd the new daemon takes over inside the service: the reload command of the unit of `zoners install`
starts it, and systemd follows. With a unit that has a different reload command, systemd restarts the service
after the rehearsal and keeps the sockets meanwhile: queries wait in the kernel's queue for the new daemon. If
that one does not come up after all, systemd starts it again and again, and `zoners-system-dns` puts back the
former DNS settings until it serves.

A daemon under another supervisor (runit, launchd, a container …) is to be restarted there, with a short gap;
the program rehearses nevertheless.

Exit codes:
  0  the new daemon serves
  1  the old daemon serves on, no daemon could be asked, or the service did not come up
  2  the daemon is to be restarted by its supervisor"
)]
pub(crate) struct RestartArguments {
    /// Start this program instead of the one that the daemon was started from.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The time for the new daemon to come up; after that, the old one serves on.
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = parse_duration)]
    timeout: Duration,
    /// The service of systemd to which the daemon belongs, if its control group does not tell.
    #[arg(long, value_name = "UNIT")]
    service: Option<String>,
    #[command(flatten)]
    socket: Socket,
}

pub(crate) fn run(arguments: &RestartArguments) -> Result<(), Failure> {
    let (control, mut origin) = find(&arguments.socket.paths()?).map_err(failure)?;
    if let Some(program) = &arguments.program {
        origin.program = program.display().to_string();
    }
    let old = origin.process;
    let serves_on = |why: String| {
        let why: Vec<String> = why.trim().lines().map(clean).collect();
        Failure::Failed(format!("not restarted, process {old} serves on: {}", why.join("\n")))
    };
    rehearsal::rehearse(&origin, arguments.timeout).map_err(serves_on)?;
    if let Some(supervisor) = &origin.supervisor {
        let service = arguments.service.clone().or_else(|| service_manager::service_of(old));
        let Some(service) = service.filter(|_| supervisor == "systemd") else {
            return Err(Failure::Usage(supervised(supervisor)));
        };
        let new = match hand_over_in_service(arguments, &service, &control, &origin)? {
            Some(outcome) => {
                let new = outcome.map_err(serves_on)?;
                service::await_main_process(&service, new)?;
                new
            }
            None => {
                service::restart(&service)?;
                find(&[control]).map_err(failure)?.1.process
            }
        };
        println!("process {new} serves now, in place of process {old}");
        return Ok(());
    }
    let new = Successor::start(&origin, &["--take-over".as_ref(), control.as_os_str()]);
    let new = new.and_then(|new| new.take_over(arguments.timeout)).map_err(serves_on)?;
    println!("process {new} serves now, in place of process {old}");
    Ok(())
}

/// None if the daemon or the unit is of an earlier version, or the unit was changed.
fn hand_over_in_service(
    arguments: &RestartArguments,
    service: &str,
    control: &Path,
    origin: &DaemonOrigin,
) -> Result<Option<RestartOutcome>, Failure> {
    // A daemon that does not report the variable does not name its successor to systemd.
    if !origin.variables.contains_key("NOTIFY_SOCKET") {
        return Ok(None);
    }
    let RestartArguments { program, timeout, .. } = arguments;
    let request = RestartRequest { program: program.clone(), timeout: *timeout };
    service::hand_over(service, control, &request)
}

/// The reload command of the service: restarts the daemon if `zoners restart` waits for that. False if not.
///
/// # Errors
/// The old daemon serves on, or no daemon can be told.
pub(super) fn restart_if_requested(socket: &Socket) -> Result<bool, Failure> {
    if let Err(faults) = socket.config.load() {
        // The daemon logs the faults, too.
        let _ = in_service::signal_main_process();
        return Err(faults);
    }
    let found = socket.paths().ok().and_then(|paths| find(&paths).ok());
    let Some((control, origin)) = found else {
        return in_service::signal_main_process().map(|()| true);
    };
    let taken = TakenRequest::take(&control);
    taken
        .map(|taken| in_service::restart(taken, &control, origin))
        .transpose()
        .map(|done| done.is_some())
}

/// The first daemon at one of `paths`: the control socket, and how the daemon was started.
fn find(paths: &[PathBuf]) -> Result<(PathBuf, DaemonOrigin), ControlError> {
    let ask = |paths: &[PathBuf]| control::request(paths, &AdminRequest::Origin {}, None);
    for path in paths {
        match ask(std::slice::from_ref(path)) {
            Ok(origin) => return Ok((path.clone(), origin)),
            Err(ControlError::NotRunning(_)) => {}
            Err(error) => return Err(error),
        }
    }
    ask(paths).map(|origin| (paths.first().cloned().unwrap_or_default(), origin))
}

fn supervised(supervisor: &str) -> String {
    let how = match supervisor {
        "systemd" => "`systemctl restart zoners`",
        "runsv" => "`sv restart zoners`",
        "supervise-daemon" => "`rc-service zoners restart`",
        "launchd" => "`launchctl kickstart -k`",
        "container" => "a new container",
        _ => "its own command",
    };
    format!(
        "the program comes up, but {supervisor} would take the end of the old daemon for a failure: \
         restart it by {how}"
    )
}
