//! Failures that the network may have caused, and questions that are not for the network's resolver.

use zoners_dns::Question;
use zoners_resolver::{Cause, Settings};

/// Whether a question goes to resolvers of its own: of the configuration, of a VPN or of a home.
pub(super) fn has_own_route(settings: &Settings, question: &Question) -> bool {
    settings.route(&question.name).is_some_and(|route| !route.zone.is_root())
}

/// Whether the network may be the cause of a failure.
pub(super) fn is_of_network(cause: Cause) -> bool {
    match cause {
        Cause::Silent
        | Cause::Unusable
        | Cause::NoAddress
        | Cause::Remembered
        | Cause::Budget
        | Cause::Deadline
        | Cause::Bogus
        | Cause::BogusZone => true,
        Cause::Cancelled
        | Cause::Cycle
        | Cause::Depth
        | Cause::Aliases
        | Cause::Overloaded
        | Cause::Sentinel => false,
    }
}
