//! Requests to hand over to a new daemon, from the control socket to the main thread.

use tokio::sync::{mpsc, oneshot};
use zoners_api::HandOver;

/// The way of requests to hand over.
pub(super) type HandOverRequests = mpsc::Sender<HandOverCaller>;

/// The caller of a hand-over, which gets everything, or the reason why not.
pub(super) type HandOverCaller = oneshot::Sender<Result<HandOver, String>>;

/// Both ends of the way of requests.
pub(super) fn requests() -> (HandOverRequests, mpsc::Receiver<HandOverCaller>) {
    mpsc::channel(1)
}
