//! Requests to reload, from the control socket to the main thread.

use tokio::sync::{mpsc, oneshot};
use zoners_api::ReloadReport;

/// The way of requests to reload from the control socket to the main thread.
pub(super) type ReloadRequests = mpsc::Sender<ReloadCaller>;

/// The caller of a reload, which gets the report.
pub(super) type ReloadCaller = oneshot::Sender<ReloadReport>;

/// Requests waiting for the main thread; further callers wait for a place.
const MAX_WAITING_REQUESTS: usize = 16;

/// Both ends of the way of requests.
pub(super) fn requests() -> (ReloadRequests, mpsc::Receiver<ReloadCaller>) {
    mpsc::channel(MAX_WAITING_REQUESTS)
}
