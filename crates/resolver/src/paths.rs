//! Whether IPv4, IPv6 and UDP work from here at all.
//!
//! One server that stays silent is broken itself. When servers of many networks stay silent over
//! one of these, and none of them answers, it is the path: such servers are asked last until a
//! probe is answered.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Endpoint, Moment, Transport};

/// So many networks in a row that stay silent, and the path is broken.
const MANY: usize = 6;
/// An outage of our line is over sooner than this, mostly.
const BROKEN_AFTER: Duration = Duration::from_secs(1);
const DOUBTFUL_AFTER: Duration = Duration::from_millis(300);
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
    /// When the first of them was noticed.
    since: AtomicU64,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    /// Networks that stayed silent since anybody answered, no more than [`MANY`].
    silent: Vec<IpAddr>,
    probe_at: Moment,
}

impl Path {
    fn is_broken(&self, now: Moment) -> bool {
        self.is_silent(now, MANY, BROKEN_AFTER)
    }

    /// Whether so many networks have been silent for so long.
    fn is_silent(&self, now: Moment, networks: usize, span: Duration) -> bool {
        let since = Moment::from_millis(self.since.load(Ordering::Relaxed));
        self.silent.load(Ordering::Relaxed) >= networks && now.since(since) >= span
    }

    fn failed(&self, network: IpAddr, now: Moment) {
        let mut health = self.health.lock();
        if health.silent.len() < MANY && !health.silent.contains(&network) {
            if health.silent.is_empty() {
                self.since.store(now.as_millis(), Ordering::Relaxed);
            }
            health.silent.push(network);
            self.silent.store(health.silent.len(), Ordering::Relaxed);
        }
    }

    fn works(&self) {
        if self.silent.load(Ordering::Relaxed) > 0 {
            self.health.lock().silent.clear();
            self.silent.store(0, Ordering::Relaxed);
        }
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
pub struct Broken {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
    /// UDP; servers are asked over TCP.
    pub udp: bool,
}

impl Broken {
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

    /// The server did not answer, or could not be reached.
    pub(crate) fn failed(&self, server: Endpoint, now: Moment) {
        let network = network(server.address.ip());
        self.of(server).for_each(|path| path.failed(network, now));
    }

    /// Forgets everything: the machine is elsewhere now.
    pub(crate) fn forget(&self) {
        [&self.ipv4, &self.ipv6, &self.udp].into_iter().for_each(Path::works);
    }

    /// Which paths are broken now.
    pub(crate) fn broken(&self, now: Moment) -> Broken {
        let (ipv4, ipv6) = (self.ipv4.is_broken(now), self.ipv6.is_broken(now));
        // When nothing works at all, TCP works no better.
        Broken { ipv4, ipv6, udp: self.udp.is_broken(now) && !(ipv4 && ipv6) }
    }

    /// Whether UDP may be broken, for all that is known: enough to try TCP a little earlier.
    pub(crate) fn is_udp_doubtful(&self, now: Moment) -> bool {
        self.udp.is_silent(now, MANY / 2, DOUBTFUL_AFTER)
    }

    /// Whether a server behind a broken path is to be asked now, to see whether it works again; the
    /// next one is then not, for a while.
    pub(crate) fn claim_probe(&self, server: Endpoint, now: Moment) -> bool {
        // One probe will do for both, so both are told.
        self.of(server).filter(|path| path.claim_probe(now)).count() > 0
    }
}

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
mod tests {
    use super::*;

    fn server(text: &str) -> Endpoint {
        Endpoint::udp(text.parse().unwrap())
    }

    #[test]
    fn many_networks_make_a_broken_path_and_one_reply_mends_it() {
        let (paths, at) = (Paths::default(), Moment::from_millis);
        let all_is_well = Broken::default();
        for number in 0..40 {
            paths.failed(server(&format!("2001:db8:1::{number:x}")), at(0));
        }
        assert_eq!(paths.broken(at(5000)), all_is_well, "they are all in one network");
        for number in 2..=MANY {
            assert!(!paths.broken(at(5000)).ipv6);
            assert_eq!(paths.is_udp_doubtful(at(300)), number > MANY / 2);
            paths.failed(server(&format!("2001:db8:{number:x}::1")), at(7));
        }
        assert_eq!(paths.broken(at(999)), all_is_well, "an outage");
        // Nor does UDP work, for all that is known.
        assert_eq!(paths.broken(at(1000)), Broken { ipv6: true, udp: true, ipv4: false });
        paths.replied(server("192.0.2.1"));
        assert_eq!(paths.broken(at(1000)), Broken { ipv6: true, ..all_is_well });
        assert!(paths.broken(at(1000)).has("2001:db8::1".parse().unwrap()));
        let probe = |now| paths.claim_probe(server("2001:db8::1"), at(now));
        assert!(probe(1000) && !probe(1001) && !probe(10_999) && probe(11_000));
        paths.replied(server("2001:db8::1"));
        assert_eq!(paths.broken(at(50_000)), all_is_well);
        assert!(!probe(50_000));
    }

    #[test]
    fn a_reply_in_between_says_that_the_servers_are_broken_themselves() {
        let (paths, at) = (Paths::default(), Moment::from_millis);
        for number in 1..40 {
            paths.failed(server(&format!("192.0.{number}.1")), at(0));
            if number % (MANY as i32 - 1) == 0 {
                paths.replied(server("198.51.100.1"));
            }
        }
        assert_eq!(paths.broken(at(90_000)), Broken::default());
    }
}
