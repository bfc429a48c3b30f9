//! The effect of an attempt's outcome on its candidate.

use std::net::SocketAddr;

use zoners_dns::Endpoint;

use super::candidate::Candidate;
use super::{Attempt, Candidates};

impl Candidates {
    fn of(&mut self, address: SocketAddr) -> impl Iterator<Item = &mut Candidate> {
        self.list.iter_mut().filter(move |candidate| candidate.address() == address)
    }

    /// Excludes a server after a bad answer.
    pub(crate) fn exclude(&mut self, address: SocketAddr) {
        self.of(address).for_each(|candidate| candidate.is_excluded = true);
    }

    /// An attempt ended with a network error. The server is excluded, unless only its TCP or TLS is
    /// closed: then the attempt does not count, and further attempts use UDP.
    pub(crate) fn unreachable(&mut self, endpoint: Endpoint) {
        for candidate in self.of(endpoint.address) {
            if endpoint.transport == candidate.endpoint.transport {
                (candidate.has_network_error, candidate.is_excluded) = (true, true);
            } else if endpoint.is_opportunistic() {
                candidate.tries -= u8::from(candidate.over_tls && candidate.tries > 0);
                candidate.over_tls = false;
            } else {
                candidate.tries -= u8::from(!candidate.no_tcp && candidate.tries > 0);
                (candidate.no_tcp, candidate.over_tcp) = (true, false);
            }
        }
    }

    /// The uplink was silent: the tries so far do not count.
    pub(crate) fn forgive_tries(&mut self) {
        self.list.iter_mut().for_each(|candidate| candidate.tries = 0);
    }

    /// Cancels an attempt before its query is sent.
    pub(crate) fn take_back(&mut self, attempt: &Attempt) {
        for candidate in self.of(attempt.endpoint.address) {
            candidate.tries = candidate.tries.saturating_sub(1);
        }
    }

    /// Postpones an attempt: its server is excluded until the postponed candidates are released.
    pub(crate) fn postpone(&mut self, attempt: &Attempt) {
        self.take_back(attempt);
        self.of(attempt.endpoint.address).for_each(|candidate| candidate.postponed = true);
    }

    /// Releases the postponed candidates.
    pub(crate) fn release_postponed(&mut self) {
        self.list.iter_mut().for_each(|candidate| candidate.postponed = false);
    }

    /// Servers tried without a reply of any address.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = usize> {
        let answered =
            |candidate: &Candidate| candidate.is_excluded && !candidate.has_network_error;
        let has_answered = move |server| {
            self.list.iter().any(|candidate| candidate.server() == server && answered(candidate))
        };
        let tried = self.list.iter().filter(|candidate| candidate.tries > 0);
        tried.map(|candidate| candidate.server()).filter(move |server| !has_answered(*server))
    }

    /// Pauses a server: no further attempt begins until a try has ended.
    pub(crate) fn pause(&mut self, address: SocketAddr) {
        self.of(address).for_each(|candidate| candidate.is_paused = true);
    }

    /// Ends the pause of a server.
    pub(crate) fn resume(&mut self, address: SocketAddr) {
        self.of(address).for_each(|candidate| candidate.is_paused = false);
    }

    /// A bad message arrived in the name of a server. If the server was asked over TCP in addition,
    /// no further attempt over TCP will bring more.
    pub(crate) fn suspect(&mut self, address: SocketAddr) {
        for candidate in self.of(address) {
            candidate.has_bad_message = true;
            candidate.no_tcp |= candidate.streamed;
        }
    }

    /// A server is asked over TCP beside UDP: no further attempt uses TCP.
    pub(crate) fn exclude_tcp(&mut self, address: SocketAddr) {
        self.of(address).for_each(|candidate| candidate.no_tcp = true);
    }
}
