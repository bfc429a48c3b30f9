//! A candidate: an address of a nameserver, with the knowledge of it for one race.

use std::net::SocketAddr;
use std::time::Duration;

use zoners_dns::{Endpoint, Transport};

use crate::infra::estimate::LatencyEstimate;
use crate::infra::round_trips::RoundTrips;

/// The flaws of a server's replies over one transport.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flaws {
    /// Queries with EDNS get no useful reply.
    pub(super) mishandles_edns: bool,
    /// Something was wrong with the last answer.
    pub(super) troubled: bool,
}

/// An address of a server.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The address, and the transport by the configuration or the delegation.
    pub(super) endpoint: Endpoint,
    /// The place of the nameserver in the delegation; `u16`, since each pending recursion keeps many candidates in
    /// memory.
    pub(super) place: u16,
    pub(super) estimate: LatencyEstimate,
    /// Random microseconds, to spread questions over equal servers.
    pub(super) jitter: u16,
    /// The flaws over the transport of `endpoint`.
    pub(super) flaws: Flaws,
    /// The flaws over the transport of the first attempt.
    pub(super) first_flaws: Flaws,
    /// UDP does not work, TCP may.
    pub(super) over_tcp: bool,
    /// The server encrypts: the first attempt is over TLS (RFC 9539).
    pub(super) over_tls: bool,
    /// The round trips of the first attempt.
    pub(super) round_trips: RoundTrips,
    /// A trial of encryption may be made.
    pub(super) is_trial_due: bool,
    /// TCP was tried and does not work.
    pub(super) no_tcp: bool,
    /// TCP was tried.
    pub(super) streamed: bool,
    /// The address family does not work from here.
    pub(super) cut_off: bool,
    pub(super) lame: bool,
    /// The own zone of the server gives the address.
    pub(super) is_own: bool,
    /// An unproven address: named by an outsider, without any reply so far.
    pub(super) is_unproven: bool,
    /// The candidate may not be asked now.
    pub(super) postponed: bool,
    pub(super) tries: u8,
    /// No further attempt begins before the last has ended.
    pub(super) is_paused: bool,
    /// A bad message arrived in the name of the server.
    pub(super) has_bad_message: bool,
    pub(super) is_excluded: bool,
    /// The candidate is excluded after an error of the network.
    pub(super) has_network_error: bool,
}

impl Candidate {
    /// A candidate of which nothing is known, but whether the cache calls it lame.
    pub(super) fn new(endpoint: Endpoint, place: u16, jitter: u16, lame: bool) -> Self {
        Candidate {
            endpoint,
            place,
            estimate: LatencyEstimate::default(),
            jitter,
            flaws: Flaws::default(),
            first_flaws: Flaws::default(),
            over_tcp: false,
            over_tls: false,
            round_trips: RoundTrips::ONE,
            is_trial_due: false,
            no_tcp: false,
            streamed: false,
            cut_off: false,
            lame,
            is_own: false,
            is_unproven: true,
            postponed: false,
            tries: 0,
            is_paused: false,
            has_bad_message: false,
            is_excluded: false,
            has_network_error: false,
        }
    }

    /// The address.
    pub(super) fn address(&self) -> SocketAddr {
        self.endpoint.address
    }

    /// The place of the nameserver in the delegation.
    pub(super) fn server(&self) -> usize {
        usize::from(self.place)
    }

    /// What is known of the flaws over `transport`. The flaws in clear count for a transport without an entry.
    pub(super) fn flaws_over(&self, transport: Transport) -> Flaws {
        let is_first = match transport {
            Transport::Tls => self.over_tls,
            Transport::Tcp => self.over_tcp,
            _ => false,
        };
        if is_first { self.first_flaws } else { self.flaws }
    }

    /// Whether the server has ever replied over the transport of the first attempt.
    pub(super) fn has_replied(&self) -> bool {
        self.estimate.has_replied
    }

    /// The expected time from the first attempt to the reply, handshakes included.
    pub(super) fn time_to_reply(&self) -> Duration {
        let is_first = self.tries == 0 && self.over_tls;
        self.estimate.rtt * if is_first { self.round_trips.expected() } else { 1 }
    }

    /// Whether the first attempt is over TLS, without a handshake.
    pub(super) fn is_on_open_connection(&self) -> bool {
        self.tries == 0 && self.over_tls && self.round_trips == RoundTrips::ONE
    }

    /// Whether the server is responsive and its estimate is reliable.
    pub(super) fn is_well_known(&self) -> bool {
        self.estimate.has_replied
            && self.estimate.penalty.is_zero()
            && self.tries == 0
            && !self.is_excluded
            && !self.lame
    }
}
