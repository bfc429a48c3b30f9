//! Clients, as `server.allow` and `server.unlimited` list them.

use serde::{Deserialize, Deserializer};
use zoners_dns::Prefix;

use super::readers::{TextValue, list};

/// Clients: prefixes, and perhaps the clients nearby.
#[derive(Clone, Debug, PartialEq)]
pub struct Clients {
    nearby: bool,
    named: Vec<Prefix>,
}

impl Clients {
    /// The clients nearby.
    #[must_use]
    pub fn nearby() -> Self {
        Clients { nearby: true, named: Vec::new() }
    }

    /// The clients in these prefixes alone.
    #[must_use]
    pub fn of(named: Vec<Prefix>) -> Self {
        Clients { nearby: false, named }
    }

    /// The prefixes of the clients, with `nearby` for the clients nearby.
    pub(crate) fn prefixes(&self, nearby: &[Prefix]) -> Vec<Prefix> {
        let nearby = if self.nearby { nearby } else { &[] };
        nearby.iter().chain(&self.named).copied().collect()
    }
}

impl<'de> Deserialize<'de> for Clients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let listed: Vec<Listed> = list(deserializer)?;
        let named = listed.iter().filter_map(|listed| match listed {
            Listed::Nearby => None,
            Listed::Prefix(prefix) => Some(*prefix),
        });
        Ok(Clients { nearby: listed.contains(&Listed::Nearby), named: named.collect() })
    }
}

/// An item of such a list.
#[derive(PartialEq)]
enum Listed {
    /// The clients nearby at the time.
    Nearby,
    Prefix(Prefix),
}

impl TextValue for Listed {
    const ALLOWED: &'static str = "\"nearby\", an address or a prefix, such as \"192.0.2.0/24\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "nearby" => Some(Listed::Nearby),
            _ => text.parse().ok().map(Listed::Prefix),
        }
    }
}
