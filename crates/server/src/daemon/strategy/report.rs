//! The strategy in the log and in reports.

use zoners_api::{PortalReport, StrategyReport};
use zoners_networks::{PortalSession, Strategy};

use super::StrategyKeeper;

impl StrategyKeeper {
    /// Tells of a new strategy.
    pub(super) fn log(&self, strategy: Strategy) {
        let says = strategy.says();
        let resolvers: Vec<String> = self.resolvers.iter().map(ToString::to_string).collect();
        match strategy {
            Strategy::Recurse => tracing::info!("network: {says}"),
            Strategy::RecurseOverTcp => tracing::warn!("network: {says}"),
            Strategy::ForwardValidating | Strategy::ForwardUnvalidated | Strategy::Portal => {
                tracing::warn!("network: {says} ({})", resolvers.join(", "));
            }
        }
    }

    /// The strategy for people and programs.
    pub(super) fn report(&self) -> StrategyReport {
        let strategy = self.machine.strategy();
        let is_asked = strategy.forwards() || strategy == Strategy::Portal;
        let resolvers = self.resolvers.iter().filter(|_| is_asked);
        StrategyReport {
            strategy: strategy.to_string(),
            text: strategy.says().to_owned(),
            resolvers: resolvers.map(ToString::to_string).collect(),
            needs_consent: self.machine.needs_consent(),
            portal: self.portal_session.clone().map(portal_report),
        }
    }
}

fn portal_report(session: PortalSession) -> PortalReport {
    PortalReport {
        captive: session.captive,
        user_portal_url: session.user_portal_url,
        venue_info_url: session.venue_info_url,
        seconds_remaining: session.seconds_remaining,
        bytes_remaining: session.bytes_remaining,
        can_extend_session: session.can_extend_session,
    }
}
