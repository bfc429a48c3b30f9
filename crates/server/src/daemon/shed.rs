//! Load shedding: datagrams dropped unread when more arrive than can be answered.
//!
//! The kernel keeps unread datagrams in one queue, and drops new ones of any client once the queue is full. So before
//! the queue fills, the client with the most datagrams is not answered for a while, which takes little time, and other
//! clients find room.
//!
//! A long queue is no flood yet: a client may send a burst, or clients waited for the start of the daemon. The queue of a
//! burst becomes short, while answers go out; the queue of a flood does not.

use std::net::IpAddr;

use siphasher::sip::SipHasher13;
use zoners_net::client_slots::stands_for;
use zoners_net::datagrams::BATCH;

/// Counters; clients with a common counter count as one.
const COUNTERS: usize = 256;
/// Datagrams of a window.
const WINDOW_DATAGRAMS: u16 = 1024;
/// A client with more datagrams in the previous window and the present one is greedy: the sixteenth part of a window.
const GREEDY_DATAGRAMS: u16 = WINDOW_DATAGRAMS / 16;
/// Length of the queue up to which nothing is dropped, as a part of the limit …
const QUEUE_DIVISOR: usize = 2;
/// … and as can be answered in good time, in octets as the kernel counts, some 800 a datagram.
const MAX_QUEUE_OCTETS: usize = 4 << 20;

/// Octets of a small datagram in the queue, as the kernel counts.
const DATAGRAM_OCTETS: usize = 768;
/// The queue of the start is drained by then: clients go on asking, but less than the daemon answers.
const BACKLOG_FACTOR: usize = 2;
/// Full batches for which a queue longer than [`MAX_QUEUE_OCTETS`] is taken for a burst, if half of the limit is free:
/// the time in which a queue of twice that length is answered.
const BURST_BATCHES: usize = 2 * MAX_QUEUE_OCTETS / DATAGRAM_OCTETS / BATCH;

/// Counts datagrams by client under load.
pub(super) struct Shed {
    hasher: SipHasher13,
    running: [u16; COUNTERS],
    ended: [u16; COUNTERS],
    seen: u16,
    shedding: bool,
    /// Full batches for which the queue of the start may last.
    backlog: usize,
    /// Full batches for which a long queue may still be a burst.
    burst: usize,
}

impl Shed {
    /// Nothing is counted yet; `hash_key` decides which clients have a common counter. The queue has `waiting` octets.
    pub(super) fn new(hash_key: [u64; 2], waiting: usize) -> Self {
        Shed {
            hasher: SipHasher13::new_with_keys(hash_key[0], hash_key[1]),
            running: [0; COUNTERS],
            ended: [0; COUNTERS],
            seen: 0,
            shedding: false,
            backlog: (waiting / DATAGRAM_OCTETS * BACKLOG_FACTOR).div_ceil(BATCH),
            burst: BURST_BATCHES,
        }
    }

    /// Notes the length of the queue after a full batch, and its limit, in octets.
    pub(super) fn note_queue(&mut self, length: usize, limit: usize) {
        let half = limit / QUEUE_DIVISOR;
        let is_long = length > MAX_QUEUE_OCTETS.min(half);
        self.backlog = if is_long { self.backlog.saturating_sub(1) } else { 0 };
        self.shedding = is_long && self.backlog == 0 && !(length <= half && self.burst > 0);
        if self.shedding {
            self.burst = 0;
        } else if is_long {
            self.burst = self.burst.saturating_sub(1);
        }
    }

    /// Notes an empty queue: a long queue would be a burst again.
    pub(super) fn note_empty(&mut self) {
        (self.burst, self.backlog, self.shedding) = (BURST_BATCHES, 0, false);
    }

    /// Whether the queue is too long.
    pub(super) fn is_shedding(&self) -> bool {
        self.shedding
    }

    /// Counts a datagram of a full batch; true if the datagram is to be dropped.
    pub(super) fn drops(&mut self, address: IpAddr) -> bool {
        let hash = match stands_for(address) {
            IpAddr::V4(ip) => self.hasher.hash(&ip.octets()),
            IpAddr::V6(ip) => self.hasher.hash(&ip.octets()),
        };
        let at = hash as usize % COUNTERS;
        if self.seen == WINDOW_DATAGRAMS {
            self.ended = std::mem::replace(&mut self.running, [0; COUNTERS]);
            self.seen = 0;
        }
        self.seen += 1;
        self.running[at] += 1;
        self.shedding && self.running[at] + self.ended[at] > GREEDY_DATAGRAMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greedy_clients_alone_are_dropped_while_the_queue_is_long() {
        let mut shed = Shed::new([1, 2], 0);
        let (greedy, modest): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let dropped = |shed: &mut Shed| (0..5000).filter(|_| shed.drops(greedy)).count();
        assert_eq!(dropped(&mut shed), 0, "there is room");
        shed.note_queue(51, 100);
        assert!(!shed.drops(modest));
        assert_eq!(dropped(&mut shed), 5000);
        assert!(!shed.drops(modest));
        shed.note_queue(50, 100);
        assert_eq!(dropped(&mut shed), 0);
        shed.note_queue(MAX_QUEUE_OCTETS + 1, MAX_QUEUE_OCTETS * QUEUE_DIVISOR * 2);
        assert_eq!(dropped(&mut shed), 5000);
        shed.note_queue(MAX_QUEUE_OCTETS, MAX_QUEUE_OCTETS * QUEUE_DIVISOR * 2);
        assert_eq!(dropped(&mut shed), 0);
    }

    #[test]
    fn a_burst_is_answered_and_a_flood_is_not() {
        let (long, limit) = (MAX_QUEUE_OCTETS + 1, MAX_QUEUE_OCTETS * QUEUE_DIVISOR * 2);
        let mut shed = Shed::new([1, 2], 0);
        for _ in 0..BURST_BATCHES {
            shed.note_queue(long, limit);
            assert!(!shed.is_shedding());
        }
        shed.note_queue(long, limit);
        assert!(shed.is_shedding(), "the queue of a burst would be short");
        shed.note_queue(MAX_QUEUE_OCTETS, limit);
        shed.note_queue(long, limit);
        assert!(shed.is_shedding(), "the flood goes on while the queue is not empty");
        shed.note_empty();
        shed.note_queue(long, limit);
        assert!(!shed.is_shedding());
        shed.note_queue(limit / QUEUE_DIVISOR + 1, limit);
        assert!(shed.is_shedding(), "no room for others would be left");
    }

    #[test]
    fn the_queue_of_the_start_is_answered() {
        let queued = 10 * BATCH;
        let mut shed = Shed::new([1, 2], queued * DATAGRAM_OCTETS);
        let greedy = [192, 0, 2, 1].into();
        (0..5000).for_each(|_| {
            shed.drops(greedy);
        });
        for batch in 1..10 * BACKLOG_FACTOR {
            shed.note_queue(100, 100);
            assert!(!shed.drops(greedy), "batch {batch}");
        }
        // A queue that stays long is a flood.
        shed.note_queue(100, 100);
        assert!(shed.drops(greedy));
        // A queue that was short once, too.
        let mut shed = Shed::new([1, 2], queued * DATAGRAM_OCTETS);
        (0..5000).for_each(|_| {
            shed.drops(greedy);
        });
        shed.note_queue(10, 100);
        shed.note_queue(100, 100);
        assert!(shed.drops(greedy));
    }

    #[test]
    fn a_client_is_greedy_for_two_windows_at_most() {
        let mut shed = Shed::new([1, 2], 0);
        let greedy = [192, 0, 2, 1].into();
        (0..5000).for_each(|_| {
            shed.drops(greedy);
        });
        shed.note_queue(100, 100);
        for number in 0..2 * u32::from(WINDOW_DATAGRAMS) {
            shed.drops(IpAddr::from(number.to_be_bytes()));
        }
        assert!(!shed.drops(greedy));
    }
}
