//! Invariants.

use std::sync::Arc;

use zoners_dns::Counter;
use zoners_server::Service;
use zoners_sim::SimNetwork;

/// How a client's query can end.
const ENDS: [Counter; 13] = [
    Counter::ClientLocal,
    Counter::ClientCached,
    Counter::ClientRecursed,
    Counter::ClientStale,
    Counter::ClientPolicy,
    Counter::ClientServfail,
    Counter::ClientRefused,
    Counter::ClientRateLimited,
    Counter::ClientLate,
    Counter::ClientShed,
    Counter::ClientDropped,
    Counter::ClientErrorsLimited,
    Counter::ClientSendErrors,
];

/// Each query of a client has ended in exactly one way and has been counted once.
pub(crate) fn all_is_counted(service: &Arc<Service<SimNetwork>>) {
    let count = |counter| service.worker().counters().get(counter);
    let ended: u64 = ENDS.into_iter().map(count).sum();
    assert_eq!(count(Counter::ClientQueries), ended + service.rules().waiting() as u64);
    let useful = count(Counter::UpstreamReplies);
    assert!(useful <= count(Counter::UpstreamQueries), "more replies than queries");
    assert_eq!(count(Counter::RecursionPanics), 0);
}

/// No work is under way, and memory is within its limit.
pub(crate) fn nothing_is_left(service: &Arc<Service<SimNetwork>>) {
    let (worker, shared) = (service.worker(), service.worker().shared());
    assert_eq!((worker.pending(), shared.in_flight(), service.rules().waiting()), (0, 0, 0));
    assert!(shared.cache.stats().bytes <= shared.cache.limit());
}
