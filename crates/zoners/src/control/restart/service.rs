//! The restart of a service of systemd, from outside: by the reload command of the service, or else by systemd.

use std::io;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use zoners_host::service_manager::restart_request::{
    RestartOutcome, RestartRequest, WaitingCaller,
};

use crate::Failure;
use crate::print::clean;

/// The longest wait until systemd has read the datagram about its new main process, and the pause between two looks.
const NOTICE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);

/// Has systemd run the reload command of the service, which lets a new daemon take over inside the service. None if the
/// command of this unit does not restart: nothing has happened then.
///
/// # Errors
/// The caller is not root, or a different restart is under way.
pub(super) fn hand_over(
    service: &str,
    control: &Path,
    request: &RestartRequest,
) -> Result<Option<RestartOutcome>, Failure> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            let text =
                "the program comes up, but only root may restart the service: sudo zoners restart";
            Failure::Usage(text.to_owned())
        }
        _ => Failure::Failed(format!("not restarted: {error}")),
    };
    let caller = WaitingCaller::listen(control, request).map_err(refused)?;
    // The outcome says more than the status.
    systemctl("reload", service)?;
    Ok(caller.outcome())
}

/// Restarts the service, while systemd keeps the sockets; the new daemon serves when this returns.
///
/// # Errors
/// The new daemon does not come up.
pub(super) fn restart(service: &str) -> Result<(), Failure> {
    let ended = systemctl("restart", service)?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let said: Vec<String> = said.trim().lines().map(clean).collect();
    Err(Failure::Failed(format!(
        "{service} does not come up: systemd tries again (`journalctl -u {service}` has the reasons)\n{}",
        said.join("\n")
    )))
}

/// Waits until systemd takes `new` for the main process of the service, which the old daemon has told it.
///
/// # Errors
/// systemd takes a different process for the main process: the end of that one would end the service.
pub(super) fn await_main_process(service: &str, new: u32) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        match main_process(service) {
            Some(main) if main != new && began.elapsed() < NOTICE => sleep(PAUSE),
            Some(main) if main != new => {
                let text = format!(
                    "process {new} serves now, but systemd takes process {main} for the daemon: \
                     `systemctl restart {service}` mends that"
                );
                return Err(Failure::Failed(text));
            }
            _ => return Ok(()),
        }
    }
}

/// None if systemctl(1) does not tell.
fn main_process(service: &str) -> Option<u32> {
    let show = ["show", service, "--property=MainPID", "--value"];
    let shown = Command::new("systemctl").args(show).output().ok()?;
    String::from_utf8_lossy(&shown.stdout).trim().parse().ok()
}

fn systemctl(verb: &str, service: &str) -> Result<Output, Failure> {
    let ended = Command::new("systemctl").args([verb, service]).output();
    ended.map_err(|error| Failure::Failed(format!("systemctl: {error}")))
}
