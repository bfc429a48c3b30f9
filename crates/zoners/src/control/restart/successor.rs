//! The process of a new daemon, from its start to the take-over.
//!
//! The new daemon says `ready` on standard output once clients are served, and waits on standard input for leave to let
//! the old daemon end. So a new daemon that is given up can never be the only daemon.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use zoners_api::DaemonOrigin;
use zoners_host::origin::VARIABLES;

use crate::serve::{GO, READY, SERVING, TAKE_OVER};

/// Octets of the shown errors of a program.
const MAX_ERROR_OCTETS: u64 = 16 * 1024;
/// The time between leave and the report that clients are served.
const LAST_STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Starts a program in the background, and says the number of the process. A shell gives a program in the background
/// no standard input, unless told otherwise.
const IN_BACKGROUND: &str = r#"exec 3<&0; "$@" <&3 3<&- & echo "started $!""#;
/// Said by [`IN_BACKGROUND`].
const STARTED: &str = "started ";

/// A started program; ended when dropped, unless the program has taken over.
#[derive(Debug)]
pub(super) struct Successor {
    process: Option<SuccessorProcess>,
    leave: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

#[derive(Debug)]
enum SuccessorProcess {
    Child(Child),
    /// A process of the first process of this machine, which gets processes without a parent.
    Orphan(Pid),
}

impl Successor {
    /// Starts the program as the daemon was started, with `more` arguments.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(super) fn start(origin: &DaemonOrigin, more: &[&OsStr]) -> Result<Self, String> {
        Successor::spawn(Command::new(&origin.program), origin, more)
    }

    /// As [`Successor::start`], as a child of the service manager: systemd follows the end of its children alone.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(super) fn start_in_service(origin: &DaemonOrigin, more: &[&OsStr]) -> Result<Self, String> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", IN_BACKGROUND, "sh", &origin.program]);
        let mut successor = Successor::spawn(shell, origin, more)?;
        let line = successor.lines.recv_timeout(LAST_STEP_TIMEOUT).unwrap_or_default();
        let process = line.strip_prefix(STARTED).and_then(|process| process.parse().ok());
        let Some(process) = process.and_then(Pid::from_raw) else {
            return Err(successor.reasons(&[line]));
        };
        if let Some(SuccessorProcess::Child(mut shell)) =
            successor.process.replace(SuccessorProcess::Orphan(process))
        {
            let _ = shell.wait();
        }
        Ok(successor)
    }

    fn spawn(mut command: Command, origin: &DaemonOrigin, more: &[&OsStr]) -> Result<Self, String> {
        command.args(without_take_over(&origin.arguments)).args(more);
        command.current_dir(&origin.folder);
        for name in VARIABLES {
            match origin.variables.get(name) {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // Signals of this terminal are for this command.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", origin.program))?;
        let (leave, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout?).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).last()
        });
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(stderr) = stderr {
                let _ = stderr.take(MAX_ERROR_OCTETS).read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        let process = Some(SuccessorProcess::Child(child));
        Ok(Successor { process, leave, lines, errors: Some(errors) })
    }

    /// Waits until the program is ready; returns the words after `ready`.
    ///
    /// # Errors
    /// The program ends, or is not ready in time.
    pub(super) fn wait_until_ready(&mut self, timeout: Duration) -> Result<String, String> {
        let mut said = Vec::new();
        let deadline = std::time::Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => match line.strip_prefix(READY) {
                    Some(rest) => return Ok(rest.trim().to_owned()),
                    None => said.push(line),
                },
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("the new daemon was not ready within {timeout:?}"));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.reasons(&said)),
            }
        }
    }

    /// Lets the program take over; returns the number of its process, which goes on without this command.
    ///
    /// # Errors
    /// The program ends, or is not ready in time; the old daemon goes on.
    pub(super) fn take_over(mut self, timeout: Duration) -> Result<u32, String> {
        self.wait_until_ready(timeout)?;
        let leave = self.leave.as_mut().map(|leave| leave.write_all(GO.as_bytes()));
        if !matches!(leave, Some(Ok(()))) {
            return Err(self.reasons(&[]));
        }
        match self.lines.recv_timeout(LAST_STEP_TIMEOUT) {
            Ok(line) if line != SERVING => Err(self.reasons(&[line])),
            Err(RecvTimeoutError::Disconnected) => Err(self.reasons(&[])),
            // With leave, the new daemon may be the only daemon and is not ended for being slow.
            Ok(_) | Err(RecvTimeoutError::Timeout) => {
                Ok(self.process.take().map(|process| process.id()).unwrap_or_default())
            }
        }
    }

    /// Lets a rehearsing program end, and waits for the end.
    ///
    /// # Errors
    /// The program ends with an error.
    pub(super) fn end(mut self) -> Result<(), String> {
        self.leave = None;
        let Some(SuccessorProcess::Child(mut child)) = self.process.take() else { return Ok(()) };
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the new daemon ended with {status}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Why the program ended: its own words, from either stream.
    fn reasons(&mut self, said: &[String]) -> String {
        let mut said = said.to_vec();
        let end = loop {
            match self.lines.recv_timeout(LAST_STEP_TIMEOUT) {
                Ok(line) => said.push(line),
                Err(end) => break end,
            }
        };
        if end == RecvTimeoutError::Timeout {
            return "the new daemon does not end".to_owned();
        }
        let status = match self.process.take() {
            Some(SuccessorProcess::Child(mut child)) => child.wait().ok(),
            _ => None,
        };
        let errors = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        let errors = if said.is_empty() { errors } else { said.join("\n") };
        let status = status.map(|status| format!(" with {status}")).unwrap_or_default();
        format!("the new daemon ended{status}:\n{errors}")
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        match &mut self.process {
            Some(SuccessorProcess::Child(child)) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Some(SuccessorProcess::Orphan(process)) => drop(kill_process(*process, Signal::KILL)),
            None => {}
        }
    }
}

impl SuccessorProcess {
    fn id(&self) -> u32 {
        match self {
            SuccessorProcess::Child(child) => child.id(),
            SuccessorProcess::Orphan(process) => process.as_raw_nonzero().get().unsigned_abs(),
        }
    }
}

/// The arguments of a daemon, which may have taken over from an older daemon.
fn without_take_over(arguments: &[String]) -> Vec<&String> {
    let mut arguments = arguments.iter();
    let mut kept = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument == TAKE_OVER {
            true => drop(arguments.next()),
            false => kept.push(argument),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_do_not_grow_from_restart_to_restart() {
        let texts = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let arguments = texts("serve --config x --take-over /run/zoners.sock --log-level debug");
        let kept: Vec<String> = without_take_over(&arguments).into_iter().cloned().collect();
        assert_eq!(kept, texts("serve --config x --log-level debug"));
    }
}
