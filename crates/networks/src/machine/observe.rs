//! Evidence about the present network.

use std::time::Duration;

use zoners_dns::Moment;

use super::{MAX_UNCLEAR, PORTAL_PAUSES, StrategyMachine};
use crate::evidence::{
    NetworkEvidence, PathCondition, PortalVerdict, RecursionOutcome, ResolverQuality,
};

/// A network on which recursion works for so long is trusted anew: its next obstacle begins with the first pause.
const STEADY_AFTER: Duration = Duration::from_secs(600);

/// The end of a session at a portal is looked for no sooner and no later than this.
const SESSION_ENDS: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(24 * 3600));

impl StrategyMachine {
    /// Takes evidence in.
    pub fn observe(&mut self, evidence: NetworkEvidence, now: Moment) {
        match evidence {
            NetworkEvidence::Path(path) => self.observe_path(path, now),
            NetworkEvidence::Recursion(outcome) => self.observe_recursion(outcome, now),
            // A lost packet of the probe is no reason to give up a resolver that is in use.
            NetworkEvidence::Resolver(ResolverQuality::Unusable) if self.strategy().forwards() => {}
            NetworkEvidence::Resolver(quality) => self.resolver = Some(quality),
            NetworkEvidence::Portal(verdict) => self.observe_portal(verdict, now),
            NetworkEvidence::SessionEnds(after) => {
                let after = after.clamp(SESSION_ENDS.0, SESSION_ENDS.1);
                self.portal_retry.wait_until(now.after(after));
            }
        }
        if self.is_unanswered && self.resolver == Some(ResolverQuality::Validatable) {
            self.set_path(PathCondition::Blocked, now);
            self.retry.wait(now);
        }
        // What was merely assumed or not found out is no reason to forget.
        if self.path != PathCondition::Untested && (self.resolver.is_some() || !self.is_blocked()) {
            self.remember();
        }
    }

    fn observe_recursion(&mut self, outcome: RecursionOutcome, now: Moment) {
        self.has_recursed |= outcome == RecursionOutcome::Works;
        self.fails_to_recurse &= outcome != RecursionOutcome::Works;
        match outcome {
            RecursionOutcome::Works if self.path == PathCondition::Untested => {}
            RecursionOutcome::Works => {
                // A probe may be let through where clients are not: a report as before is news again.
                self.reported = PathCondition::Untested;
                self.set_path(PathCondition::Open, now);
            }
            // On a new network the probe is sooner than clients; a slow network has replied at least.
            RecursionOutcome::Unanswered => {
                self.is_unanswered = self.path == PathCondition::Untested;
            }
            RecursionOutcome::Fails => self.note_failure(now),
        }
    }

    /// A probe of recursion got replies and failed, which counts behind an interceptor.
    fn note_failure(&mut self, now: Moment) {
        let was_blocked = self.is_blocked();
        self.fails_to_recurse = true;
        if self.is_blocked() && !was_blocked {
            self.retry.reset();
            self.retry.wait(now);
        }
    }

    fn observe_path(&mut self, path: PathCondition, now: Moment) {
        if std::mem::replace(&mut self.reported, path) != path && path != PathCondition::Untested {
            self.set_path(path, now);
        }
    }

    fn set_path(&mut self, path: PathCondition, now: Moment) {
        self.is_unanswered = false;
        let was_blocked = self.is_blocked();
        let is_news = std::mem::replace(&mut self.path, path) != path;
        match (was_blocked, self.is_blocked()) {
            (false, true) => {
                if self.risen_at.is_none_or(|risen| now.since(risen) >= STEADY_AFTER) {
                    self.retry.reset();
                    self.retry.hasten(now);
                } else if self.resolver.is_some() {
                    // The resolver of a moment ago is in use again.
                    self.retry.wait(now);
                } else {
                    self.retry.hasten(now);
                }
            }
            (true, false) => {
                self.risen_at = Some(now);
                self.retry.rest();
            }
            _ => {}
        }
        // An interceptor may resolve nothing without RD: a probe finds out, once on a network.
        let is_interceptor = path == PathCondition::Intercepted { proves: true };
        if is_interceptor && !std::mem::replace(&mut self.is_interceptor_probed, true) {
            self.is_recursion_probed = false;
            self.is_resolver_probed &= self.resolver.is_some();
        }
        // A portal may have closed behind the user: the time of a log-in ends.
        if is_news && !matches!(path, PathCondition::Open | PathCondition::UdpBlocked) {
            self.unclear_left = MAX_UNCLEAR;
            self.probe_portal(now);
        }
    }

    /// A probe of the portal is due now, but not sooner after the last one than the first pause.
    pub(super) fn probe_portal(&mut self, now: Moment) {
        match self.portal_probed_at {
            Some(at) if now.since(at) < PORTAL_PAUSES.0 => self.portal_retry.wait(now),
            _ => self.portal_retry.hasten(now),
        }
    }

    fn observe_portal(&mut self, verdict: PortalVerdict, now: Moment) {
        match verdict {
            PortalVerdict::Captive if !self.is_captive => {
                self.is_captive = true;
                self.portal_retry.reset();
                self.portal_retry.wait(now);
            }
            PortalVerdict::Captive => {}
            PortalVerdict::Open => {
                if std::mem::take(&mut self.is_captive) {
                    // Everything found behind the portal is void.
                    self.path = PathCondition::Untested;
                    self.reported = PathCondition::Untested;
                    self.resolver = None;
                    self.has_recursed = false;
                    self.retry.rest();
                }
                self.portal_retry.reset();
                self.portal_retry.rest();
            }
            PortalVerdict::Unclear if self.is_captive => {}
            PortalVerdict::Unclear => {
                self.unclear_left = self.unclear_left.saturating_sub(1);
                if self.unclear_left == 0 {
                    self.portal_retry.reset();
                    self.portal_retry.rest();
                }
            }
        }
    }
}
