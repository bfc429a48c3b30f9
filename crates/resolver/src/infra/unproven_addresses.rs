//! Unproven addresses: addresses that have never replied get few packets, whichever zones name
//! them.
//!
//! Glue may name any address, even a victim's, and a zone is cheap. So an address without any reply
//! gets few packets per second in total; its first reply ends the limit. A victim may own more IPv6
//! addresses than can be counted, and 256 IPv4 addresses in a row, so a network has a limit too,
//! which still lets the servers of a large provider be reached.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Delegation, Moment, QueryMode, Transport};

use crate::infra::reachability::network;
use crate::infra::recent_table::RecentTable;

/// Packets to an unproven address …
const MOST: usize = 4;
/// … within this time: a second, plus the resolution of timers.
const SPAN: Duration = Duration::from_millis(1001);
/// Packets to a network, a /24 or a /48, in any second. Repeated SYNs count for their address
/// alone.
const MOST_OF_NETWORK: u8 = 64;
/// Packets to a network are counted in intervals of this many milliseconds …
const PART: u64 = 125;
/// … of which this many cover more than a second.
const PARTS: usize = 9;
/// A network is forgotten after this.
const PARTS_LAST: Duration = Duration::from_millis(PART * PARTS as u64);
/// A stream that never opens is given up after this time; until then its SYN is sent again each
/// second.
const STREAM: Duration = Duration::from_millis(3001);
/// Recorded addresses and networks.
const MOST_REMEMBERED: usize = 8192;

/// Recent packets to unproven addresses.
#[derive(Debug)]
pub(crate) struct UnprovenAddresses {
    /// The moment of the last packet, so that other questions need not look.
    asked_at: AtomicU64,
    asked: Mutex<AddressTally>,
}

#[derive(Debug)]
struct AddressTally {
    addresses: RecentTable<IpAddr, Address>,
    networks: RecentTable<IpAddr, NetworkTally>,
}

#[derive(Debug, Default)]
struct Address {
    /// When the last packets were sent, the oldest at `next`.
    sent: [Option<Moment>; MOST],
    next: usize,
    /// When the last stream was begun.
    stream: Option<Moment>,
    /// Questions wait for an answer.
    awaited: bool,
}

#[derive(Debug, Default)]
struct NetworkTally {
    /// The newest part of time.
    newest: u64,
    /// Packets of each recent interval, indexed by its number modulo the length.
    packets: [u8; PARTS],
}

/// Whether an unproven address may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnprovenPermit {
    /// At once.
    Admitted {
        /// A different address was forgotten.
        evicted: bool,
    },
    /// Not before then.
    At(Moment),
}

impl Default for UnprovenAddresses {
    fn default() -> Self {
        let addresses = RecentTable::new(MOST_REMEMBERED, STREAM);
        let networks = RecentTable::new(MOST_REMEMBERED, PARTS_LAST);
        let asked = Mutex::new(AddressTally { addresses, networks });
        UnprovenAddresses { asked_at: AtomicU64::new(0), asked }
    }
}

impl UnprovenAddresses {
    /// Asks for permission to send a packet to `address`, or to open a stream, and records it.
    pub(crate) fn admit(
        &self,
        address: IpAddr,
        transport: Transport,
        now: Moment,
    ) -> UnprovenPermit {
        self.asked_at.store(now.as_millis().max(1), Ordering::Relaxed);
        let mut asked = self.asked.lock();
        let AddressTally { addresses, networks } = &mut *asked;
        let (Some(known), Some(of_network)) =
            (addresses.touch(address, now), networks.touch(network(address), now))
        else {
            return UnprovenPermit::At(now.after(SPAN));
        };
        match known.value.free_at(transport, now).or_else(|| of_network.value.free_at(now)) {
            Some(at) => {
                known.value.awaited = true;
                UnprovenPermit::At(at)
            }
            None => {
                known.value.send(transport, now);
                of_network.value.send();
                UnprovenPermit::Admitted { evicted: known.evicted || of_network.evicted }
            }
        }
    }

    /// An address has replied for the first time; true if questions wait for that.
    pub(crate) fn observe_reply(&self, address: IpAddr, now: Moment) -> bool {
        let asked_at = Moment::from_millis(self.asked_at.load(Ordering::Relaxed));
        if now.since(asked_at) >= STREAM {
            return false;
        }
        let known = self.asked.lock().addresses.remove(&address);
        known.is_some_and(|known| known.awaited)
    }
}

impl Address {
    /// The moment when a packet may be sent, if not now.
    fn free_at(&self, transport: Transport, now: Moment) -> Option<Moment> {
        let over = |stream: &Moment| now.since(*stream) < STREAM;
        let stream = self.stream.filter(over);
        if transport.is_stream() && stream.is_some() {
            return stream.map(|stream| stream.after(STREAM));
        }
        // The SYN of a stream may be repeated at any time, so a stream leaves room for one packet
        // less.
        let at = match stream {
            None => self.next,
            Some(_) => (self.next + 1) % MOST,
        };
        let free_at = self.sent.get(at).copied().flatten()?.after(SPAN);
        (free_at > now).then_some(free_at)
    }

    fn send(&mut self, transport: Transport, now: Moment) {
        if let Some(oldest) = self.sent.get_mut(self.next) {
            *oldest = Some(now);
        }
        self.next = (self.next + 1) % MOST;
        if transport.is_stream() {
            self.stream = Some(now);
        }
    }
}

impl NetworkTally {
    /// The moment when a packet may be sent, if not now.
    fn free_at(&mut self, now: Moment) -> Option<Moment> {
        let part = now.as_millis() / PART;
        let over = part.saturating_sub(self.newest).min(PARTS as u64);
        for old in part + 1 - over..=part {
            self.packets[old as usize % PARTS] = 0;
        }
        self.newest = part;
        let sent: u8 = self.packets.iter().sum();
        (sent >= MOST_OF_NETWORK).then(|| Moment::from_millis((part + 1) * PART))
    }

    fn send(&mut self) {
        self.packets[self.newest as usize % PARTS] += 1;
    }
}

/// Whether the servers of a zone were named by an outsider, and so may be any number.
pub(crate) fn is_watched(cut: &Delegation) -> bool {
    cut.mode == QueryMode::Iterative && !cut.zone.is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packets sent within a time if each permitted packet is sent, and the most in any second.
    fn sent(addresses: &[IpAddr], transports: &[Transport], millis: u64) -> (usize, usize) {
        let (strangers, mut sent) = (UnprovenAddresses::default(), Vec::new());
        for at in 5..5 + millis {
            let now = Moment::from_millis(at);
            for address in addresses {
                for transport in transports {
                    while strangers.admit(*address, *transport, now)
                        == (UnprovenPermit::Admitted { evicted: false })
                    {
                        let again = if transport.is_stream() { 3 } else { 1 };
                        sent.extend((0..again).map(|times| at + times * 1000));
                    }
                }
            }
        }
        sent.sort_unstable();
        let in_a_second =
            |from: u64| sent.iter().filter(|at| (from..from + 1000).contains(at)).count();
        (sent.len(), sent.iter().map(|at| in_a_second(*at)).max().unwrap_or(0))
    }

    fn in_network(hosts: u8) -> Vec<IpAddr> {
        (0..hosts).map(|host| IpAddr::from([192, 0, 2, host])).collect()
    }

    #[test]
    fn an_address_gets_four_packets_a_second_and_no_more() {
        let victim = in_network(1);
        assert_eq!(sent(&victim, &[Transport::Udp], 10_000), (40, 4));
        let (_, most) = sent(&victim, &[Transport::Tcp, Transport::Udp], 10_000);
        assert_eq!(most, 4, "SYN included");
        assert_eq!(sent(&victim, &[Transport::Tcp], 3000), (3, 1), "one stream at a time");
    }

    #[test]
    fn packets_to_a_network_are_limited_too() {
        let few = in_network(16);
        assert_eq!(sent(&few, &[Transport::Udp], 1000), (64, 64));
        let (_, most) = sent(&in_network(255), &[Transport::Udp], 3000);
        assert_eq!(most, 64);
        let prefix = |host: u16| IpAddr::from([0x2001, 0xdb8, 1, host, 0, 0, 0, 1]);
        let (_, most) = sent(&(0..200).map(prefix).collect::<Vec<_>>(), &[Transport::Udp], 3000);
        assert_eq!(most, 64);
    }

    #[test]
    fn a_reply_ends_the_limit_and_wakes_waiting_questions() {
        let (strangers, now) = (UnprovenAddresses::default(), Moment::from_millis(5));
        let server = IpAddr::from([192, 0, 2, 1]);
        let admit = || strangers.admit(server, Transport::Udp, now);
        assert!((0..MOST).all(|_| admit() == UnprovenPermit::Admitted { evicted: false }));
        assert!(!strangers.observe_reply(server, now), "none waits");
        assert!((0..MOST).all(|_| admit() == UnprovenPermit::Admitted { evicted: false }));
        assert_eq!(admit(), UnprovenPermit::At(now.after(SPAN)));
        assert!(strangers.observe_reply(server, now) && !strangers.observe_reply(server, now));
    }

    #[test]
    fn unproven_addresses_are_bounded() {
        let (strangers, now) = (UnprovenAddresses::default(), Moment::from_millis(5));
        let mut forgotten = 0;
        for number in 0..2 * MOST_REMEMBERED as u32 {
            let address = IpAddr::from((0x0b00_0000 + (number << 8)).to_be_bytes());
            let admitted = strangers.admit(address, Transport::Udp, now);
            forgotten += usize::from(admitted == UnprovenPermit::Admitted { evicted: true });
        }
        assert!(forgotten >= MOST_REMEMBERED, "{forgotten}");
        assert!(strangers.asked.lock().addresses.iter(now).count() <= MOST_REMEMBERED);
    }
}
