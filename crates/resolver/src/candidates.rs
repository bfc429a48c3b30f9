//! Choosing whom to ask next.
//!
//! Every nameserver of a zone is in play. The order is by the time an answer is expected to take:
//! what is known of a server, with timeouts that fade as they age; an unknown server counts as a
//! typical one, so that it is worth a try. Of each name one address comes before a second of any.

use std::net::SocketAddr;
use std::time::Duration;

use zoners_cache::ServerInfo;
use zoners_dns::{
    Counter, Delegation, Endpoint, Name, NameServer, Network, Signing, Transport, Way,
};

use crate::nameservers::Trust;
use crate::worker::Worker;

/// What a timeout adds to the time expected; doubled by each further one …
const TIMEOUT_PENALTY: Duration = Duration::from_millis(400);
/// … up to this …
const MOST_PENALTY: Duration = Duration::from_secs(10);
/// … and fading to nothing over this.
const PENALTY_FADES: Duration = Duration::from_secs(300);
/// Of two unknown addresses of a name, IPv4 goes first: more networks have it.
const IPV6_HANDICAP: Duration = Duration::from_millis(10);

/// How a query is put to a server. Each further try to the same server takes another way, since
/// what swallowed the first may swallow the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// With an OPT record.
    pub edns: bool,
    /// Whose address it is, as an index into the delegation's servers.
    pub server: usize,
    /// How long to wait before asking another beside it.
    pub patience: Duration,
    /// Why this one now.
    pub why: &'static str,
}

/// A server's address, in line.
#[derive(Clone, Debug)]
struct Candidate {
    address: SocketAddr,
    server: usize,
    expected: Duration,
    known: Option<Duration>,
    edns: bool,
    tries: usize,
    out: bool,
}

/// The servers of a zone in the order in which they are tried.
#[derive(Debug)]
pub struct Candidates {
    transport: Transport,
    list: Vec<Candidate>,
    typical: Duration,
    limit: usize,
    /// Names whose addresses are yet to be looked up, as indices into the delegation's servers.
    unresolved: Vec<usize>,
    /// Names whose addresses a parent's glue told: their own zone may know better.
    doubted: Vec<usize>,
    /// Addresses that gave bogus answers.
    avoided: Vec<SocketAddr>,
    /// Whether an answer without EDNS will do.
    plain: bool,
}

impl Candidates {
    /// Lines up the servers of `cut`, without the addresses to be avoided.
    pub(crate) fn new<N: Network>(
        worker: &Worker<N>,
        cut: &Delegation,
        avoided: &[SocketAddr],
    ) -> Self {
        let mut order: Vec<usize> = (0..cut.servers.len()).collect();
        worker.shared().random.shuffle(&mut order);
        order.truncate(worker.settings().limits.servers_in_play);
        let mut candidates = Candidates {
            transport: cut.transport,
            list: Vec::new(),
            typical: worker.shared().typical_patience(),
            limit: worker.settings().limits.addresses,
            unresolved: Vec::new(),
            doubted: Vec::new(),
            avoided: avoided.to_vec(),
            // Without EDNS a signed zone's answer has no signatures.
            plain: !matches!(cut.signing, Signing::Signed(_)),
        };
        for server in order {
            let NameServer { name, addresses } = &cut.servers[server];
            candidates.add(worker, cut, server, addresses);
            if is_resolvable(name, cut) {
                let names = if addresses.is_empty() {
                    &mut candidates.unresolved
                } else {
                    &mut candidates.doubted
                };
                names.push(server);
            }
        }
        candidates
    }

    /// Lines up addresses of a server, the known fast ones first.
    pub(crate) fn add<N: Network>(
        &mut self,
        worker: &Worker<N>,
        cut: &Delegation,
        server: usize,
        addresses: &[SocketAddr],
    ) {
        let now = worker.shared().now();
        for address in addresses {
            let endpoint = Endpoint { address: *address, transport: self.transport };
            if self.avoided.contains(address)
                || self.list.iter().any(|candidate| candidate.address == *address)
                || !worker.settings().has_family(address.ip())
            {
                continue;
            }
            if self.list.len() >= self.limit {
                worker.count(Counter::LimitAddresses);
                return;
            }
            let info = worker.shared().cache.server(endpoint, now);
            // One that was lame is the last resort: it may have been mended.
            let lame = worker.shared().cache.is_lame(&cut.zone, endpoint, now);
            let last = if lame { MOST_PENALTY } else { Duration::ZERO };
            self.list.push(Candidate {
                address: *address,
                server,
                expected: expected(&info, *address, self.typical, worker) + last,
                known: info.late_after(),
                edns: !info.mishandles_edns(),
                tries: 0,
                out: false,
            });
        }
    }

    /// The next attempt, or `None` if all that is in line was tried often enough.
    pub(crate) fn next(&mut self) -> Option<Attempt> {
        let at = self.best()?;
        let transport = self.transport;
        let candidate = self.list.get_mut(at)?;
        let tries = candidate.tries;
        candidate.tries += 1;
        let (transport, edns, why) = match (transport, tries) {
            (Transport::Udp, 0) => (Transport::Udp, candidate.edns, "next in line"),
            (Transport::Udp, 1) => (Transport::Udp, candidate.edns, "again"),
            (Transport::Udp, 2) if self.plain => (Transport::Udp, false, "again, without EDNS"),
            (Transport::Udp, _) => (Transport::Tcp, candidate.edns, "again, over TCP"),
            (Transport::Tcp, _) => (Transport::Tcp, candidate.edns, "over TCP"),
        };
        // A stream takes a round trip to open before the query can go.
        let round_trips = if transport == Transport::Tcp { 2 } else { 1 };
        let patience = candidate.known.unwrap_or(self.typical).clamp(LEAST, MOST);
        let patience = patience * round_trips * (1 << tries.min(3));
        let endpoint = Endpoint { address: candidate.address, transport };
        Some(Attempt { endpoint, edns, server: candidate.server, patience, why })
    }

    /// Whether there is one in line that was not tried at all.
    pub(crate) fn has_fresh(&self) -> bool {
        self.list.iter().any(|candidate| candidate.tries == 0 && !candidate.out)
    }

    /// Takes a server that answered badly out of the line.
    pub(crate) fn strike(&mut self, address: SocketAddr) {
        for candidate in &mut self.list {
            candidate.out |= candidate.address == address;
        }
    }

    /// The addresses of a server came out of glue; should they fail, its own zone is asked.
    pub(crate) fn doubt(&mut self, server: usize) {
        self.doubted.push(server);
    }

    /// A server whose name is yet to be looked up, and how, taken off the list of these.
    pub(crate) fn take_unresolved(&mut self) -> Option<(usize, Trust)> {
        if !self.unresolved.is_empty() {
            return Some((self.unresolved.remove(0), Trust::Glue));
        }
        if self.doubted.is_empty() || !self.is_spent() {
            return None;
        }
        Some((self.doubted.remove(0), Trust::OwnZone))
    }

    /// Whether names are left to be looked up.
    pub(crate) fn has_unresolved(&self) -> bool {
        !self.unresolved.is_empty() || (!self.doubted.is_empty() && self.is_spent())
    }

    /// Whether every address was tried twice, or answered badly.
    fn is_spent(&self) -> bool {
        self.list.iter().all(|candidate| candidate.out || candidate.tries >= 2)
    }

    /// Whether not one address is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The least tried; among these, one of a name that was tried least; then the fastest.
    fn best(&self) -> Option<usize> {
        let tries_of = |server| -> usize {
            self.list.iter().filter(|other| other.server == server).map(|other| other.tries).sum()
        };
        let most = match self.transport {
            Transport::Udp => MOST_TRIES,
            Transport::Tcp => 2,
        };
        (0..self.list.len())
            .filter(|at| !self.list[*at].out && self.list[*at].tries < most)
            .min_by_key(|at| {
                let candidate = &self.list[*at];
                (candidate.tries, tries_of(candidate.server), candidate.expected)
            })
    }
}

/// Two datagrams, one without EDNS, one stream (RFC 9520 section 2.2 allows three a transport).
const MOST_TRIES: usize = 4;
/// A server is given at least this long …
const LEAST: Duration = Duration::from_millis(25);
/// … and at most this before another is asked beside it.
const MOST: Duration = Duration::from_millis(800);

/// A name within the zone itself cannot be looked up without its address (RFC 1034 section 4.2.1).
fn is_resolvable(name: &Name, cut: &Delegation) -> bool {
    cut.way == Way::Iterative && !zoners_dns::name::is_within(name, &cut.zone)
}

fn expected<N: Network>(
    info: &ServerInfo,
    address: SocketAddr,
    typical: Duration,
    worker: &Worker<N>,
) -> Duration {
    let base = info.srtt().unwrap_or_else(|| {
        let handicap = if address.is_ipv6() { IPV6_HANDICAP } else { Duration::ZERO };
        typical / 2 + handicap
    });
    // Spreads questions over servers that are alike.
    let jitter = base.mul_f64(worker.shared().random.below(1000) as f64 / 5000.0);
    base + jitter + penalty(info, worker)
}

fn penalty<N: Network>(info: &ServerInfo, worker: &Worker<N>) -> Duration {
    if info.timeouts == 0 || info.timeout_at <= worker.shared().forgiven_at() {
        return Duration::ZERO;
    }
    let full = TIMEOUT_PENALTY * (1 << (info.timeouts - 1).min(5));
    let age =
        Duration::from_millis(worker.shared().now().as_millis().saturating_sub(info.timeout_at));
    let left = 1.0 - age.as_secs_f64() / PENALTY_FADES.as_secs_f64();
    full.min(MOST_PENALTY).mul_f64(left.max(0.0))
}
