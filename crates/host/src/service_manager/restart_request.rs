//! A request to restart the daemon inside its service: from `zoners restart` to the reload command of the service.
//!
//! The caller listens at a socket beside the control socket of the daemon and has systemd run the reload command, which
//! finds the socket, takes the request, restarts the daemon and reports the outcome. A reload without a waiting caller
//! finds no socket, or a dead one, and stays a reload.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};
use serde::{Deserialize, Serialize};

/// Octets of the longest message between the two.
const MAX_MESSAGE_OCTETS: u64 = 64 * 1024;
/// The word of a reload command that takes the request; a caller that looks for a different caller says nothing.
const TAKE: &str = "take\n";
/// The time for a message.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the caller wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartRequest {
    /// The program to start instead of the daemon's own.
    pub program: Option<PathBuf>,
    /// The time for the new daemon to come up.
    pub timeout: Duration,
}

/// The process of the new daemon, or why the old one serves on.
pub type RestartOutcome = Result<u32, String>;

/// A caller that waits for the reload command; the socket is removed when this is dropped.
#[derive(Debug)]
pub struct WaitingCaller {
    path: PathBuf,
    reports: Receiver<CallerReport>,
}

#[derive(Debug)]
enum CallerReport {
    Taken,
    Ended(RestartOutcome),
}

/// A request taken by the reload command.
#[derive(Debug)]
pub struct TakenRequest {
    /// What is wanted.
    pub request: RestartRequest,
    caller: UnixStream,
}

impl WaitingCaller {
    /// Lets the service of the daemon at this control socket take the request.
    ///
    /// # Errors
    /// The folder is not writable, or a different caller waits.
    pub fn listen(control: &Path, request: &RestartRequest) -> io::Result<Self> {
        let path = path_of(control);
        if UnixStream::connect(&path).is_ok() {
            let text = "another restart is under way";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
        // A socket of a caller that ended early.
        let _ = fs::remove_file(&path);
        // The service's user must be able to connect. A change of the mode after the bind would follow a link put there
        // by the owner of the folder.
        let before = umask(Mode::empty());
        let bound = UnixListener::bind(&path);
        umask(before);
        let listener = bound?;
        let users = [0, fs::symlink_metadata(control)?.uid()];
        let line = serde_json::to_string(request)? + "\n";
        let (sender, reports) = channel();
        std::thread::spawn(move || {
            let takes = |stream: &UnixStream| {
                user_of(stream).is_ok_and(|user| users.contains(&user)) && says_take(stream)
            };
            let mut callees = listener.incoming().map_while(Result::ok);
            let Some(mut callee) = callees.find(takes) else { return };
            // Before the request is sent, so that the end of the command comes later than this.
            let _ = sender.send(CallerReport::Taken);
            let outcome = callee.write_all(line.as_bytes()).and_then(|()| read_line(&callee));
            let outcome = outcome.and_then(|line| Ok(serde_json::from_str(&line)?));
            let broken =
                |error| Err(format!("the reload command of the service told no outcome: {error}"));
            let _ = sender.send(CallerReport::Ended(outcome.unwrap_or_else(broken)));
        });
        Ok(WaitingCaller { path, reports })
    }

    /// The outcome, once the reload command has ended; none if the command did not take the request.
    #[must_use]
    pub fn outcome(self) -> Option<RestartOutcome> {
        let CallerReport::Taken = self.reports.try_recv().ok()? else { return None };
        match self.reports.recv_timeout(MESSAGE_TIMEOUT) {
            Ok(CallerReport::Ended(outcome)) => Some(outcome),
            _ => Some(Err("the reload command of the service told no outcome".to_owned())),
        }
    }
}

impl Drop for WaitingCaller {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl TakenRequest {
    /// Takes the request of a caller that waits beside this control socket: root, or the user of this process.
    #[must_use]
    pub fn take(control: &Path) -> Option<Self> {
        let path = path_of(control);
        let mut caller = UnixStream::connect(&path).ok()?;
        let user = user_of(&caller).ok()?;
        if user != 0 && user != geteuid().as_raw() {
            return None;
        }
        caller.set_read_timeout(Some(MESSAGE_TIMEOUT)).ok()?;
        caller.write_all(TAKE.as_bytes()).ok()?;
        let request = serde_json::from_str(&read_line(&caller).ok()?).ok()?;
        Some(TakenRequest { request, caller })
    }

    /// Tells the caller how the restart ended.
    ///
    /// # Errors
    /// The caller has gone.
    pub fn report(mut self, outcome: &RestartOutcome) -> io::Result<()> {
        let line = serde_json::to_string(outcome)? + "\n";
        self.caller.write_all(line.as_bytes())?;
        self.caller.shutdown(Shutdown::Write)
    }
}

/// The socket for requests, beside the control socket.
fn path_of(control: &Path) -> PathBuf {
    let mut path = control.as_os_str().to_owned();
    path.push(".restart");
    path.into()
}

fn says_take(stream: &UnixStream) -> bool {
    let set = |timeout| stream.set_read_timeout(timeout).is_ok();
    set(Some(MESSAGE_TIMEOUT)) && read_line(stream).is_ok_and(|line| line == TAKE) && set(None)
}

fn read_line(stream: &UnixStream) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(MAX_MESSAGE_OCTETS)).read_line(&mut line)?;
    match line.ends_with('\n') {
        true => Ok(line),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The user at the other end.
#[cfg(target_os = "linux")]
fn user_of(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// No service manager of these systems has reload commands.
#[cfg(not(target_os = "linux"))]
fn user_of(_: &UnixStream) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn request() -> RestartRequest {
        RestartRequest { program: Some("/bin/true".into()), timeout: Duration::from_secs(5) }
    }

    #[test]
    fn the_outcome_comes_back_to_the_caller() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("zoners.sock");
        fs::write(&control, "").unwrap();
        for outcome in [Ok(77), Err("of no use".to_owned())] {
            assert!(TakenRequest::take(&control).is_none(), "no caller waits");
            let caller = WaitingCaller::listen(&control, &request()).unwrap();
            let taken = TakenRequest::take(&control).unwrap();
            assert_eq!(taken.request, request());
            taken.report(&outcome).unwrap();
            assert_eq!(caller.outcome(), Some(outcome));
        }
    }

    #[test]
    fn a_request_that_is_not_taken_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("zoners.sock");
        fs::write(&control, "").unwrap();
        let caller = WaitingCaller::listen(&control, &request()).unwrap();
        assert!(WaitingCaller::listen(&control, &request()).is_err(), "one at a time");
        assert_eq!(caller.outcome(), None);
        assert!(!path_of(&control).exists());
        // A caller that died leaves a socket without a listener.
        drop(UnixListener::bind(path_of(&control)).unwrap());
        assert!(TakenRequest::take(&control).is_none());
        drop(WaitingCaller::listen(&control, &request()).unwrap());
    }
}
