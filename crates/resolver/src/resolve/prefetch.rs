//! Refreshing what is asked for a lot before it expires, so that nobody waits for it.
//!
//! Who asks in the last tenth of an answer's time sets it off, so an idle machine sends nothing. The
//! packet is one that is to spare, lent: it comes back when the fresh answer is asked for, since then
//! it would have had to be sent anyway. So what is lost on answers that nobody wants any more is an
//! eighth of all packets at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Counter, Moment, Network, Question};

use crate::cached::lookup::Lack;
use crate::env::worker::Worker;
use crate::model::context::Context;
use crate::model::flights::Boarding;

/// Packets that were lent, by what they asked for; each until what came of it is over.
#[derive(Debug, Default)]
pub(crate) struct Lent(Mutex<HashMap<Question, Moment>>);

impl Lent {
    /// Notes a packet, if there is room among `most`.
    fn lend(&self, question: &Question, until: Moment, most: usize, now: Moment) -> bool {
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
    fn take(&self, question: &Question) -> bool {
        let mut lent = self.0.lock();
        !lent.is_empty() && lent.remove(question).is_some()
    }
}

impl<N: Network> Worker<N> {
    /// Asks for `question` anew, whose answer was `made` a while ago and `expires` soon.
    pub fn refresh(
        self: &Arc<Self>,
        question: &Question,
        checking_disabled: bool,
        made: Moment,
        expires: Moment,
    ) {
        let (shared, limits) = (self.shared(), &self.settings().limits);
        let now = shared.now();
        // It will hold for as long again.
        let until = expires.after(expires.since(made));
        let obstructed = self.is_line_down_for(question) || shared.passage.obstacle().is_some();
        if !self.settings().prefetch || self.network().is_short() || obstructed {
            return;
        }
        if !shared.spare.is_left(limits.spare)
            || !shared.lent.lend(question, until, limits.prefetched, now)
        {
            self.count(Counter::CachePrefetchesSkipped);
            return;
        }
        let context = Context::new(*limits, None, None)
            .validating(self.validates(checking_disabled))
            // What goes with it by then is of no use either.
            .ahead(expires.since(now) + Duration::from_secs(1));
        let key = (question.clone(), context.validate);
        // Whoever asks for it already does so for us.
        if let Boarding::Lead(lead) = shared.questions.board(&key, None)
            && let Ok(work) = self.lead(lead, question.clone(), context, Lack::Something)
        {
            shared.spare.take();
            self.count(Counter::CachePrefetches);
            tokio::spawn(work);
        } else {
            shared.lent.take(question);
        }
    }

    /// Notes that `question` is asked for, which may have been refreshed before.
    pub fn is_wanted(&self, question: &Question) {
        if self.shared().lent.take(question) {
            self.count(Counter::CachePrefetchesUsed);
            self.shared().spare.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{Rtype, name};

    #[test]
    fn no_more_is_lent_than_there_is_room_for() {
        let (lent, at) = (Lent::default(), Moment::from_millis);
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
