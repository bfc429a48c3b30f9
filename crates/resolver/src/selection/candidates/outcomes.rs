//! What an attempt does to its server's place in the line.

use std::net::SocketAddr;

use zoners_dns::Endpoint;

use super::{Attempt, Candidate, Candidates};

impl Candidates {
    fn of(&mut self, address: SocketAddr) -> impl Iterator<Item = &mut Candidate> {
        self.list.iter_mut().filter(move |candidate| candidate.address == address)
    }

    /// Takes a server that answered badly out of the line.
    pub(crate) fn strike(&mut self, address: SocketAddr) {
        self.of(address).for_each(|candidate| candidate.out = true);
    }

    /// An attempt ended with no answer but word that there will be none. The server is out, unless only
    /// its TCP does not work: then the attempt does not count, and those to come go over UDP.
    pub(crate) fn unreachable(&mut self, endpoint: Endpoint) {
        let all = endpoint.transport == self.transport;
        for candidate in self.of(endpoint.address) {
            if all {
                (candidate.unheard, candidate.out) = (true, true);
            } else {
                candidate.tries -= u8::from(!candidate.no_tcp && candidate.tries > 0);
                (candidate.no_tcp, candidate.over_tcp) = (true, false);
            }
        }
    }

    /// An attempt is not made after all.
    pub(crate) fn take_back(&mut self, attempt: &Attempt) {
        for candidate in self.of(attempt.endpoint.address) {
            candidate.tries = candidate.tries.saturating_sub(1);
        }
    }

    /// An attempt is not made just now: its server is out of the line until all are let back.
    pub(crate) fn hold(&mut self, attempt: &Attempt) {
        self.take_back(attempt);
        self.of(attempt.endpoint.address).for_each(|candidate| candidate.held = true);
    }

    /// Lets back those that were held.
    pub(crate) fn let_back(&mut self) {
        self.list.iter_mut().for_each(|candidate| candidate.held = false);
    }

    /// Servers that were tried at an address, and have answered at none.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = usize> {
        let answered = |candidate: &Candidate| candidate.out && !candidate.unheard;
        let has_answered = move |server| {
            self.list.iter().any(|candidate| candidate.server == server && answered(candidate))
        };
        let tried = self.list.iter().filter(|candidate| candidate.tries > 0);
        tried.map(|candidate| candidate.server).filter(move |server| !has_answered(*server))
    }

    /// Whether a server is to be asked no more until a try has ended.
    pub(crate) fn let_rest(&mut self, address: SocketAddr, rests: bool) {
        self.of(address).for_each(|candidate| candidate.rests = rests);
    }

    /// A message came in a server's name that is no good reply. Where the server is asked `over_tcp` beside,
    /// or was before, what that does not bring, no other attempt will.
    pub(crate) fn doubt_server(&mut self, address: SocketAddr, over_tcp: bool) {
        for candidate in self.of(address) {
            candidate.doubted = true;
            candidate.no_tcp |= over_tcp || candidate.streamed;
        }
    }
}
