//! An interrupted uplink: while no server at all replies, one query at a time tries the uplink, and each race goes on at the
//! first reply.
//!
//! A query sent into a silence is lost, and so are all that are sent for it. A satellite dish is silent for a fraction
//! of a second when it changes the satellite, and for seconds behind a tree.

use tokio::time::Instant;
use zoners_dns::{Counter, Endpoint, Network};

use super::Race;
use crate::infra::interruptions::{Interruptions, PACE};

impl<N: Network> Race<'_, N> {
    fn interruptions(&self) -> &Interruptions {
        self.env.shared().uplinks.of(self.cut).interruptions()
    }

    pub(super) fn is_uplink_interrupted(&self) -> bool {
        self.interruptions().is_interrupted(self.env.shared().now())
    }

    /// A server is late. If servers of other zones are late too, the uplink is interrupted.
    pub(super) fn note_late(&self, server: Endpoint) {
        if self.candidates.is_responsive(server.address) {
            self.interruptions().late(&self.cut.zone, self.env.shared().now());
        }
    }

    /// Holds the next query back if the uplink is interrupted and a query of another race tries the uplink just now.
    pub(super) fn holds_back(&mut self) -> bool {
        let (interruptions, now) = (self.interruptions(), self.env.shared().now());
        let holds = interruptions.is_interrupted(now) && !interruptions.may_try(now);
        if holds {
            self.waits_for_uplink = true;
            self.hedge_at = Instant::now() + PACE;
            self.env.count(Counter::UpstreamPaced);
        }
        holds
    }

    /// A reply came through: the silence tells nothing of the servers, and the question is asked again.
    pub(super) fn go_on(&mut self) {
        (self.waits_for_uplink, self.late) = (false, 0);
        self.candidates.forgive_tries();
        self.candidates.update_estimates(self.env);
        if self.launch().is_some() {
            self.env.count(Counter::UpstreamHedged);
        }
    }
}
