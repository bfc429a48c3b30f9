//! Whether IPv4, IPv6 and UDP work from here at all.
//!
//! One server that stays silent is broken itself. When servers of many networks stay silent over
//! one of these, and none of them answers, it is the path: such servers are asked last until a
//! probe is answered.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Endpoint, Moment, Transport};

/// So many networks in a row that stay silent, and the path is broken.
const MANY: usize = 6;
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
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    /// Networks that stayed silent since anybody answered, no more than [`MANY`].
    silent: Vec<IpAddr>,
    probe_at: Moment,
}

impl Path {
    fn is_broken(&self) -> bool {
        self.silent.load(Ordering::Relaxed) >= MANY
    }

    fn failed(&self, network: IpAddr) {
        let mut health = self.health.lock();
        if health.silent.len() < MANY && !health.silent.contains(&network) {
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

    fn is_probe_due(&self, now: Moment) -> bool {
        if !self.is_broken() {
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
    pub(crate) fn failed(&self, server: Endpoint) {
        let network = network(server.address.ip());
        self.of(server).for_each(|path| path.failed(network));
    }

    /// Forgets everything: the machine is elsewhere now.
    pub(crate) fn forget(&self) {
        [&self.ipv4, &self.ipv6, &self.udp].into_iter().for_each(Path::works);
    }

    /// Which paths are broken now.
    pub(crate) fn broken(&self) -> Broken {
        let (ipv4, ipv6) = (self.ipv4.is_broken(), self.ipv6.is_broken());
        // When nothing works at all, TCP works no better.
        Broken { ipv4, ipv6, udp: self.udp.is_broken() && !(ipv4 && ipv6) }
    }

    /// Whether a server behind a broken path is to be asked now, to see whether it works again.
    pub(crate) fn is_probe_due(&self, server: Endpoint, now: Moment) -> bool {
        // One probe will do for both, so both are told.
        self.of(server).filter(|path| path.is_probe_due(now)).count() > 0
    }
}

/// The network that an address is in: a /24 or a /48.
fn network(address: IpAddr) -> IpAddr {
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
        let paths = Paths::default();
        for number in 0..40 {
            paths.failed(server(&format!("2001:db8:1::{number:x}")));
        }
        assert_eq!(paths.broken(), Broken::default(), "they are all in one network");
        for number in 2..=MANY {
            assert!(!paths.broken().ipv6);
            paths.failed(server(&format!("2001:db8:{number:x}::1")));
        }
        // Nor does UDP work, for all that is known.
        assert_eq!(paths.broken(), Broken { ipv6: true, udp: true, ipv4: false });
        paths.replied(server("192.0.2.1"));
        assert_eq!(paths.broken(), Broken { ipv6: true, ..Broken::default() });
        assert!(paths.broken().has("2001:db8::1".parse().unwrap()));
        let at = Moment::from_millis;
        let probe = |now| paths.is_probe_due(server("2001:db8::1"), at(now));
        assert!(probe(5) && !probe(6) && !probe(10_004) && probe(10_005));
        paths.replied(server("2001:db8::1"));
        assert_eq!(paths.broken(), Broken::default());
        assert!(!probe(50_000));
    }

    #[test]
    fn a_reply_in_between_says_that_the_servers_are_broken_themselves() {
        let paths = Paths::default();
        for number in 1..40 {
            paths.failed(server(&format!("192.0.{number}.1")));
            if number % (MANY as i32 - 1) == 0 {
                paths.replied(server("198.51.100.1"));
            }
        }
        assert_eq!(paths.broken(), Broken::default());
    }
}
