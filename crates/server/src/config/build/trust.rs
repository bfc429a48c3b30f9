//! Where resolution and chains of trust begin: the root servers and the trust anchors.

use zoners_dns::{Delegation, Name, Rtype, name, zonefile};
use zoners_dnssec::chain::{self, Ds};
use zoners_resolver::Anchor;

use crate::config::{Config, ConfigError, ROOT_ANCHORS, ROOT_HINTS};

impl Config {
    pub(super) fn root(&self) -> Result<Delegation, ConfigError> {
        const KEY: &str = "resolver.root-hints";
        let (text, source) = match &self.resolver.root_hints {
            Some(path) => (self.read(KEY, path)?, path.display().to_string()),
            None => (ROOT_HINTS.to_owned(), "built-in root hints".to_owned()),
        };
        let told = |what: &str| self.wrong(KEY, &format!("{source}: {what}"));
        let hints = zonefile::root_hints(&text).map_err(|what| told(&what))?;
        Delegation::from_hints(&hints).ok_or_else(|| told("no NS record of the root zone"))
    }

    /// Where chains of trust begin.
    pub(super) fn anchors(&self) -> Result<Vec<Anchor>, ConfigError> {
        const KEY: &str = "dnssec.trust-anchor";
        let (text, source) = match &self.dnssec.trust_anchor {
            Some(path) => (self.read(KEY, path)?, path.display().to_string()),
            None => (ROOT_ANCHORS.to_owned(), "built-in trust anchors".to_owned()),
        };
        let wrong = |what: &str| self.wrong(KEY, &format!("{source}: {what}"));
        let sets =
            zonefile::parse(&text, &name::root()).map_err(|what| wrong(&what.to_string()))?;
        let mut anchors: Vec<Anchor> = Vec::new();
        for set in &sets {
            let ds: Vec<Ds> = match set.rtype {
                Rtype::DS => set.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect(),
                _ => Vec::new(),
            };
            let keys = chain::keys(set);
            match anchors.iter_mut().find(|anchor| anchor.zone == set.owner) {
                _ if ds.is_empty() && keys.is_empty() => {}
                Some(anchor) => {
                    anchor.ds.extend(ds);
                    anchor.keys.extend(keys);
                }
                None => anchors.push(Anchor { zone: set.owner.clone(), ds, keys }),
            }
        }
        if anchors.is_empty() {
            return Err(wrong("must have a DS or DNSKEY record"));
        }
        // A file is read even without validation, so that faults of the file are reported.
        Ok(if self.dnssec.validate { anchors } else { Vec::new() })
    }

    /// Zones without a trust anchor: the listed ones, and routes without `validate = true`.
    pub(super) fn negative_anchors(&self, anchors: &[Anchor]) -> Vec<Name> {
        let anchored =
            |zone: &Name| anchors.iter().any(|anchor| name::is_within(&anchor.zone, zone));
        let routes = self.stub.iter().chain(&self.forward);
        let private = routes.filter(|route| !route.validate && !anchored(&route.zone));
        let private = private.map(|route| route.zone.clone());
        let of_networks = self.network_routes.iter();
        let unproven = of_networks.filter(|route| !route.validate && !anchored(&route.zone));
        let unproven = unproven.map(|route| route.zone.clone());
        let copies = self.zone.iter().filter(|zone| !zone.validate && !anchored(&zone.zone));
        let copies = copies.map(|zone| zone.zone.clone());
        let configured = self.dnssec.negative_trust_anchors.iter().cloned();
        configured.chain(private).chain(unproven).chain(copies).collect()
    }
}
