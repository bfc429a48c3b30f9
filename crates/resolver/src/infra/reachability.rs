//! Whether IPv4, IPv6 and UDP work from here at all.
//!
//! One server that stays silent is broken itself, and so are those of a zone that is dead, however many there
//! are. When servers of many networks stay silent over one of these for a while, and so does one that has just
//! answered over it, it is the path: such servers are asked last until a probe is answered. Only time in which
//! servers are asked counts, and one reply ends it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Endpoint, Moment, Transport};

use crate::infra::last_responder::{Testimony, Witness};

/// So many networks in a row that stay silent, and the path is broken.
const MANY: usize = 6;
/// An outage of our line is over sooner than this, mostly.
const BROKEN_AFTER: Duration = Duration::from_secs(1);
const DOUBTFUL_AFTER: Duration = Duration::from_millis(300);
/// Between two that stay silent no more time counts: servers may not have been asked.
const MOST_BETWEEN: Duration = Duration::from_millis(500);
/// From so many on it is asked whether others are silent too.
const SOME: usize = 2;
/// So often is one asked in vain that has answered.
const ASKED: u8 = 2;
/// Without having asked one, the path is broken after this.
const UNASKED: Duration = Duration::from_secs(3);
/// How often a broken path is probed.
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// What is known of the ways out.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    ipv4: Path,
    ipv6: Path,
    udp: Path,
}

/// A way out.
#[derive(Debug, Default)]
struct Path {
    /// How many are in `health.silent`, to be read without waiting.
    silent: AtomicUsize,
    /// For how long they have been, in milliseconds.
    lasts_ms: AtomicU64,
    /// From when on it is taken for broken, unless a reply comes before; 0: it is not.
    broken_from: AtomicU64,
    health: Mutex<Health>,
    witness: Witness,
}

#[derive(Debug, Default)]
struct Health {
    /// Networks that stayed silent since anybody answered, no more than [`MANY`].
    silent: Vec<IpAddr>,
    /// When the last silence was noticed.
    noticed: Moment,
    probe_at: Moment,
}

impl Path {
    fn is_broken(&self, now: Moment) -> bool {
        let from = self.broken_from.load(Ordering::Relaxed);
        from > 0 && Moment::from_millis(from) <= now
    }

    /// Whether so many networks have been silent for so long.
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

    /// Takes the path for broken, if all speaks for it.
    fn conclude(&self, now: Moment) {
        if self.broken_from.load(Ordering::Relaxed) > 0 || !self.is_silent(MANY, BROKEN_AFTER) {
            return;
        }
        let from = match self.witness.silent_from(ASKED) {
            // Its silence may be yet to come.
            Some(from) => Some(from.max(now)),
            None => (self.lasts() >= UNASKED).then_some(now),
        };
        if let Some(from) = from {
            self.broken_from.store(from.as_millis().max(1), Ordering::Relaxed);
        }
    }

    fn works(&self) {
        self.witness.heard();
        if self.silent.load(Ordering::Relaxed) > 0 {
            self.health.lock().silent.clear();
            self.silent.store(0, Ordering::Relaxed);
            self.broken_from.store(0, Ordering::Relaxed);
        }
    }

    /// Whom to ask whether it is this path that does not work, if that may be.
    fn claim_witness(
        &self,
        now: Moment,
        may_ask: impl Fn(&Testimony) -> bool,
        another: impl FnOnce() -> Option<Testimony>,
    ) -> Option<Testimony> {
        if self.silent.load(Ordering::Relaxed) < SOME {
            return None;
        }
        let claimed = self.witness.claim(now, may_ask, another);
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
    /// The names of those that are broken.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let paths = [("IPv4", self.ipv4), ("IPv6", self.ipv6), ("UDP", self.udp)];
        paths.into_iter().filter_map(|(name, broken)| broken.then_some(name)).collect()
    }

    /// Whether the address's family is broken, and the other is not.
    pub(crate) fn has(self, address: IpAddr) -> bool {
        self.ipv4 != self.ipv6 && if address.is_ipv4() { self.ipv4 } else { self.ipv6 }
    }
}

impl Paths {
    fn of(&self, server: Endpoint) -> impl Iterator<Item = &Path> {
        let family = if server.address.is_ipv4() { &self.ipv4 } else { &self.ipv6 };
        [family].into_iter().chain((server.transport == Transport::Udp).then_some(&self.udp))
    }

    /// The server answered.
    pub(crate) fn replied(&self, server: Endpoint) {
        self.of(server).for_each(Path::works);
    }

    /// Takes down what a server has answered just now.
    pub(crate) fn take(&self, server: Endpoint, now: Moment, testimony: impl Fn() -> Testimony) {
        self.of(server).for_each(|path| path.witness.take(now, &testimony));
    }

    /// The server did not answer, or could not be reached.
    pub(crate) fn failed(&self, server: Endpoint, now: Moment) {
        let network = network(server.address.ip());
        self.of(server).for_each(|path| path.failed(network, now));
    }

    /// Whom to ask whether it is a path that does not work: for each that may not, who answered last over
    /// it, or where that may not be asked, `another` that has an address of the family, if one is given.
    pub(crate) fn claim_witnesses(
        &self,
        now: Moment,
        may_ask: impl Fn(&Testimony) -> bool,
        another: impl Fn(Option<Family>) -> Option<Testimony>,
    ) -> impl Iterator<Item = Testimony> {
        let paths =
            [(&self.ipv4, Some(Family::V4)), (&self.ipv6, Some(Family::V6)), (&self.udp, None)];
        let claim =
            |(path, family): (&Path, _)| path.claim_witness(now, &may_ask, || another(family));
        paths.map(claim).into_iter().flatten()
    }

    /// Forgets what it has against them: the machine is elsewhere now.
    pub(crate) fn forget(&self) {
        [&self.ipv4, &self.ipv6, &self.udp].into_iter().for_each(Path::works);
    }

    /// Which paths are broken now.
    pub(crate) fn broken(&self, now: Moment) -> BrokenPaths {
        let (ipv4, ipv6) = (self.ipv4.is_broken(now), self.ipv6.is_broken(now));
        // When nothing works at all, TCP works no better.
        BrokenPaths { ipv4, ipv6, udp: self.udp.is_broken(now) && !(ipv4 && ipv6) }
    }

    /// Whether UDP may be broken, for all that is known: enough to try TCP a little earlier.
    pub(crate) fn is_udp_doubtful(&self) -> bool {
        self.udp.is_silent(MANY / 2, DOUBTFUL_AFTER)
    }

    /// Whether a server behind a broken path is to be asked now, to see whether it works again; the
    /// next one is then not, for a while.
    pub(crate) fn claim_probe(&self, server: Endpoint, now: Moment) -> bool {
        // One probe will do for both, so both are told.
        self.of(server).filter(|path| path.claim_probe(now)).count() > 0
    }
}

/// Bits of a network in IPv4 and IPv6.
pub(crate) const NETWORK_BITS: (u8, u8) = (24, 48);

/// The network that an address is in: a /24 or a /48.
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
