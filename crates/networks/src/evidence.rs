//! NetworkEvidence about a network, and the probes that bring it.

use std::time::Duration;

/// A finding about the present network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkEvidence {
    /// The way to foreign servers, as the resolver finds it while it recurses.
    Path(PathCondition),
    /// The result of a probe that asks root servers.
    Recursion(RecursionOutcome),
    /// The result of a probe of the network's resolvers.
    Resolver(ResolverQuality),
    /// The result of a probe of the portal.
    Portal(PortalVerdict),
    /// The session at a portal ends after this time, as its API says.
    SessionEnds(Duration),
}

/// The way to foreign servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathCondition {
    /// Nothing is known yet.
    #[default]
    Untested,
    /// Foreign servers reply.
    Open,
    /// Foreign servers reply over TCP alone.
    UdpBlocked,
    /// Foreign servers are blocked: refused, rejected or silent.
    Blocked,
    /// A resolver of the network replies in the place of servers.
    Intercepted {
        /// Whether signed names can be proven.
        proves: bool,
    },
}

impl PathCondition {
    /// Whether recursion gets no answer, or none that can be proven.
    pub(crate) const fn needs_forwarding(self) -> bool {
        matches!(self, PathCondition::Blocked | PathCondition::Intercepted { proves: false })
    }
}

/// The result of a probe of recursion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecursionOutcome {
    /// The root zone was proven.
    Works,
    /// Servers replied, without a proof or too late.
    Fails,
    /// No server replied.
    Unanswered,
}

/// What the resolvers of a network are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolverQuality {
    /// A resolver passes DNSSEC records on: its answers can be validated.
    Validatable,
    /// A resolver answers without signatures.
    Stripped,
    /// There is no resolver, or none answers.
    Unusable,
}

/// The result of a probe of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalVerdict {
    /// The expected content came: no portal.
    Open,
    /// A redirect or other content came: a portal.
    Captive,
    /// Nothing came, which says nothing.
    Unclear,
}

/// A probe of the present network, which the caller carries out and answers by [`NetworkEvidence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// An HTTP request whose answer shows a portal.
    Portal,
    /// A question with DNSSEC to the network's resolvers.
    Resolver,
    /// A proof of the root zone by recursion.
    Recursion,
}
