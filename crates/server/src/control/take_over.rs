//! The conversation of a new daemon with the old daemon: the request, the descriptors, and the confirmation.
//!
//! Both serve clients from the hand-over to the confirmation, after which the old daemon ends. Where the conversation
//! breaks off before, the old daemon goes on as if nothing had happened.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zoners_api::{AdminReply, AdminRequest, HandOverReport};
use zoners_host::passing;

use super::ControlError;

/// The new daemon serves.
pub(super) const CONFIRMED: &[u8] = b"confirmed\n";
/// The old daemon ends.
pub(super) const ENDS: &str = "ends\n";
/// The confirmation came too late: the old daemon goes on.
pub(super) const TOO_LATE: &str = "too late\n";
/// The time in which a new daemon confirms: a large cache file takes long.
pub(super) const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(30);
/// The time for the last word of the old daemon.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(5);
/// Octets of the longest line of the old daemon.
const MAX_LINE: usize = 64 * 1024;

/// The old daemon, which waits for the confirmation.
#[derive(Debug)]
pub(crate) struct Predecessor {
    path: PathBuf,
    stream: UnixStream,
}

/// Asks the daemon with the control socket at `path` to hand over. Returns the descriptors as listed in the report.
///
/// # Errors
/// No daemon listens there, the caller may not ask, or the daemon hands nothing over.
pub(crate) fn take_over(
    path: &Path,
) -> Result<(Predecessor, HandOverReport, Vec<OwnedFd>), ControlError> {
    let (_, mut stream) = super::client::connect(&[path.to_owned()])?;
    let broken = |error| ControlError::broken(path, &error);
    let line = format!("{}\n", AdminRequest::HandOver {}.to_line());
    stream.write_all(line.as_bytes()).map_err(broken)?;
    let line = read_line(&mut stream).map_err(broken)?;
    let report = HandOverReport::try_from(AdminReply::from_line(&line)?)?;
    let descriptors = passing::receive(&stream, report.descriptors.len()).map_err(broken)?;
    Ok((Predecessor { path: path.to_owned(), stream }, report, descriptors))
}

impl Predecessor {
    /// Tells the old daemon that clients are served here, after which the old daemon ends.
    ///
    /// # Errors
    /// The old daemon has waited too long, and goes on.
    pub(crate) fn confirm(mut self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(LAST_WORD_TIMEOUT))?;
        let last_word = self.stream.write_all(CONFIRMED).and_then(|()| read_line(&mut self.stream));
        match last_word {
            Ok(word) if word == TOO_LATE.as_bytes() => {
                let path = self.path.display();
                let text = format!("{path}: the old daemon no longer waited, and goes on");
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
            // An old daemon that died meanwhile leaves the clients here as well.
            _ => Ok(()),
        }
    }
}

/// Reads a line, and nothing beyond: an octet further on carries descriptors.
fn read_line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let (mut line, mut octet) = (Vec::new(), [0]);
    while line.last() != Some(&b'\n') && line.len() < MAX_LINE {
        if stream.read(&mut octet)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.extend(octet);
    }
    Ok(line)
}
