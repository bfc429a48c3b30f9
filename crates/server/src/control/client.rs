//! The other end: the requests of a command to a running daemon.

use std::fmt;
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use zoners_api::{AdminError, AdminReply, AdminRequest, DaemonStatus};

/// The time for the reply to a first look at a daemon.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a request has no result.
#[derive(Debug)]
pub enum ControlError {
    /// No daemon listens at any of the sockets; each text has a path and a reason.
    NotRunning(Vec<String>),
    /// The caller may not use the socket; the text has the path.
    NoAccess(String),
    /// The conversation broke off; the text has the path.
    Broken(String),
    /// The daemon's own error.
    Daemon(AdminError),
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlError::NotRunning(tried) => write!(
                f,
                "no daemon is running, or its control socket is elsewhere:\n  {}\nStart it with `zoners serve`, \
                 or `systemctl start zoners`; name another socket with --control FILE",
                tried.join("\n  ")
            ),
            ControlError::NoAccess(told) => write!(
                f,
                "you may not use the control socket of the daemon:\n  {told}\nTry again with sudo, or as the \
                 user that the daemon runs as"
            ),
            ControlError::Broken(told) => write!(f, "the daemon did not reply: {told}"),
            ControlError::Daemon(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ControlError {}

impl ControlError {
    pub(super) fn broken(path: &Path, error: &io::Error) -> Self {
        ControlError::Broken(format!("{}: {error}", path.display()))
    }
}

impl From<AdminError> for ControlError {
    fn from(error: AdminError) -> Self {
        ControlError::Daemon(error)
    }
}

/// Sends a request to the first daemon listening at one of `paths`, and returns the result. A
/// `file` goes along as an open descriptor: so the daemon reads or writes with the rights of the
/// caller.
///
/// # Errors
/// No daemon listens at any path, the caller may not use the socket, or the daemon replies with an error.
pub fn request<T: TryFrom<AdminReply, Error = AdminError>>(
    paths: &[PathBuf],
    request: &AdminRequest,
    file: Option<BorrowedFd<'_>>,
) -> Result<T, ControlError> {
    converse(paths, request, file).map(|(result, _)| result)
}

/// As [`request`], and returns the lines that follow the reply.
pub(super) fn converse<T: TryFrom<AdminReply, Error = AdminError>>(
    paths: &[PathBuf],
    request: &AdminRequest,
    file: Option<BorrowedFd<'_>>,
) -> Result<(T, DaemonLines), ControlError> {
    let (path, mut stream) = connect(paths)?;
    let broken = |error| ControlError::broken(path, &error);
    let line = format!("{}\n", request.to_line());
    send(&mut stream, line.as_bytes(), file).map_err(broken)?;
    let mut lines = DaemonLines { path: path.clone(), stream: BufReader::new(stream) };
    let reply = lines.next_line()?;
    let reply = reply.ok_or_else(|| broken(io::ErrorKind::ConnectionAborted.into()))?;
    Ok((T::try_from(AdminReply::from_line(&reply)?)?, lines))
}

/// The lines of a daemon.
#[derive(Debug)]
pub(super) struct DaemonLines {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

impl DaemonLines {
    /// Waits for the next line; `None` once the daemon has ended the conversation.
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line);
        read.map_err(|error| ControlError::broken(&self.path, &error))?;
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    /// The socket, and whether octets have been read ahead of it.
    pub(super) fn socket(&self) -> (BorrowedFd<'_>, bool) {
        (self.stream.get_ref().as_fd(), !self.stream.buffer().is_empty())
    }
}

/// The status of the first daemon at `paths`, if the reply comes soon.
pub(crate) fn status(paths: &[PathBuf]) -> Option<DaemonStatus> {
    let (_, mut stream) = connect(paths).ok()?;
    stream.set_read_timeout(Some(STATUS_TIMEOUT)).ok()?;
    let line = format!("{}\n", AdminRequest::Status {}.to_line());
    stream.write_all(line.as_bytes()).ok()?;
    let mut line = Vec::new();
    BufReader::new(stream).read_until(b'\n', &mut line).ok()?;
    AdminReply::from_line(&line).ok()?.try_into().ok()
}

pub(super) fn connect(paths: &[PathBuf]) -> Result<(&PathBuf, UnixStream), ControlError> {
    let mut tried = Vec::new();
    for path in paths {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok((path, stream)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(ControlError::NoAccess(format!("{}: {error}", path.display())));
            }
            Err(error) => tried.push(format!("{}: {error}", path.display())),
        }
    }
    Err(ControlError::NotRunning(tried))
}

fn send(stream: &mut UnixStream, line: &[u8], file: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let files = file.as_slice();
    if !files.is_empty() {
        beside.push(SendAncillaryMessage::ScmRights(files));
    }
    let sent = sendmsg(stream.as_fd(), &[IoSlice::new(line)], &mut beside, SendFlags::empty())?;
    stream.write_all(line.get(sent..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use zoners_api::NegativeAnchorList;

    #[test]
    fn the_first_socket_with_a_daemon_is_used_and_all_that_were_tried_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["none", "dead", "alive"].map(|name| folder.path().join(name));
        drop(UnixListener::bind(&paths[1]).unwrap());
        let list = || request::<NegativeAnchorList>(&paths, &AdminRequest::NtaList {}, None);
        let told = list().unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[1].ends_with("none: No such file or directory (os error 2)"), "{told}");
        assert!(lines[2].contains("dead: Connection refused"), "{told}");
        assert!(
            lines[3].contains("alive: No such file") && told.contains("zoners serve"),
            "{told}"
        );
        let listener = UnixListener::bind(&paths[2]).unwrap();
        let answering = std::thread::spawn(move || {
            for line in [r#"{"version":1,"reply":"nta-list","zones":[]}"#, ""] {
                let (mut stream, _) = listener.accept().unwrap();
                io::BufReader::new(&stream).read_line(&mut String::new()).unwrap();
                stream.write_all(line.as_bytes()).unwrap();
            }
        });
        assert_eq!(list().unwrap(), NegativeAnchorList::default());
        let told = list().unwrap_err().to_string();
        assert!(told.contains("did not reply") && told.contains("alive"), "{told}");
        answering.join().unwrap();
    }
}
