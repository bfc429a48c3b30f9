//! The ledger of prefetched answers: optional packets lent until a client asks for the answer.

use std::collections::HashMap;

use parking_lot::Mutex;
use zoners_dns::{Moment, Question};

/// Packets lent to each question; each until the answer expires.
#[derive(Debug, Default)]
pub(crate) struct PrefetchLedger(Mutex<HashMap<Question, Moment>>);

impl PrefetchLedger {
    /// Notes a packet, if there is room among `most`.
    pub(crate) fn lend(
        &self,
        question: &Question,
        until: Moment,
        most: usize,
        now: Moment,
    ) -> bool {
        let mut lent = self.0.lock();
        if lent.len() >= most {
            lent.retain(|_, until| *until > now);
        }
        let room = lent.len() < most;
        if room {
            lent.insert(question.clone(), until);
        }
        room
    }

    /// Whether a packet was lent for `question`; no more, then.
    pub(crate) fn take(&self, question: &Question) -> bool {
        let mut lent = self.0.lock();
        !lent.is_empty() && lent.remove(question).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{Rtype, name};

    #[test]
    fn the_number_of_lent_prefetches_is_bounded() {
        let (lent, at) = (PrefetchLedger::default(), Moment::from_millis);
        let question =
            |number: u32| Question::new(name::parse(&format!("n{number}.test")).unwrap(), Rtype::A);
        assert!((0..3).all(|number| lent.lend(&question(number), at(100), 3, at(0))));
        assert!(!lent.lend(&question(3), at(100), 3, at(0)));
        assert!(lent.take(&question(1)) && !lent.take(&question(1)));
        assert!(lent.lend(&question(3), at(200), 3, at(0)));
        assert!(!lent.lend(&question(4), at(200), 3, at(99)));
        assert!(lent.lend(&question(4), at(200), 3, at(100)), "the others are over");
        assert!(lent.take(&question(3)) && !lent.take(&question(0)));
    }
}
