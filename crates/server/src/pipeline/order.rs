//! The order of the records of an RRset: a different order in each answer, so that clients of the first address
//! share the load among the addresses.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};

use zoners_dns::packet::rotate_addresses;
use zoners_dns::{RRset, Records};
use zoners_resolver::Answer;

use crate::config::RRsetOrder;

/// 2^32 divided by the golden ratio.
const STEP: u32 = 0x9E37_79B9;

/// The order of a worker's answers.
#[derive(Debug)]
pub(super) struct Order {
    rotate: bool,
    /// The fraction of an RRset at which the next answer begins. Multiples of the golden ratio are
    /// spread evenly, and so is every second or third multiple: with a plain count, a client that
    /// asks for A and AAAA in turn would get each of them in a fixed order.
    next: AtomicU32,
}

impl Order {
    pub(super) fn new(order: RRsetOrder) -> Self {
        Order { rotate: order == RRsetOrder::Rotate, next: AtomicU32::new(STEP) }
    }

    /// Rotates the addresses of a finished answer in place.
    pub(super) fn rotate(&self, message: &mut [u8], ttls: impl Iterator<Item = u16>) {
        if self.rotate {
            rotate_addresses(message, ttls, |records| self.turn(records));
        }
    }

    /// The answer with the records of its answer section rotated.
    pub(super) fn of<'a>(&self, answer: &'a Answer) -> Cow<'a, Answer> {
        let many = |set: &RRset| set.records.slices().nth(1).is_some();
        if !self.rotate || !answer.answer.iter().any(many) {
            return Cow::Borrowed(answer);
        }
        let mut rotated = answer.clone();
        for set in rotated.answer.iter_mut().filter(|set| many(set)) {
            set.records = self.rotated(&set.records);
        }
        Cow::Owned(rotated)
    }

    fn rotated(&self, records: &Records) -> Records {
        records.rotated(self.turn(records.len()))
    }

    /// The number of records, of `records`, after which the next answer begins.
    fn turn(&self, records: usize) -> usize {
        // One thread answers, so no step is lost between the load and the store.
        let next = self.next.load(Ordering::Relaxed);
        self.next.store(next.wrapping_add(STEP), Ordering::Relaxed);
        ((u64::from(next) * records as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times that each record comes first, of every `every`th of 1,000 answers.
    fn firsts(records: usize, every: usize) -> Vec<usize> {
        let order = Order::new(RRsetOrder::Rotate);
        let mut firsts = vec![0; records];
        for number in 0..1_000 * every {
            let turn = order.turn(records);
            if number % every == 0 {
                firsts[turn] += 1;
            }
        }
        firsts
    }

    #[test]
    fn each_record_comes_first_equally_often_also_of_every_nth_answer() {
        for records in [2, 3, 4, 7, 13] {
            for every in 1..6 {
                let (firsts, mean) = (firsts(records, every), 1_000 / records);
                let far = firsts.iter().any(|times| times.abs_diff(mean) > 12);
                assert!(!far, "{records} records, every {every}th: {firsts:?}");
            }
        }
        let order = Order::new(RRsetOrder::Rotate);
        let mut first: Vec<usize> = (0..4).map(|_| order.turn(4)).collect();
        assert!(first.is_sorted_by(|one, next| one != next), "{first:?}");
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3], "in four answers each once");
    }
}
