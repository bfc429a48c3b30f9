//! Clients, as `server.allow` and `server.unlimited` list them.

use serde::{Deserialize, Deserializer, de};
use zoners_dns::Prefix;

/// The word for the clients nearby, whichever these are by now.
const NEARBY: &str = "nearby";

/// Clients: prefixes, and perhaps those nearby.
#[derive(Clone, Debug, PartialEq)]
pub struct Clients {
    nearby: bool,
    named: Vec<Prefix>,
}

impl Clients {
    /// Those nearby.
    #[must_use]
    pub fn nearby() -> Self {
        Clients { nearby: true, named: Vec::new() }
    }

    /// Those in these prefixes and no others.
    #[must_use]
    pub fn of(named: Vec<Prefix>) -> Self {
        Clients { nearby: false, named }
    }

    /// Their prefixes, where those nearby are these.
    pub(crate) fn prefixes(&self, nearby: &[Prefix]) -> Vec<Prefix> {
        let nearby = if self.nearby { nearby } else { &[] };
        nearby.iter().chain(&self.named).copied().collect()
    }
}

impl<'de> Deserialize<'de> for Clients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut clients = Clients { nearby: false, named: Vec::new() };
        for text in Vec::<String>::deserialize(deserializer)? {
            if text == NEARBY {
                clients.nearby = true;
                continue;
            }
            let told = |error: String| format!("{error}, nor is it \"{NEARBY}\"");
            clients.named.push(text.parse().map_err(|error| de::Error::custom(told(error)))?);
        }
        Ok(clients)
    }
}
