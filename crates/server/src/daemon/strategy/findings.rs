//! Findings of probes on their way to the machine of strategies.

use std::time::Duration;

use zoners_dns::{Moment, name};
use zoners_networks::{NetworkEvidence, Strategy, host_of};

use super::StrategyKeeper;
use super::probes::{ProbeFinding, ProbeNews};

/// An API without an answer is asked again so many times, a minute apart.
const MAX_API_FAILURES: u8 = 3;

impl StrategyKeeper {
    /// Takes in the finding of a probe.
    pub(in crate::daemon) fn take(&mut self, finding: ProbeFinding, now: Moment) {
        if finding.moves != self.moves {
            return;
        }
        match finding.news {
            // The resolvers of an earlier lease.
            ProbeNews::Evidence(NetworkEvidence::Resolver(_), _)
                if finding.resolvers != self.resolvers => {}
            ProbeNews::Evidence(evidence, portal_host) => {
                if let Some(host) = portal_host {
                    self.portal_host = name::parse(&host).ok();
                }
                let is_of_page = matches!(evidence, NetworkEvidence::Portal(_));
                self.machine.observe(evidence, now);
                if is_of_page {
                    self.portal_session = None;
                    self.ask_api_again(now);
                }
            }
            ProbeNews::Portal(session) => {
                let page = session.user_portal_url.as_deref();
                let host = page.and_then(host_of).and_then(|host| name::parse(&host).ok());
                self.portal_host = host.or(self.portal_host.take());
                self.machine.observe(NetworkEvidence::Portal(session.verdict()), now);
                if let Some(remaining) = session.remaining() {
                    self.machine.observe(NetworkEvidence::SessionEnds(remaining), now);
                }
                (self.portal_session, self.api_failures) = (Some(session), 0);
            }
            ProbeNews::Nat64(found) => self.nat64.take(found),
        }
    }

    /// Lets an API that did not answer be asked again, a few times.
    fn ask_api_again(&mut self, now: Moment) {
        let may_ask = self.portal_api.is_some() && self.api_failures < MAX_API_FAILURES;
        // A portal that is known is probed anyway.
        if may_ask && self.machine.strategy() != Strategy::Portal {
            self.api_failures += 1;
            self.machine.observe(NetworkEvidence::SessionEnds(Duration::ZERO), now);
        }
    }
}
