//! Requests of people about lists and rules of the operator, from the control socket to the main thread.

use tokio::sync::{mpsc, oneshot};

use super::operator_rules::RuleRequest;

/// The way of requests to the main thread.
pub(super) type ListRequests = mpsc::Sender<ListRequest>;

/// Requests waiting for the main thread; further callers wait for a place.
const MAX_WAITING_REQUESTS: usize = 16;

/// The way to a caller, who gets the end, or the reason of a refusal.
pub(super) type ListEnd = oneshot::Sender<Result<(), String>>;

/// A request about lists or rules.
#[derive(Debug)]
pub(super) enum ListRequest {
    /// Fetch a list now, or every list.
    Update { list: Option<String>, caller: ListEnd },
    /// Put the version that waits into force.
    Accept { list: String, caller: ListEnd },
    /// Change the rules of the operator.
    Rule(RuleRequest),
}

/// Both ends of the way of requests.
pub(super) fn requests() -> (ListRequests, mpsc::Receiver<ListRequest>) {
    mpsc::channel(MAX_WAITING_REQUESTS)
}

/// A caller that waits for downloads, and for the compilation after.
#[derive(Debug)]
pub(super) struct ListCaller {
    /// Lists whose downloads have not ended.
    left: Vec<String>,
    caller: ListEnd,
}

impl ListCaller {
    pub(super) fn new(left: Vec<String>, caller: ListEnd) -> Self {
        ListCaller { left, caller }
    }

    /// Notes the end of a download.
    pub(super) fn note_end(&mut self, list: &str) {
        self.left.retain(|left| left != list);
    }

    /// Whether every download has ended, or the caller has gone.
    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty() || self.caller.is_closed()
    }

    pub(super) fn answer(self) {
        // A caller that went away needs no reply.
        let _ = self.caller.send(Ok(()));
    }
}
