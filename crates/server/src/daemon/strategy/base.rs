//! The settings of the file alone, without the overlay of a strategy.

use std::sync::Arc;

use zoners_networks::StrategyTerms;
use zoners_resolver::Settings;

use crate::config::{Config, Dns64Prefix, PortalProbe, WhenUnvalidated};
use crate::daemon::generation::Generation;

/// The settings of recursion, and the terms of strategies.
pub(super) struct BaseSettings {
    /// The number of the generation behind the settings.
    number: u32,
    pub(super) settings: Arc<Settings>,
    pub(super) terms: StrategyTerms,
    pub(super) portal_probes: Vec<PortalProbe>,
    /// Whether the file leaves the prefix of a NAT64 to the network.
    pub(super) finds_nat64: bool,
}

impl BaseSettings {
    pub(super) fn of(generation: &Generation) -> Self {
        let config = match generation.is_overlaid {
            true => generation.config.overlaid(&[]).ok(),
            false => None,
        };
        let config = config.as_ref().unwrap_or(&generation.config);
        // The files were read for the generation a moment ago; if they are gone, its settings do.
        let settings = match generation.is_overlaid {
            true => config.settings().map_or_else(|_| generation.settings.clone(), Arc::new),
            false => generation.settings.clone(),
        };
        BaseSettings {
            number: generation.rules.generation(),
            settings,
            terms: terms(config),
            portal_probes: config.network.portal_probes.clone(),
            finds_nat64: config.dns64.prefix == Dns64Prefix::Auto,
        }
    }

    /// Whether a reload has made a new generation since.
    pub(super) fn is_of_earlier(&self, generation: &Generation) -> bool {
        self.number != generation.rules.generation()
    }

    /// The families in use: IPv4 and IPv6.
    pub(super) fn has_family(&self) -> (bool, bool) {
        (self.settings.ipv4, self.settings.ipv6)
    }
}

/// What the operator allows. Root servers of the operator's own are a lab's, for which no network stands in.
fn terms(config: &Config) -> StrategyTerms {
    let mut routes = config.forward.iter().chain(&config.stub);
    let has_route_for_all = routes.any(|route| route.zone.is_root());
    let is_lab = config.resolver.root_hints.is_some();
    StrategyTerms {
        may_forward: !has_route_for_all && !is_lab,
        may_leave_unvalidated: config.network.when_unvalidated == WhenUnvalidated::Forward
            || !config.dnssec.validate,
        probes_portals: !config.network.portal_probes.is_empty() && !is_lab,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_is_allowed() {
        let terms = |text: &str| terms(&Config::parse(text, "zoners.toml").unwrap());
        assert_eq!(terms(""), StrategyTerms::default());
        assert!(!terms("[[forward]]\nzone = \".\"\nservers = [\"192.0.2.1\"]\n").may_forward);
        assert!(terms("[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n").may_forward);
        assert!(terms("[network]\nwhen-unvalidated = \"forward\"\n").may_leave_unvalidated);
        assert!(!terms("[network]\nportal-probes = []\n").probes_portals);
        let lab = terms("[resolver]\nroot-hints = \"/lab\"\n");
        assert!(!lab.may_forward && !lab.probes_portals);
    }
}
