//! Whether servers are silent, or our own line.
//!
//! Where nothing but a dead zone is asked for, both look alike. So whoever answered last is asked for
//! something beside the race: a reply, whatever it says, clears the line.

use std::time::Duration;

use zoners_dns::{Counter, Network, Question, Rtype, name};

use super::Race;
use crate::candidates::Attempt;
use crate::exchange::{Asking, attempt};

impl<N: Network> Race<'_, N> {
    /// Asks who answered last, if nobody does any more and it is none of this race.
    pub(super) fn probe_line(&self) {
        if !self.worker.settings().probe_uplink {
            return;
        }
        let shared = self.worker.shared();
        let probe = shared.line.claim_probe(shared.now());
        // One of this race is being asked as it is.
        let Some(endpoint) = probe.filter(|server| !self.candidates.has(server.address)) else {
            return;
        };
        self.worker.count(Counter::UpstreamExplored);
        let question = Question::new(name::root(), Rtype::NS);
        let asking = Asking { question, recursion_desired: false, retry: true };
        let probe = Attempt {
            endpoint,
            edns: true,
            troubled: false,
            is_first: true,
            server: 0,
            patience: Duration::ZERO,
            longest: Duration::ZERO,
            stranger: false,
            why: "to see whether it is the line",
        };
        let exchange = attempt(self.worker.arc(), asking, probe, self.context.clone());
        if !exchange.joined {
            self.worker.adopt(exchange.report);
        }
    }
}
