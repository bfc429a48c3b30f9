//! Work for clients under way: when to stop, and how the end waits for the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Turns true when an address is left: no more queries are read there.
pub(super) type Stopping = watch::Receiver<bool>;

/// A token of work for a client. The end of the daemon waits until no work holds a token.
pub(super) type AtWork = Arc<()>;

/// Processes beside this one with a copy of the sockets. The kernel has one queue for all copies, so that a socket with
/// copies stays open to clients at the end.
#[derive(Debug, Default)]
pub(super) struct SocketCopies {
    daemon: AtomicBool,
    manager: AtomicBool,
}

impl SocketCopies {
    /// Sets whether a different daemon has the sockets.
    pub(super) fn with_daemon(&self, has: bool) {
        self.daemon.store(has, Ordering::Release);
    }

    /// Sets whether the service manager has the sockets.
    pub(super) fn with_manager(&self, has: bool) {
        self.manager.store(has, Ordering::Release);
    }

    /// Whether a different daemon serves by the sockets.
    pub(super) fn are_served(&self) -> bool {
        self.daemon.load(Ordering::Acquire)
    }

    /// Whether there are copies.
    pub(super) fn exist(&self) -> bool {
        self.are_served() || self.manager.load(Ordering::Acquire)
    }
}
