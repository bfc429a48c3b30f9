//! Partial configurations, laid over the file while the machine is on a certain network.

use std::sync::Arc;

use toml::{Table, Value};

use super::{Config, ConfigError};

/// Tables that no network changes: most of their keys need a restart, or describe this machine and not
/// the network.
const FIXED_TABLES: [&str; 2] = ["server", "cache"];

/// The part of a configuration set by a network profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigOverlay {
    /// The name of the profile, for errors.
    profile: String,
    values: Table,
}

impl ConfigOverlay {
    /// The name of the profile.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The overlay of a profile: TOML, as in the file.
    ///
    /// # Errors
    /// The text is no TOML, or has a table beyond the reach of a network.
    pub fn parse(profile: &str, text: &str) -> Result<Self, ConfigError> {
        let overlay = |values| ConfigOverlay { profile: profile.to_owned(), values };
        let told = |what: &str| ConfigError::plain(format!("network profile {profile}: {what}"));
        let values: Table = text.parse().map_err(|error: toml::de::Error| told(error.message()))?;
        match FIXED_TABLES.into_iter().find(|table| values.contains_key(*table)) {
            Some(table) => Err(told(&format!("a network cannot change [{table}]"))),
            None => Ok(overlay(values)),
        }
    }
}

impl Config {
    /// The configuration of the same file with `overlays` on top, instead of earlier overlays. A value of an
    /// overlay replaces the value of the file or of an overlay before; a `[[forward]]` or `[[stub]]` is added, unless
    /// the file or an overlay before has a route for the zone.
    ///
    /// # Errors
    /// An overlay has an unknown key or a forbidden value.
    pub fn overlaid(&self, overlays: &[Arc<ConfigOverlay>]) -> Result<Self, ConfigError> {
        let text = self.source.text();
        let Some(last) = overlays.last() else {
            return super::reading::read(text, self.source.file());
        };
        let told = |profile: &str, error: toml::de::Error| {
            ConfigError::plain(format!("network profile {profile}: {}", error.message()))
        };
        let mut merged =
            super::reading::with_new_names(text).map_err(|error| told(&last.profile, error))?;
        for overlay in overlays {
            lay_over(&mut merged, &overlay.values);
            // Read after each overlay, so that an error names the right profile.
            let read: Result<Config, _> = merged.clone().try_into();
            read.map_err(|error| told(&overlay.profile, error))?;
        }
        let config: Config = merged.try_into().map_err(|error| told(&last.profile, error))?;
        Ok(Config { source: self.source.clone(), ..config })
    }
}

fn lay_over(base: &mut Table, overlay: &Table) {
    for (key, value) in overlay {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(overlay)) => lay_over(base, overlay),
            (Some(Value::Array(base)), Value::Array(overlay))
                if base.iter().all(Value::is_table) =>
            {
                let zones: Vec<Option<Value>> =
                    base.iter().map(|item| item.get("zone").cloned()).collect();
                let is_new = |item: &&Value| !zones.contains(&item.get("zone").cloned());
                base.extend(overlay.iter().filter(is_new).cloned());
            }
            _ => drop(base.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[server]\nthreads = 2\n[resolver]\nipv6 = false\nprobe-uplink = false\n\
                        [[forward]]\nzone = \"corp.example\"\nservers = [\"192.0.2.1\"]\n";

    fn overlaid(file: &str, overlay: &str) -> Result<Config, ConfigError> {
        let overlay = ConfigOverlay::parse("home", overlay)?;
        Config::parse(file, "zoners.toml")?.overlaid(&[Arc::new(overlay)])
    }

    fn routes(config: &Config) -> Vec<(String, String)> {
        let route = |route: &super::super::RouteConfig| {
            (route.zone.to_string(), route.servers.iter().map(ToString::to_string).collect())
        };
        config.forward.iter().map(route).collect()
    }

    #[test]
    fn values_are_replaced_and_routes_added_but_a_zone_of_the_file_keeps_its_route() {
        let network = "[resolver]\nipv6 = true\n\
                       [[forward]]\nzone = \"fritz.box\"\nservers = [\"192.168.178.1\"]\n\
                       [[forward]]\nzone = \"corp.example\"\nservers = [\"192.0.2.9\"]\n";
        let config = overlaid(FILE, network).unwrap();
        assert!(config.resolver.ipv6 && !config.resolver.probe_uplink);
        assert_eq!(config.server.threads, 2);
        let route = |zone: &str, server: &str| (zone.to_owned(), server.to_owned());
        let both = [route("corp.example", "192.0.2.1:53"), route("fritz.box", "192.168.178.1:53")];
        assert_eq!(routes(&config), both);
        let bare = overlaid("", network).unwrap();
        assert_eq!(routes(&bare).len(), 2, "a file without routes");
    }

    #[test]
    fn another_overlay_takes_the_place_of_the_first() {
        let home = "[[forward]]\nzone = \"fritz.box\"\nservers = [\"192.168.178.1\"]\n";
        let at_home = overlaid(FILE, home).unwrap();
        let office =
            ConfigOverlay::parse("office", "[resolver]\nipv4 = false\nipv6 = true\n").unwrap();
        let at_office = at_home.overlaid(&[Arc::new(office)]).unwrap();
        assert!(!at_office.resolver.ipv4 && routes(&at_office).len() == 1);
        let nowhere = at_office.overlaid(&[]).unwrap();
        assert!(nowhere.resolver.ipv4 && !nowhere.resolver.ipv6 && routes(&nowhere).len() == 1);
    }

    #[test]
    fn a_route_of_the_first_overlay_outranks_that_of_the_second() {
        let overlay = |profile: &str, server: &str| {
            let text = format!("[[forward]]\nzone = \"lan\"\nservers = [\"{server}\"]\n");
            Arc::new(ConfigOverlay::parse(profile, &text).unwrap())
        };
        let both = [overlay("vpn", "192.0.2.1"), overlay("network", "192.0.2.2")];
        let config = Config::default().overlaid(&both).unwrap();
        assert_eq!(routes(&config), [("lan".to_owned(), "192.0.2.1:53".to_owned())]);
    }

    #[test]
    fn a_wrong_overlay_is_told_with_the_name_of_its_profile() {
        for (text, part) in [
            ("[server]\nthreads = 3\n", "a network cannot change [server]"),
            ("[resolver]\nno-such-key = 1\n", "no-such-key"),
            ("[[forward]]\nzone = \"lan\"\nservers = [\"router\"]\n", "router"),
            ("[resolver\n", ""),
        ] {
            let error = overlaid(FILE, text).unwrap_err().to_string();
            assert!(error.starts_with("network profile home: ") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_file_may_have_old_names() {
        let file = Config::parse("[limits]\nnursery = 7\nwall-ms = 900\n", "z").unwrap();
        let overlay = ConfigOverlay::parse("cafe", "[limits]\nqueries = 9\n").unwrap();
        let overlaid = file.overlaid(&[Arc::new(overlay)]).unwrap();
        assert_eq!((overlaid.limits.stragglers, overlaid.limits.queries), (7, 9));
        assert_eq!(overlaid.timeouts.recursion.as_millis(), 900);
    }
}
