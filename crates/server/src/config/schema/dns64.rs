//! `[dns64]`: addresses for clients on networks without IPv4.

use serde::{Deserialize, Deserializer};
use zoners_dns::{Nat64Prefix, Prefix};

use super::readers::{TextValue, list, text};

/// `[dns64]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dns64Config {
    /// The prefix of the NAT64.
    pub prefix: Dns64Prefix,
    /// IPv4 addresses that are not translated, and IPv6 addresses that count as absent.
    #[serde(deserialize_with = "list")]
    pub exclude: Vec<Prefix>,
}

/// `dns64.prefix`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dns64Prefix {
    /// The prefix that the network announces, if the network has no IPv4.
    #[default]
    Auto,
    /// No address is made.
    Off,
    /// This prefix, on every network.
    Fixed(Nat64Prefix),
}

impl TextValue for Dns64Prefix {
    const ALLOWED: &'static str = "\"auto\", \"off\" or an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as \
                                   \"64:ff9b::/96\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Dns64Prefix::Auto),
            "off" => Some(Dns64Prefix::Off),
            prefix => prefix.parse().ok().map(Dns64Prefix::Fixed),
        }
    }
}

impl<'de> Deserialize<'de> for Dns64Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)
    }
}
