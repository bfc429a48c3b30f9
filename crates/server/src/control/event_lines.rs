//! The other end of a watch: the events of a running daemon.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use zoners_api::{AdminRequest, WatchFilter, WatchStarted};

use super::client::{ControlError, DaemonLines, converse};

/// The events of a daemon, a line of JSON each. The watch ends when this is dropped.
#[derive(Debug)]
pub struct EventLines(DaemonLines);

/// Begins a watch of the first daemon listening at one of `paths`.
///
/// # Errors
/// No daemon listens at any path, the caller may not use the socket, or the daemon refuses the watch.
pub fn watch(paths: &[PathBuf], filter: &WatchFilter) -> Result<EventLines, ControlError> {
    let request = AdminRequest::Watch(filter.clone());
    let (_, lines) = converse::<WatchStarted>(paths, &request, None)?;
    Ok(EventLines(lines))
}

impl EventLines {
    /// Waits for the next event; `None` once the daemon has ended the watch.
    ///
    /// # Errors
    /// The conversation broke off.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        self.0.next_line()
    }

    /// The socket to wait for, unless an event is here already.
    #[must_use]
    pub fn awaited(&self) -> Option<BorrowedFd<'_>> {
        let (socket, is_ahead) = self.0.socket();
        (!is_ahead).then_some(socket)
    }
}
