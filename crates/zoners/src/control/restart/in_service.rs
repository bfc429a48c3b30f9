//! The restart of a service of systemd, from inside: the reload command starts the new daemon, as a process of the
//! service with its user, sandbox and control group.
//!
//! systemd accepts a new main process from the old one alone, and only a process of the service.

use std::env;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use zoners_api::DaemonOrigin;
use zoners_host::service_manager::restart_request::{RestartOutcome, RestartRequest, TakenRequest};

use super::successor::Successor;
use crate::Failure;

/// Restarts the daemon as the caller wants, and tells the caller.
///
/// # Errors
/// The old daemon serves on.
pub(super) fn restart(
    taken: TakenRequest,
    control: &Path,
    origin: DaemonOrigin,
) -> Result<(), Failure> {
    let old = origin.process;
    let outcome = take_over(&taken.request, control, origin);
    // A caller that has gone changes nothing.
    let _ = taken.report(&outcome);
    match outcome {
        Ok(_) => Ok(()),
        Err(why) => {
            Err(Failure::Failed(format!("not restarted, process {old} serves on: {}", why.trim())))
        }
    }
}

fn take_over(request: &RestartRequest, control: &Path, mut origin: DaemonOrigin) -> RestartOutcome {
    if let Some(program) = &request.program {
        origin.program = program.display().to_string();
    }
    let take_over = ["--take-over".as_ref(), control.as_os_str()];
    Successor::start_in_service(&origin, &take_over)?.take_over(request.timeout)
}

/// Has the main process of the service reload: a daemon without a control socket can be told in no other way.
///
/// # Errors
/// systemd names no main process.
pub(super) fn signal_main_process() -> Result<(), Failure> {
    let process = env::var("MAINPID").ok().and_then(|process| process.parse().ok());
    let signalled = process.and_then(Pid::from_raw).map(|main| kill_process(main, Signal::HUP));
    match signalled {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(Failure::Failed(format!("the daemon is not to be told: {error}"))),
        None => Err(Failure::Failed("no daemon answers, and $MAINPID names none".to_owned())),
    }
}
