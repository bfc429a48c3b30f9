//! Local data: what is answered here, without asking anyone.

pub mod hosts;
mod records;
mod special_use;

use zoners_dns::{Delegation, Name, NameSlice, OptRcode, RRset, Rtype, Security, zonefile};
use zoners_resolver::Answer;

use crate::config::{self, ConfigError};
use records::Records;
use special_use::SpecialZones;

/// RDATA of the SOA of whatever is local, in presentation format (RFC 6303 section 3), and its TTL:
/// for how long clients may keep a denial.
const SOA: &str = "@ 10800 SOA localhost. nobody.invalid. 1 3600 1200 604800 10800";

/// What is answered here: the records of the configuration and of a hosts file, then special-use
/// names.
#[derive(Debug)]
pub struct Local {
    records: Records,
    special: SpecialZones,
}

impl Local {
    /// Reads what the configuration names. Special-use zones that one of `routes` leads into are
    /// left out.
    ///
    /// # Errors
    /// A record or a line of the hosts file is wrong, or the file cannot be read.
    pub fn new(config: &config::Local, routes: &[Delegation]) -> Result<Self, ConfigError> {
        let mut records = Records::parse(&config.records.join("\n"))
            .map_err(|error| ConfigError::plain(format!("local.records: {error}")))?;
        if let Some(path) = &config.hosts {
            let told = |error: String| {
                ConfigError::plain(format!("local.hosts: {}: {error}", path.display()))
            };
            let text = std::fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
            hosts::parse(&text).map_err(told)?.into_iter().for_each(|set| records.add(set));
        }
        Ok(Local { records, special: SpecialZones::new(&config.special_use, routes) })
    }

    /// The answer, if the name is one of ours.
    pub(super) fn answer(&self, name: &NameSlice, rtype: Rtype) -> Option<Answer> {
        self.records.answer(name, rtype).or_else(|| self.special.answer(name, rtype))
    }
}

fn answer_of(rcode: OptRcode, answer: Vec<RRset>, authority: Vec<RRset>) -> Answer {
    Answer {
        rcode,
        answer,
        authority,
        additional: vec![],
        security: Security::Unchecked,
        stale: false,
    }
}

fn soa(zone: &Name) -> Vec<RRset> {
    zonefile::parse(SOA, zone).unwrap_or_default()
}
