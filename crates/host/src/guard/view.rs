//! The view of the dynamic store that the guard needs.

use std::collections::BTreeSet;

use super::{ServersByHand, StoreView};
use crate::dynamic_store::{KEY, keys, list, parse_all, show};
use crate::resolvers::SystemResolver;

/// Keys of servers set by hand, and the parts of such a key around the identifier of a service.
const BY_HAND: &str = "Setup:/Network/Service/[^/]+/DNS";
const SERVICE: (&str, &str) = ("Setup:/Network/Service/", "/DNS");
/// Keys of interfaces with an address, and the parts of such a key around the name.
const INTERFACES: &str = "State:/Network/Interface/[^/]+/IPv[46]";
const INTERFACE: &str = "State:/Network/Interface/";

impl StoreView {
    /// Reads the store by `run`, which has scutil(8) carry out commands and returns the output: twice in all. None if
    /// the program does not answer. The `resolvers` are those of the system ([`crate::resolvers::all`]).
    pub fn read(
        mut run: impl FnMut(&str) -> Option<String>,
        resolvers: Vec<SystemResolver>,
    ) -> Option<Self> {
        let listed = run(&(list(BY_HAND) + &list(INTERFACES)))?;
        let service =
            |key: &str| Some(key.strip_prefix(SERVICE.0)?.strip_suffix(SERVICE.1)?.to_owned());
        let services: Vec<String> = keys(&listed).filter_map(service).collect();
        let names = keys(&listed).filter_map(|key| key.strip_prefix(INTERFACE)?.split('/').next());
        let interfaces: BTreeSet<String> = names.map(str::to_owned).collect();
        let shows =
            services.iter().map(|service| show(&format!("{}{service}{}", SERVICE.0, SERVICE.1)));
        let shown = run(&(show(KEY) + &shows.collect::<String>()))?;
        let mut servers =
            parse_all(&shown).into_iter().map(|entry| entry.map(|entry| entry.servers()));
        let own = servers.next()?;
        let by_hand: ServersByHand = services
            .into_iter()
            .zip(servers)
            .filter_map(|(service, servers)| Some((service, servers?)))
            .collect();
        Some(StoreView { own, resolvers, by_hand, interfaces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts in the forms of scutil(8), see `dynamic_store`.
    fn scutil(commands: &str) -> Option<String> {
        Some(commands.lines().map(output).collect())
    }

    fn output(command: &str) -> &'static str {
        match command {
            "list Setup:/Network/Service/[^/]+/DNS" => {
                "  subKey [0] = Setup:/Network/Service/AAAA/DNS\n\
                 \x20 subKey [1] = Setup:/Network/Service/BBBB/DNS\n"
            }
            "list State:/Network/Interface/[^/]+/IPv[46]" => {
                "  subKey [0] = State:/Network/Interface/en0/IPv4\n\
                 \x20 subKey [1] = State:/Network/Interface/en0/IPv6\n\
                 \x20 subKey [2] = State:/Network/Interface/utun4/IPv4\n"
            }
            "show Setup:/Network/Service/AAAA/DNS" => "<dictionary> {\n}\n",
            "show Setup:/Network/Service/BBBB/DNS" => {
                "<dictionary> {\n  ServerAddresses : <array> {\n    0 : 9.9.9.9\n  }\n}\n"
            }
            "show State:/Network/Service/org.zoners/DNS" => "  No such key\n",
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_store_is_read() {
        let view = StoreView::read(scutil, Vec::new()).unwrap();
        assert_eq!(view.own, None);
        let servers = vec!["9.9.9.9".parse().unwrap()];
        let by_hand = [("AAAA".to_owned(), Vec::new()), ("BBBB".to_owned(), servers)];
        assert_eq!(view.by_hand, by_hand.into());
        assert_eq!(view.interfaces, ["en0", "utun4"].map(str::to_owned).into());
        assert_eq!(StoreView::read(|_| None, Vec::new()), None);
    }
}
