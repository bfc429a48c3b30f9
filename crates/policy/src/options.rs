//! Conditions of a rule beyond the pattern, and the answer of a rewrite.
//!
//! Few rules have options. The compiled file has options as text (`types=A|~AAAA;clients=192.0.2.0/24;...`), which is
//! parsed at a match.

use std::fmt::{self, Display, Formatter, Write};
use std::net::IpAddr;
use std::str::FromStr;

use zoners_dns::{Name, NameSlice, Prefix, Rtype, name};

use crate::glob;

/// Octets of the longest options text.
pub(crate) const MAX_OPTIONS_OCTETS: usize = 16_384;

/// The options of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// `$dnstype`: types of questions; empty for all types.
    pub types: Vec<Negatable<Rtype>>,
    /// `$client`: addresses of clients; empty for all clients.
    pub clients: Vec<Negatable<Prefix>>,
    /// `$denyallow`: names outside the rule, with names below.
    pub except: Vec<Name>,
    /// The answer of a rule with the action `Rewrite`.
    pub rewrite: Option<RewriteAnswer>,
    /// An adblock pattern for the name.
    pub glob: Option<String>,
}

/// A value, or each value but this (`~value`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negatable<T> {
    /// The value.
    pub value: T,
    /// Whether `~` precedes the value.
    pub negated: bool,
}

/// The data of a rewritten answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteAnswer {
    /// An A or AAAA record.
    Address(IpAddr),
    /// A CNAME record.
    Alias(Name),
    /// A record of any type, with RDATA on the wire.
    Record(Rtype, Vec<u8>),
}

impl RuleOptions {
    /// Options of a rule that rewrites and has no further conditions.
    #[must_use]
    pub fn rewriting(rewrite: RewriteAnswer) -> Self {
        RuleOptions { rewrite: Some(rewrite), ..RuleOptions::default() }
    }

    /// Whether a question matches. `rtypes` are the type of the question and, where the name is the target of an alias,
    /// the type of the alias: `$dnstype=~CNAME` is a rule for names in questions alone. `client` is the prefix of the
    /// client's region: see [`crate::ClientRegions`].
    #[must_use]
    pub fn match_question(
        &self,
        asked: &NameSlice,
        rtypes: &[Rtype],
        client: Option<&Prefix>,
    ) -> bool {
        is_selected(&self.types, |own| rtypes.contains(own))
            && is_selected(&self.clients, |own| client.is_some_and(|client| own.includes(client)))
            && (self.except.is_empty() || {
                let asked = name::owned(asked);
                !self.except.iter().any(|except| name::is_within(&asked, except))
            })
            && self.glob.as_ref().is_none_or(|pattern| glob::matches(pattern, asked))
    }
}

/// Whether a list selects a value: the value is in the list, or each value of the list is negated.
fn is_selected<T>(list: &[Negatable<T>], is_value: impl Fn(&T) -> bool) -> bool {
    if list.iter().any(|item| item.negated && is_value(&item.value)) {
        return false;
    }
    let mut wanted = list.iter().filter(|item| !item.negated).peekable();
    wanted.peek().is_none() || wanted.any(|item| is_value(&item.value))
}

impl Display for RuleOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut before = "";
        let mut field = |f: &mut Formatter<'_>, text: fmt::Arguments<'_>| {
            f.write_str(before)?;
            before = ";";
            f.write_fmt(text)
        };
        if !self.types.is_empty() {
            field(f, format_args!("types={}", Joined(&self.types)))?;
        }
        if !self.clients.is_empty() {
            field(f, format_args!("clients={}", Joined(&self.clients)))?;
        }
        if !self.except.is_empty() {
            field(f, format_args!("except="))?;
            for (at, name) in self.except.iter().enumerate() {
                write!(f, "{}{name}", if at == 0 { "" } else { "|" })?;
            }
        }
        match &self.rewrite {
            Some(RewriteAnswer::Address(ip)) => field(f, format_args!("address={ip}"))?,
            Some(RewriteAnswer::Alias(name)) => field(f, format_args!("alias={name}"))?,
            Some(RewriteAnswer::Record(rtype, rdata)) => {
                field(f, format_args!("record={}:", rtype.to_int()))?;
                rdata.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
            }
            None => {}
        }
        // The last field, as a pattern may have any character.
        match &self.glob {
            Some(pattern) => field(f, format_args!("glob={pattern}")),
            None => Ok(()),
        }
    }
}

struct Joined<'a, T>(&'a [Negatable<T>]);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_char('|')?;
            }
            if item.negated {
                f.write_char('~')?;
            }
            write!(f, "{}", item.value)?;
        }
        Ok(())
    }
}

impl FromStr for RuleOptions {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut options = RuleOptions::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (key, after) = rest.split_once('=').ok_or(())?;
            if key == "glob" {
                options.glob = Some(after.into());
                break;
            }
            let (value, after) = after.split_once(';').unwrap_or((after, ""));
            rest = after;
            match key {
                "types" => options.types = negatable(value, |text| text.parse().map_err(|_| ()))?,
                "clients" => {
                    options.clients = negatable(value, |text| text.parse().map_err(|_| ()))?
                }
                "except" => {
                    let names = value.split('|').map(|text| name::parse(text).map_err(|_| ()));
                    options.except = names.collect::<Result<_, ()>>()?;
                }
                "address" => {
                    let ip = value.parse().map_err(|_| ())?;
                    options.rewrite = Some(RewriteAnswer::Address(ip));
                }
                "alias" => {
                    let target = name::parse(value).map_err(|_| ())?;
                    options.rewrite = Some(RewriteAnswer::Alias(target));
                }
                "record" => options.rewrite = Some(record(value)?),
                _ => return Err(()),
            }
        }
        Ok(options)
    }
}

/// Parses values between `|`, each perhaps after `~`.
pub(crate) fn negatable<T>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, ()>,
) -> Result<Vec<Negatable<T>>, ()> {
    let item = |text: &str| {
        let (negated, text) = text.strip_prefix('~').map_or((false, text), |text| (true, text));
        Ok(Negatable { value: parse(text)?, negated })
    };
    text.split('|').map(item).collect()
}

fn record(text: &str) -> Result<RewriteAnswer, ()> {
    let (rtype, hex) = text.split_once(':').ok_or(())?;
    let rtype = Rtype::from_int(rtype.parse().map_err(|_| ())?);
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).map_err(|_| ())?;
        u8::from_str_radix(pair, 16).map_err(|_| ())
    };
    let rdata = hex.as_bytes().chunks(2).map(octet).collect::<Result<_, ()>>()?;
    Ok(RewriteAnswer::Record(rtype, rdata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_written_and_read_again() {
        for text in [
            "",
            "types=A|~AAAA",
            "clients=192.0.2.0/24|~2001:db8::1/128;except=a.example|b.example",
            "types=HTTPS;address=192.0.2.1",
            "alias=safe.example;glob=||ads;=*.example^",
            "record=16:0161ff",
        ] {
            let options: RuleOptions = text.parse().unwrap();
            assert_eq!(options.to_string(), text);
        }
        for text in ["types", "types=NOTYPE", "clients=x", "record=1:zz", "unknown=1"] {
            assert_eq!(text.parse::<RuleOptions>(), Err(()), "{text}");
        }
    }

    #[test]
    fn negated_values_exclude_and_other_values_select() {
        let options: RuleOptions = "types=~A;clients=192.0.2.0/24|~192.0.2.9".parse().unwrap();
        let asked = name::parse("www.example").unwrap();
        let matches = |rtype, client: &str| {
            options.match_question(asked.for_slice(), &[rtype], Some(&client.parse().unwrap()))
        };
        assert!(matches(Rtype::AAAA, "192.0.2.0/24") && matches(Rtype::TXT, "192.0.2.7"));
        assert!(!matches(Rtype::A, "192.0.2.7") && !matches(Rtype::AAAA, "192.0.2.9"));
        assert!(!matches(Rtype::AAAA, "198.51.100.1"));
        let options: RuleOptions = "except=a.example".parse().unwrap();
        for (text, expected) in [("x.A.example", false), ("ba.example", true)] {
            let asked = name::parse(text).unwrap();
            assert_eq!(options.match_question(asked.for_slice(), &[Rtype::A], None), expected);
        }
    }
}
