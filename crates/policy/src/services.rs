//! Services that a group may block by name: each is a set of domains.
//!
//! [`table`] has the domains. Domains that several services share, such as those of a hosting provider, are left out:
//! blocking a service breaks nothing else.

mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use zoners_dns::{Name, NameSlice, name};

use table::SERVICES;

/// A service of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockableService {
    /// The name in configurations.
    pub name: &'static str,
    /// The domains, each with all names below.
    pub domains: &'static [&'static str],
}

/// The services, by name.
pub fn services() -> impl Iterator<Item = BlockableService> {
    SERVICES.iter().map(|(name, domains)| BlockableService { name, domains })
}

/// A set of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceSet(Vec<usize>);

impl ServiceSet {
    /// Adds a service; false if there is none of that name.
    pub fn insert(&mut self, service: &str) -> bool {
        let number = SERVICES.iter().position(|(name, _)| *name == service);
        self.0.extend(number);
        number.is_some()
    }

    /// Adds the services of another set.
    pub fn extend(&mut self, more: &ServiceSet) {
        self.0.extend(&more.0);
    }

    /// The names of the services.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|number| SERVICES.get(*number)).map(|(name, _)| *name)
    }
}

/// The service of each domain, by number.
static DOMAINS: LazyLock<HashMap<Name, usize>> = LazyLock::new(|| {
    let domains = SERVICES.iter().enumerate().flat_map(|(number, (_, domains))| {
        domains.iter().filter_map(move |domain| Some((name::parse(domain).ok()?, number)))
    });
    domains.collect()
});

/// The service of the set that a name belongs to, and the domain.
pub(crate) fn blocked(set: &ServiceSet, name: &NameSlice) -> Option<(&'static str, Name)> {
    if set.0.is_empty() {
        return None;
    }
    name.iter_suffixes().find_map(|suffix| {
        let (domain, number) = DOMAINS.get_key_value(suffix.for_slice())?;
        let (service, _) = SERVICES.get(*number).filter(|_| set.0.contains(number))?;
        Some((*service, domain.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &ServiceSet, asked: &str) -> Option<String> {
        let found = blocked(set, name::parse(asked).unwrap().for_slice());
        found.map(|(service, domain)| format!("{service} {domain}"))
    }

    #[test]
    fn a_domain_belongs_to_one_service() {
        let mut seen = HashMap::new();
        for BlockableService { name, domains } in services() {
            assert!(!domains.is_empty(), "{name}");
            for domain in domains {
                let parsed = name::parse(domain).unwrap();
                assert!(parsed.label_count() > 2, "{domain} is a whole top-level domain");
                let earlier = seen.insert(parsed, name);
                assert_eq!(earlier, None, "{domain} stands there twice");
            }
        }
        // A domain below another of the same service is idle.
        for BlockableService { name, domains } in services() {
            for domain in domains.iter().map(|domain| name::parse(domain).unwrap()) {
                let above = name::with_ancestors(&domain).skip(1).find_map(|name| seen.get(&name));
                assert_ne!(above, Some(&name), "{domain}");
            }
        }
        let names: Vec<&str> = services().map(|service| service.name).collect();
        assert!(names.is_sorted() && names.len() > 60, "{names:?}");
    }

    #[test]
    fn names_of_blocked_services_are_found() {
        let mut set = ServiceSet::default();
        assert!(set.insert("tiktok") && set.insert("x") && !set.insert("nothing"));
        assert_eq!(set.names().collect::<Vec<_>>(), ["tiktok", "x"]);
        assert_eq!(of(&set, "www.TikTok.com").as_deref(), Some("tiktok tiktok.com"));
        assert_eq!(of(&set, "x.com").as_deref(), Some("x x.com"));
        for other in ["nottiktok.com", "netflix.com", "com", "example.com"] {
            assert_eq!(of(&set, other), None, "{other}");
        }
        assert_eq!(of(&ServiceSet::default(), "x.com"), None);
    }
}
