//! `[[policy.group]]` and `[[policy.group.schedule]]`: how a group of clients is treated, and when.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;
use zoners_dns::{Name, Prefix, name};
use zoners_policy::{DayHours, SafeSearch, WeekDays};

use super::block_answer::BlockAnswer;
use super::readers::{TextValue, list, some_text};
use super::route::servers;

/// The longest name of a time zone.
const MAX_ZONE_NAME: usize = 64;

/// `[[policy.group]]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyGroupConfig {
    /// The name; `default` is the group of all remaining clients.
    pub name: String,
    /// The clients.
    #[serde(default, deserialize_with = "list")]
    pub clients: Vec<ClientNaming>,
    /// Identities of clients over encrypted transports.
    #[serde(default)]
    pub identities: Vec<String>,
    /// Names of lists; without the key, every list except lists of the group's schedules.
    pub lists: Option<Vec<String>>,
    /// The answer to a blocked question; without the key, `policy.block-with`.
    #[serde(default, deserialize_with = "some_text")]
    pub block_with: Option<BlockAnswer>,
    /// Names of blocked services.
    #[serde(default)]
    pub blocked_services: Vec<String>,
    /// Search engines that leave out what is not for children.
    #[serde(default, deserialize_with = "list")]
    pub safe_search: Vec<SafeSearch>,
    /// Whether the group gets no IPv6 addresses.
    #[serde(default)]
    pub block_aaaa: bool,
    /// Whether a blocked name is blocked as the name of an address too (PTR).
    #[serde(default)]
    pub block_ptr: bool,
    /// Resolvers that answer names without a route of their own, each an address or address and port; without the key,
    /// these names are resolved as for every client.
    #[serde(default, deserialize_with = "servers")]
    pub forward: Vec<SocketAddr>,
    /// Records in zone-file syntax, wildcards among them, for clients of the group alone.
    #[serde(default)]
    pub records: Vec<String>,
    /// Further blocking at times.
    #[serde(default)]
    pub schedule: Vec<PolicyScheduleConfig>,
}

impl PolicyGroupConfig {
    /// Whether the group has rules of its own, beside lists.
    pub(crate) fn has_rules(&self) -> bool {
        let PolicyGroupConfig { blocked_services, safe_search, block_aaaa, schedule, .. } = self;
        let has_any = !blocked_services.is_empty() || !safe_search.is_empty();
        let has_any = has_any || !self.records.is_empty() || !self.forward.is_empty();
        has_any || *block_aaaa || !schedule.is_empty()
    }
}

/// `[[policy.group.schedule]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyScheduleConfig {
    /// The name in reports.
    pub name: String,
    /// The days on which the hours begin; without the key, every day.
    #[serde(default, deserialize_with = "list")]
    pub days: Vec<WeekDays>,
    /// The hours; without the key, whole days.
    #[serde(default, deserialize_with = "list")]
    pub hours: Vec<DayHours>,
    /// The time zone; without the key, `policy.time-zone`.
    #[serde(default, deserialize_with = "some_text")]
    pub time_zone: Option<ZoneName>,
    /// Names of lists in force at these times.
    #[serde(default)]
    pub lists: Vec<String>,
    /// Names of the services to block at these times.
    #[serde(default)]
    pub blocked_services: Vec<String>,
    /// Whether every name is blocked at these times, except allowed names.
    #[serde(default)]
    pub block_everything: bool,
}

/// The way in which the configuration names clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientNaming {
    /// By address.
    Prefix(Prefix),
    /// By the hardware address on a link.
    Hardware(HardwareAddress),
    /// By a name with addresses in local data.
    Name(Name),
}

/// The hardware address of a machine on a link (MAC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HardwareAddress(pub [u8; 6]);

impl TextValue for ClientNaming {
    const ALLOWED: &'static str = "an address, a prefix such as \"192.168.1.0/24\", a hardware address such as \
                                   \"02:00:5e:10:00:01\", or a name of local data such as \"tablet.lan\"";

    fn read(text: &str) -> Option<Self> {
        if let Ok(prefix) = text.parse() {
            return Some(ClientNaming::Prefix(prefix));
        }
        if let Some(address) = HardwareAddress::read(text) {
            return Some(ClientNaming::Hardware(address));
        }
        // A misspelt address is no name.
        let last = text.trim_end_matches('.').rsplit('.').next()?;
        let is_number = last.bytes().all(|octet| octet.is_ascii_digit());
        let name = name::parse(text).ok()?;
        let is_name = !is_number && !text.contains([':', '/', ' ']) && !name.is_root();
        is_name.then_some(ClientNaming::Name(name))
    }
}

impl HardwareAddress {
    /// Six octets in hexadecimal, between colons or hyphens.
    fn read(text: &str) -> Option<Self> {
        let mark = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut parts = text.split(mark);
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2)?;
            *octet = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(HardwareAddress(octets))
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02x}"))
    }
}

/// The name of a time zone, which is a path below the folder of the system's zones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneName(pub String);

impl TextValue for ZoneName {
    const ALLOWED: &'static str = "the name of a time zone, such as \"Europe/Berlin\" or \"UTC\"";

    fn read(text: &str) -> Option<Self> {
        let is_step = |step: &str| {
            let is_letter = |octet: u8| octet.is_ascii_alphanumeric() || b"_+-".contains(&octet);
            !step.is_empty() && step.bytes().all(is_letter)
        };
        let is_name = text.len() <= MAX_ZONE_NAME && text.split('/').all(is_step);
        is_name.then(|| ZoneName(text.to_owned()))
    }
}

impl TextValue for WeekDays {
    const ALLOWED: &'static str = "a day or a range of days, such as \"sat\" or \"mon-fri\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl TextValue for DayHours {
    const ALLOWED: &'static str =
        "a range of two different times from 00:00 to 24:00, such as \"21:00-07:00\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl TextValue for SafeSearch {
    const ALLOWED: &'static str = "\"bing\", \"brave\", \"duckduckgo\", \"ecosia\", \"google\", \"pixabay\", \
                                   \"yandex\", \"youtube\" or \"youtube-moderate\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
