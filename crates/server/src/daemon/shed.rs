//! Which datagrams are dropped unread when more come than can be answered.
//!
//! The kernel keeps what we have not read yet in one queue, and once that is full it drops
//! whatever comes, of a flood and of everybody else. So before it fills, whoever sends most of
//! what comes is not answered for a while, which is quick, and the others find room.

use std::net::IpAddr;

use siphasher::sip::SipHasher13;

use crate::client::stands_for;

/// Counters; clients that share one are counted as one.
const COUNTERS: usize = 256;
/// Datagrams of a window.
const WINDOW: u16 = 1024;
/// Who has sent more than this in the window that ended and the one that runs is greedy: the
/// sixteenth part of one.
const GREEDY: u16 = WINDOW / 16;
/// The queue may be this long before anything is dropped: half of what it may be …
const PART: usize = 2;
/// … but not longer than what can be answered in good time, in octets as the kernel counts them,
/// some 800 a datagram.
const LONG: usize = 4 << 20;

/// Counts who sends how much, while there is much.
pub(super) struct Shed {
    hasher: SipHasher13,
    running: [u16; COUNTERS],
    ended: [u16; COUNTERS],
    seen: u16,
    shedding: bool,
}

impl Shed {
    /// Nothing is counted yet; `hash_key` decides who shares a counter.
    pub(super) fn new(hash_key: [u64; 2]) -> Self {
        Shed {
            hasher: SipHasher13::new_with_keys(hash_key[0], hash_key[1]),
            running: [0; COUNTERS],
            ended: [0; COUNTERS],
            seen: 0,
            shedding: false,
        }
    }

    /// Takes note of how long the queue is, and may become, in octets.
    pub(super) fn queue_is(&mut self, long: usize, most: usize) {
        self.shedding = long > LONG.min(most / PART);
    }

    /// Whether the queue is too long.
    pub(super) fn is_shedding(&self) -> bool {
        self.shedding
    }

    /// Counts a datagram that came with many others; true if it is to be dropped.
    pub(super) fn drops(&mut self, address: IpAddr) -> bool {
        let hash = match stands_for(address) {
            IpAddr::V4(ip) => self.hasher.hash(&ip.octets()),
            IpAddr::V6(ip) => self.hasher.hash(&ip.octets()),
        };
        let at = hash as usize % COUNTERS;
        if self.seen == WINDOW {
            self.ended = std::mem::replace(&mut self.running, [0; COUNTERS]);
            self.seen = 0;
        }
        self.seen += 1;
        self.running[at] += 1;
        self.shedding && self.running[at] + self.ended[at] > GREEDY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greedy_are_dropped_while_the_queue_is_full_and_nobody_else() {
        let mut shed = Shed::new([1, 2]);
        let (greedy, modest): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let dropped = |shed: &mut Shed| (0..5000).filter(|_| shed.drops(greedy)).count();
        assert_eq!(dropped(&mut shed), 0, "there is room");
        shed.queue_is(51, 100);
        assert!(!shed.drops(modest));
        assert_eq!(dropped(&mut shed), 5000);
        assert!(!shed.drops(modest));
        shed.queue_is(50, 100);
        assert_eq!(dropped(&mut shed), 0);
        shed.queue_is(LONG + 1, LONG * PART * 2);
        assert_eq!(dropped(&mut shed), 5000);
        shed.queue_is(LONG, LONG * PART * 2);
        assert_eq!(dropped(&mut shed), 0);
    }

    #[test]
    fn those_who_were_greedy_are_forgiven() {
        let mut shed = Shed::new([1, 2]);
        let greedy = [192, 0, 2, 1].into();
        (0..5000).for_each(|_| {
            shed.drops(greedy);
        });
        shed.queue_is(100, 100);
        for number in 0..2 * u32::from(WINDOW) {
            shed.drops(IpAddr::from(number.to_be_bytes()));
        }
        assert!(!shed.drops(greedy));
    }
}
