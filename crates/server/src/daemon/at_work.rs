//! What all work for a client bears in mind: when to stop, and that the end waits for it.

use std::sync::Arc;

use tokio::sync::watch;

/// Turns true when an address is left: no more queries are read there.
pub(super) type Stopping = watch::Receiver<bool>;

/// A token that all work for a client holds. The end of the daemon waits until no work holds one.
pub(super) type AtWork = Arc<()>;
