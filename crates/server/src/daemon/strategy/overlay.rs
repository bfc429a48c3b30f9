//! A strategy as an overlay of the configuration.

use std::net::SocketAddr;

use zoners_networks::Strategy;

use crate::config::ConfigOverlay;
use crate::daemon::generation::STRATEGY_PROFILE;

/// The overlay of a strategy that forwards all questions to `resolvers`; `None` for a strategy without forwarding.
pub(super) fn overlay(strategy: Strategy, resolvers: &[SocketAddr]) -> Option<ConfigOverlay> {
    if !strategy.forwards() || resolvers.is_empty() {
        return None;
    }
    let servers: Vec<String> = resolvers.iter().map(|address| format!("\"{address}\"")).collect();
    let route = format!("[[forward]]\nzone = \".\"\nservers = [{}]\n", servers.join(", "));
    let dnssec = match strategy {
        Strategy::ForwardUnvalidated => "[dnssec]\nvalidate = false\nsignal-anchors = false\n",
        _ => "",
    };
    ConfigOverlay::parse(STRATEGY_PROFILE, &format!("{dnssec}{route}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::sync::Arc;

    fn laid_over(file: &str, strategy: Strategy) -> Config {
        let resolvers = ["192.0.2.1:53".parse().unwrap(), "[fe80::1%2]:53".parse().unwrap()];
        let overlay = overlay(strategy, &resolvers).map(Arc::new);
        let overlays: Vec<_> = overlay.into_iter().collect();
        Config::parse(file, "zoners.toml").unwrap().overlaid(&overlays).unwrap()
    }

    #[test]
    fn all_questions_go_to_the_resolvers_of_the_network_and_are_validated() {
        let settings = laid_over("", Strategy::ForwardValidating).settings().unwrap();
        assert_eq!(settings.routes.len(), 1);
        assert!(settings.routes[0].zone.is_root() && settings.routes[0].servers.len() == 2);
        assert!(!settings.anchors.is_empty() && settings.negative_anchors.is_empty());
        let unvalidated = laid_over("", Strategy::ForwardUnvalidated);
        assert!(unvalidated.settings().unwrap().anchors.is_empty());
        for other in [Strategy::Recurse, Strategy::RecurseOverTcp, Strategy::Portal] {
            assert_eq!(overlay(other, &["192.0.2.1:53".parse().unwrap()]), None);
        }
    }

    #[test]
    fn a_route_of_the_file_stays() {
        let file = "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.9\"]\n";
        let settings = laid_over(file, Strategy::ForwardValidating).settings().unwrap();
        assert_eq!(settings.routes.len(), 2);
        let all = file.replace("lan", ".");
        let settings = laid_over(&all, Strategy::ForwardValidating).settings().unwrap();
        assert_eq!(settings.routes.len(), 1);
        let server = settings.routes[0].servers[0].addresses[0];
        assert_eq!(server, "192.0.2.9:53".parse().unwrap());
    }
}
