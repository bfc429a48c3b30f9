//! Work for clients under way: when to stop, and how the end waits for the rest.

use std::sync::Arc;

use tokio::sync::watch;

/// Turns true when an address is left: no more queries are read there.
pub(super) type Stopping = watch::Receiver<bool>;

/// A token of work for a client. The end of the daemon waits until no work holds a token.
pub(super) type AtWork = Arc<()>;
