//! The other end: what a command says to a running daemon.

use std::io::{self, BufRead, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::Value;

/// Sends one request to a daemon and returns its reply. A `file` that is given goes with it: so the
/// daemon reads or writes what the one who asks may, and no path of theirs.
///
/// # Errors
/// No daemon listens at `path`, or it says that something is wrong.
pub fn request(
    path: &Path,
    request: &Value,
    file: Option<BorrowedFd<'_>>,
) -> Result<Value, String> {
    let told = |error: io::Error| {
        format!("{}: {error}; is a daemon running, and may you speak to it?", path.display())
    };
    let mut stream = UnixStream::connect(path).map_err(told)?;
    send(&mut stream, format!("{request}\n").as_bytes(), file).map_err(told)?;
    let mut line = String::new();
    io::BufReader::new(stream).read_line(&mut line).map_err(told)?;
    let reply: Value =
        serde_json::from_str(&line).map_err(|_| told(io::ErrorKind::ConnectionAborted.into()))?;
    match reply.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(reply),
    }
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
