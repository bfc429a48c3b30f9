//! The other end: what a command says to a running daemon.

use std::io::{self, BufRead, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::Value;

/// A daemon that is asked whether it is there has so much time to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends one request to the first daemon that listens at one of `paths`, and returns its reply. A `file`
/// that is given goes with it: so the daemon reads or writes what the one who asks may, and no path of
/// theirs.
///
/// # Errors
/// No daemon listens at any, told with all that were tried; or it says that something is wrong.
pub fn request(
    paths: &[PathBuf],
    request: &Value,
    file: Option<BorrowedFd<'_>>,
) -> Result<Value, String> {
    let (path, mut stream) = connect(paths)?;
    let told = |error: io::Error| format!("{}: {error}", path.display());
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

/// What the daemon at one of `paths` says of itself, if one does so soon.
pub(crate) fn status(paths: &[PathBuf]) -> Option<Value> {
    let (_, mut stream) = connect(paths).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(b"{\"do\":\"status\"}\n").ok()?;
    let mut line = String::new();
    io::BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

fn connect(paths: &[PathBuf]) -> Result<(&PathBuf, UnixStream), String> {
    let mut tried = Vec::new();
    for path in paths {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok((path, stream)),
            Err(error) => tried.push(format!("{}: {error}", path.display())),
        }
    }
    let tried = tried.join("\n");
    Err(format!("{tried}\nis a daemon running, and may you speak to it?"))
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

    #[test]
    fn the_first_that_listens_is_spoken_to_and_all_that_were_tried_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["none", "dead", "alive"].map(|name| folder.path().join(name));
        drop(UnixListener::bind(&paths[1]).unwrap());
        let told = request(&paths, &Value::Null, None).unwrap_err();
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].ends_with("none: No such file or directory (os error 2)"), "{told}");
        assert!(lines[1].contains("dead: Connection refused"), "{told}");
        assert!(lines[2].contains("alive: No such file") && lines.len() == 4, "{told}");
        let listener = UnixListener::bind(&paths[2]).unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"{\"version\":\"1\"}\n").unwrap();
        });
        assert_eq!(request(&paths, &Value::Null, None).unwrap()["version"], "1");
        answering.join().unwrap();
    }
}
