//! `[resolver]`: how questions are resolved.

use std::path::PathBuf;

use serde::Deserialize;
use zoners_dns::{Prefix, Rtype};
use zoners_resolver::Glue;

use super::readers::prefixes;

/// `[resolver]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Resolver {
    /// A file of NS, A and AAAA records; without it the built-in root servers are asked.
    pub root_hints: Option<PathBuf>,
    /// Ask the root servers for their own names.
    pub priming: bool,
    /// Show servers no more of a name than they must see.
    pub qname_minimisation: bool,
    /// The type of shortened questions.
    pub qname_minimisation_type: MinimisedType,
    /// Which addresses of a referral are believed.
    pub glue: Glue,
    /// Ask over IPv4.
    pub ipv4: bool,
    /// Ask over IPv6.
    pub ipv6: bool,
    /// Look up addresses of nameservers before they are needed.
    pub speculative_lookups: bool,
    /// What goes with a positive answer.
    pub answers: Answers,
    /// Prefixes in which no server is asked.
    #[serde(deserialize_with = "prefixes")]
    pub never_ask: Vec<Prefix>,
}

impl Default for Resolver {
    fn default() -> Self {
        let never_ask = zoners_resolver::settings::NEVER_ASK;
        Resolver {
            root_hints: None,
            priming: true,
            qname_minimisation: true,
            qname_minimisation_type: MinimisedType::A,
            glue: Glue::Sibling,
            ipv4: true,
            ipv6: true,
            speculative_lookups: false,
            answers: Answers::Minimal,
            never_ask: never_ask.iter().filter_map(|prefix| prefix.parse().ok()).collect(),
        }
    }
}

/// `resolver.qname-minimisation-type`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum MinimisedType {
    /// Looks like any other question; the one that RFC 9156 recommends.
    A,
    /// The older custom.
    #[serde(rename = "NS")]
    Ns,
}

impl From<MinimisedType> for Rtype {
    fn from(rtype: MinimisedType) -> Self {
        match rtype {
            MinimisedType::A => Rtype::A,
            MinimisedType::Ns => Rtype::NS,
        }
    }
}

/// `resolver.answers`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// The answer section alone.
    Minimal,
    /// The zone's servers and their addresses too, where they came along.
    Full,
}
