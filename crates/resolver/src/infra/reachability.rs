//! Reachability: whether IPv4, IPv6 and UDP work from here at all.
//!
//! One silent server is itself at fault, and so are the servers of a dead zone, however many. If
//! servers of many networks are silent over a path for a while, and so is the last responder of the
//! path, the path is at fault: servers behind a broken path are asked last until a probe is
//! answered. Only time with queries counts, and one reply ends the silence.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Endpoint, Moment};

use crate::infra::last_responder::{LastReply, LastResponder};

/// Consecutive silent networks after which a path is broken.
const MANY: usize = 6;
/// Most outages of the uplink are shorter.
const BROKEN_AFTER: Duration = Duration::from_secs(1);
const DOUBTFUL_AFTER: Duration = Duration::from_millis(300);
/// The most time counted between two silent networks: without questions there is no evidence.
const MOST_BETWEEN: Duration = Duration::from_millis(500);
/// Silent networks after which the last responder is probed.
const SOME: usize = 2;
/// Unanswered probes of the last responder needed as proof.
const ASKED: u8 = 2;
/// The time of silence after which the path is broken without any probe.
const UNASKED: Duration = Duration::from_secs(3);
/// How often a broken path is probed.
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// The state of the paths.
#[derive(Debug, Default)]
pub(crate) struct ReachabilityTable {
    ipv4: PathState,
    ipv6: PathState,
    udp: PathState,
}

/// A way out.
#[derive(Debug, Default)]
struct PathState {
    /// How many are in `health.silent`, to be read without waiting.
    silent: AtomicUsize,
    /// The time of the silence, in milliseconds.
    lasts_ms: AtomicU64,
    /// The moment from which the path counts as broken unless a reply arrives before; 0 for a path
    /// that works.
    broken_from: AtomicU64,
    health: Mutex<PathHealth>,
    last_responder: LastResponder,
}

#[derive(Debug, Default)]
struct PathHealth {
    /// Silent networks since the last reply, at most [`MANY`].
    silent: Vec<IpAddr>,
    /// When the last silence was noticed.
    noticed: Moment,
    probe_at: Moment,
}

impl PathState {
    fn is_broken(&self, now: Moment) -> bool {
        let from = self.broken_from.load(Ordering::Relaxed);
        from > 0 && Moment::from_millis(from) <= now
    }

    /// Whether this many networks have been silent for this long.
    fn is_silent(&self, networks: usize, span: Duration) -> bool {
        self.silent.load(Ordering::Relaxed) >= networks && self.lasts() >= span
    }

    fn lasts(&self) -> Duration {
        Duration::from_millis(self.lasts_ms.load(Ordering::Relaxed))
    }

    fn failed(&self, network: IpAddr, now: Moment) {
        let mut health = self.health.lock();
        let before = std::mem::replace(&mut health.noticed, now);
        let more = match health.silent.is_empty() {
            true => Duration::ZERO,
            false => now.since(before).min(MOST_BETWEEN),
        };
        let lasts = if health.silent.is_empty() { more } else { self.lasts() + more };
        self.lasts_ms.store(lasts.as_millis() as u64, Ordering::Relaxed);
        if health.silent.len() < MANY && !health.silent.contains(&network) {
            health.silent.push(network);
            self.silent.store(health.silent.len(), Ordering::Relaxed);
        }
        self.conclude(now);
    }

    /// Marks the path as broken if the evidence suffices.
    fn conclude(&self, now: Moment) {
        if self.broken_from.load(Ordering::Relaxed) > 0 || !self.is_silent(MANY, BROKEN_AFTER) {
            return;
        }
        let from = match self.last_responder.silent_from(ASKED) {
            // The probe's time may not be over.
            Some(from) => Some(from.max(now)),
            None => (self.lasts() >= UNASKED).then_some(now),
        };
        if let Some(from) = from {
            self.broken_from.store(from.as_millis().max(1), Ordering::Relaxed);
        }
    }

    fn works(&self) {
        self.last_responder.settle_probes();
        if self.silent.load(Ordering::Relaxed) > 0 {
            self.health.lock().silent.clear();
            self.silent.store(0, Ordering::Relaxed);
            self.broken_from.store(0, Ordering::Relaxed);
        }
    }

    /// The last responder to probe, if the path may be broken.
    fn claim_last_responder(
        &self,
        now: Moment,
        may_ask: impl Fn(&LastReply) -> bool,
        another: impl FnOnce() -> Option<LastReply>,
    ) -> Option<LastReply> {
        if self.silent.load(Ordering::Relaxed) < SOME {
            return None;
        }
        let claimed = self.last_responder.claim(now, may_ask, another);
        self.conclude(now);
        claimed
    }

    fn claim_probe(&self, now: Moment) -> bool {
        if !self.is_broken(now) {
            return false;
        }
        let mut health = self.health.lock();
        let due = health.probe_at <= now;
        if due {
            health.probe_at = now.after(PROBE_EVERY);
        }
        due
    }
}

/// Which paths are broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokenPaths {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
    /// UDP; servers are asked over TCP.
    pub udp: bool,
}

/// The family of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) fn has(self, address: IpAddr) -> bool {
        (self == Family::V4) == address.is_ipv4()
    }
}

impl BrokenPaths {
    /// The names of the broken paths.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let paths = [("IPv4", self.ipv4), ("IPv6", self.ipv6), ("UDP", self.udp)];
        paths.into_iter().filter_map(|(name, broken)| broken.then_some(name)).collect()
    }

    /// Whether the address family is broken, and the other family is not.
    pub(crate) fn has(self, address: IpAddr) -> bool {
        self.ipv4 != self.ipv6 && if address.is_ipv4() { self.ipv4 } else { self.ipv6 }
    }
}

impl ReachabilityTable {
    fn of(&self, server: Endpoint) -> impl Iterator<Item = &PathState> {
        let family = if server.address.is_ipv4() { &self.ipv4 } else { &self.ipv6 };
        [family].into_iter().chain((!server.transport.is_stream()).then_some(&self.udp))
    }

    /// The server answered.
    pub(crate) fn replied(&self, server: Endpoint) {
        self.of(server).for_each(PathState::works);
    }

    /// Records a reply for later probes.
    pub(crate) fn take(&self, server: Endpoint, now: Moment, last_reply: impl Fn() -> LastReply) {
        self.of(server).for_each(|path| path.last_responder.take(now, &last_reply));
    }

    /// The server did not answer, or could not be reached.
    pub(crate) fn failed(&self, server: Endpoint, now: Moment) {
        let network = network(server.address.ip());
        self.of(server).for_each(|path| path.failed(network, now));
    }

    /// The probes of suspect paths: the last responder of each path or, where that is excluded,
    /// `another` server with an address of the family.
    pub(crate) fn claim_probes_of_last_responders(
        &self,
        now: Moment,
        may_ask: impl Fn(&LastReply) -> bool,
        another: impl Fn(Option<Family>) -> Option<LastReply>,
    ) -> impl Iterator<Item = LastReply> {
        let paths =
            [(&self.ipv4, Some(Family::V4)), (&self.ipv6, Some(Family::V6)), (&self.udp, None)];
        let claim = |(path, family): (&PathState, _)| {
            path.claim_last_responder(now, &may_ask, || another(family))
        };
        paths.map(claim).into_iter().flatten()
    }

    /// Resets the evidence: the machine is on a different network.
    pub(crate) fn forget(&self) {
        [&self.ipv4, &self.ipv6, &self.udp].into_iter().for_each(PathState::works);
    }

    /// Takes UDP for broken until a reply comes: the network is known from an earlier visit.
    pub(crate) fn presume_udp_broken(&self, now: Moment) {
        let network = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut health = self.udp.health.lock();
        if health.silent.is_empty() {
            health.silent.push(network);
        }
        self.udp.silent.store(health.silent.len(), Ordering::Relaxed);
        self.udp.broken_from.store(now.as_millis().max(1), Ordering::Relaxed);
    }

    /// Which paths are broken now.
    pub(crate) fn broken(&self, now: Moment) -> BrokenPaths {
        let (ipv4, ipv6) = (self.ipv4.is_broken(now), self.ipv6.is_broken(now));
        // Without IPv4 and IPv6, TCP works no better.
        BrokenPaths { ipv4, ipv6, udp: self.udp.is_broken(now) && !(ipv4 && ipv6) }
    }

    /// Whether UDP may be broken: enough evidence to try TCP a little earlier.
    pub(crate) fn is_udp_doubtful(&self) -> bool {
        self.udp.is_silent(MANY / 2, DOUBTFUL_AFTER)
    }

    /// Whether a server behind a broken path is asked now as a probe; the next probe follows after
    /// a while.
    pub(crate) fn claim_probe(&self, server: Endpoint, now: Moment) -> bool {
        // One probe serves both paths, so both are claimed.
        self.of(server).filter(|path| path.claim_probe(now)).count() > 0
    }
}

/// Bits of a network in IPv4 and IPv6.
pub(crate) const NETWORK_BITS: (u8, u8) = (24, 48);

/// The network of an address: a /24 or a /48.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [a, b, c, 0].into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            [a, b, c, 0, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests;
