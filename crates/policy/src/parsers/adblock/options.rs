//! Options of an adblock rule, behind `$`.
//!
//! | option | effect |
//! |---|---|
//! | `important` | wins over allow rules |
//! | `badfilter` | disables equal rules |
//! | `dnstype=A\|~AAAA` | types of questions |
//! | `client=192.0.2.0/24\|~...` | addresses of clients; names of clients are not supported |
//! | `denyallow=a.example\|b.example` | names without effect |
//! | `dnsrewrite=...` | the answer: an address, a name (CNAME), a RCODE, or `NOERROR;TYPE;value` for A, AAAA, CNAME |
//! | `all`, `document`, `doc`, `network`, `popup` | no further condition, as the whole name is meant |
//! | `reason=...` | none: a text for the reader |
//! | `ctag`, `ipaddress` | not supported |

use std::net::IpAddr;

use zoners_dns::{Prefix, Rtype, name};

use super::SkipReason;
use crate::options::{RewriteAnswer, RuleOptions, negatable};
use crate::rule::RuleAction;

const MAX_LABEL_OCTETS: usize = 63;

/// The known options of a rule.
#[derive(Default)]
pub(super) struct AdblockOptions {
    /// Conditions and the rewrite.
    pub(super) own: RuleOptions,
    pub(super) important: bool,
    pub(super) disables: bool,
    /// The action of `dnsrewrite`.
    pub(super) action: Option<RuleAction>,
}

impl AdblockOptions {
    pub(super) fn parse(text: &str) -> Result<Self, SkipReason> {
        let mut options = AdblockOptions::default();
        for option in text.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            options.add(option)?;
        }
        Ok(options)
    }

    fn add(&mut self, option: &str) -> Result<(), SkipReason> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let faulty = |()| SkipReason::UnsupportedValue;
        match key {
            "important" => self.important = true,
            "badfilter" => self.disables = true,
            "all" | "document" | "doc" | "network" | "popup" | "reason" => {}
            "dnstype" => {
                self.own.types = negatable(value, |text| {
                    let upper = text.to_ascii_uppercase();
                    upper.parse::<Rtype>().map_err(|_| ())
                })
                .map_err(faulty)?
            }
            "client" => {
                let prefix =
                    |text: &str| text.trim_matches(['\'', '"']).parse::<Prefix>().map_err(|_| ());
                self.own.clients = negatable(value, prefix).map_err(faulty)?;
            }
            "denyallow" => {
                let names = value.split('|').filter(|text| !is_too_long(text));
                let names = names.map(|text| name::parse(text).map_err(|_| ()));
                self.own.except = names.collect::<Result<_, ()>>().map_err(faulty)?;
            }
            "dnsrewrite" => self.rewrite(value).map_err(faulty)?,
            "ctag" | "ipaddress" => return Err(SkipReason::UnsupportedOption),
            _ => return Err(SkipReason::BrowserOnly),
        }
        Ok(())
    }

    fn rewrite(&mut self, value: &str) -> Result<(), ()> {
        let mut parts = value.splitn(3, ';');
        let first = parts.next().unwrap_or_default();
        self.action = Some(RuleAction::Rewrite);
        match (first, parts.next(), parts.next()) {
            ("NXDOMAIN", ..) => self.action = Some(RuleAction::Nxdomain),
            ("REFUSED", ..) => self.action = Some(RuleAction::Refused),
            ("NOERROR", None | Some(""), _) => self.action = Some(RuleAction::Nodata),
            ("NOERROR", Some("A" | "AAAA"), Some(address)) => self.address(address)?,
            ("NOERROR", Some("CNAME"), Some(target)) => self.alias(target)?,
            (_, Some(_), _) => return Err(()),
            (single, None, _) => self.address(single).or_else(|()| self.alias(single))?,
        }
        Ok(())
    }

    fn address(&mut self, text: &str) -> Result<(), ()> {
        let address: IpAddr = text.parse().map_err(|_| ())?;
        self.own.rewrite = Some(RewriteAnswer::Address(address));
        Ok(())
    }

    fn alias(&mut self, text: &str) -> Result<(), ()> {
        let target = name::parse(text).ok().filter(|_| text.contains('.')).ok_or(())?;
        self.own.rewrite = Some(RewriteAnswer::Alias(target));
        Ok(())
    }
}

/// Whether a label is longer than any label of a name: lists have remarks in the place of names.
fn is_too_long(name: &str) -> bool {
    name.split('.').any(|label| label.len() > MAX_LABEL_OCTETS)
}
