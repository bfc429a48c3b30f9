//! `[policy]`: lists of names that are blocked or allowed, for groups of clients.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zoners_dns::{EdeCode, Name};
use zoners_http::HttpUrl;
use zoners_policy::{CatalogueEntry, ListForm, catalogue_entry};

use super::block_answer::BlockAnswer;
use super::policy_group::{ClientNaming, HardwareAddress, PolicyGroupConfig, ZoneName};
use super::readers::{TextValue, list, octets, seconds, some_text, text};
use crate::client::ClientIdentity;

/// The name of the group of clients without a group of their own.
pub(crate) const DEFAULT_GROUP: &str = "default";
/// Seconds for which clients may keep a blocked answer: short, so that a pause is felt.
const TTL: u32 = 10;
/// Seconds from one download of a list to the next.
const REFRESH: u32 = 86_400;
/// Octets of the largest list: some three million names.
const MAX_SIZE: u64 = 64 << 20;

/// The name by which Firefox learns that a network has a resolver of its own.
const FIREFOX_CANARY: &str = "use-application-dns.net";
/// The names by which Apple's devices learn that a network does not let names be hidden from its resolver.
const PRIVATE_RELAY_CANARIES: [&str; 2] = ["mask.icloud.com", "mask-h2.icloud.com"];

/// `[policy]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PolicyConfig {
    /// The answer to a blocked question.
    #[serde(deserialize_with = "text")]
    pub block_with: BlockAnswer,
    /// Seconds for which clients may keep a blocked answer.
    #[serde(deserialize_with = "ttl")]
    pub ttl: u32,
    /// Names of the Internet get no private addresses.
    pub rebinding_protection: bool,
    /// Zones that may have private addresses all the same.
    #[serde(deserialize_with = "list")]
    pub rebinding_allow: Vec<Name>,
    /// Where a person may complain about the policy, told to clients that ask for it.
    #[serde(deserialize_with = "some_text")]
    pub contact: Option<ContactUri>,
    /// Firefox is told to use the system's resolver.
    pub firefox_canary: bool,
    /// Apple's devices are told not to use iCloud Private Relay.
    pub private_relay_canary: bool,
    /// The time zone of schedules; without the key, the zone of this machine.
    #[serde(deserialize_with = "some_text")]
    pub time_zone: Option<ZoneName>,
    /// The lists, in the order of precedence.
    #[serde(deserialize_with = "lists")]
    pub list: Vec<PolicyListConfig>,
    /// Groups of clients with lists of their own.
    pub group: Vec<PolicyGroupConfig>,
}

/// `[[policy.list]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyListConfig {
    /// The name in reports and groups; for a well-known list, its name without the key.
    #[serde(default)]
    pub name: String,
    /// The file, read again when the file changes.
    pub path: Option<PathBuf>,
    /// The address, asked again and again.
    #[serde(default, deserialize_with = "some_text")]
    pub url: Option<HttpUrl>,
    /// The name of a well-known list.
    pub list: Option<String>,
    /// The apex of a `[[zone]]` with primaries whose records are the rules (RPZ).
    #[serde(default, deserialize_with = "some_text")]
    pub zone: Option<Name>,
    /// Seconds from one download to the next.
    #[serde(default = "refresh", deserialize_with = "refresh_seconds")]
    pub refresh: u32,
    /// Octets at most; a larger list is not used.
    #[serde(default = "max_size", deserialize_with = "size")]
    pub max_size: u64,
    /// The form; without the key, the form is recognised by the text.
    #[serde(default, deserialize_with = "some_text")]
    pub form: Option<ListForm>,
    /// Whether names of the list are blocked or allowed.
    #[serde(default, deserialize_with = "text")]
    pub action: ListAction,
    /// The reason told to clients (EDE).
    #[serde(default, deserialize_with = "text")]
    pub reason: BlockReason,
}

impl PolicyListConfig {
    /// Where the list comes from. A validated configuration has exactly one origin.
    #[must_use]
    pub fn origin(&self) -> ListOrigin {
        let address = || self.url.clone().or_else(|| self.well_known()?.url.parse().ok());
        match (&self.path, &self.zone, address()) {
            (None, Some(apex), _) => ListOrigin::Zone(apex.clone()),
            (None, None, Some(url)) => ListOrigin::Address(url),
            (path, ..) => ListOrigin::File(path.clone().unwrap_or_default()),
        }
    }

    /// The form, if known before the text is.
    #[must_use]
    pub fn form(&self) -> Option<ListForm> {
        let of_zone = self.zone.as_ref().map(|_| ListForm::Rpz);
        of_zone.or(self.form).or_else(|| Some(self.well_known()?.form))
    }

    fn well_known(&self) -> Option<CatalogueEntry> {
        catalogue_entry(self.list.as_deref()?)
    }
}

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListOrigin {
    /// A file of this machine.
    File(PathBuf),
    /// An address.
    Address(HttpUrl),
    /// A zone with this apex, transferred from primaries.
    Zone(Name),
}

impl fmt::Display for ListOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListOrigin::File(path) => path.display().fmt(f),
            ListOrigin::Address(url) => url.fmt(f),
            ListOrigin::Zone(apex) => write!(f, "zone {}", apex.fmt_with_dot()),
        }
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        let block_with = BlockAnswer::default();
        PolicyConfig {
            block_with,
            ttl: TTL,
            rebinding_protection: true,
            rebinding_allow: Vec::new(),
            contact: None,
            firefox_canary: false,
            private_relay_canary: false,
            time_zone: None,
            list: Vec::new(),
            group: Vec::new(),
        }
    }
}

impl PolicyConfig {
    /// The names without addresses, by which programs learn to use the system's resolver.
    pub(crate) fn canaries(&self) -> Vec<&'static str> {
        let firefox = self.firefox_canary.then_some(FIREFOX_CANARY);
        let relays = PRIVATE_RELAY_CANARIES.into_iter().filter(|_| self.private_relay_canary);
        relays.chain(firefox).collect()
    }

    /// The hardware addresses by which groups name clients.
    pub(crate) fn hardware_clients(&self) -> BTreeSet<HardwareAddress> {
        let clients = self.group.iter().flat_map(|group| &group.clients);
        let hardware = clients.filter_map(|client| match client {
            ClientNaming::Hardware(address) => Some(*address),
            _ => None,
        });
        hardware.collect()
    }

    /// Whether a group has clients by name.
    pub(crate) fn has_named_clients(&self) -> bool {
        let mut clients = self.group.iter().flat_map(|group| &group.clients);
        clients.any(|client| matches!(client, ClientNaming::Name(_)))
    }

    /// The identities by which groups name clients, each with the group and the number that an encrypted transport gives
    /// to a client.
    pub(crate) fn client_identities(
        &self,
    ) -> impl Iterator<Item = (&PolicyGroupConfig, &str, ClientIdentity)> {
        let numbers = (1..=u16::MAX).filter_map(NonZeroU16::new).map(ClientIdentity);
        let named = self.group.iter().flat_map(|group| {
            group.identities.iter().map(move |identity| (group, identity.as_str()))
        });
        named.zip(numbers).map(|((group, identity), number)| (group, identity, number))
    }

    /// The number of an identity.
    #[must_use]
    pub fn client_identity(&self, identity: &str) -> Option<ClientIdentity> {
        let mut all = self.client_identities();
        all.find_map(|(_, known, number)| (known == identity).then_some(number))
    }

    /// The upstreams of groups, each once.
    pub(crate) fn upstreams(&self) -> Vec<&[SocketAddr]> {
        let mut upstreams: Vec<&[SocketAddr]> = Vec::new();
        for forward in self.group.iter().map(|group| &*group.forward) {
            if !forward.is_empty() && !upstreams.contains(&forward) {
                upstreams.push(forward);
            }
        }
        upstreams
    }

    /// The number of a group's upstream among [`PolicyConfig::upstreams`].
    pub(crate) fn upstream_of(&self, group: &str) -> Option<usize> {
        let group = self.group.iter().find(|own| own.name == group)?;
        self.upstreams().iter().position(|servers| *servers == group.forward)
    }

    /// Whether the records of a zone are the rules of a list.
    pub(crate) fn has_list_of(&self, apex: &Name) -> bool {
        self.list.iter().any(|list| list.zone.as_ref() == Some(apex))
    }

    /// Whether a group has rules beside lists.
    pub(crate) fn has_group_rules(&self) -> bool {
        self.group.iter().any(PolicyGroupConfig::has_rules)
    }
}

/// A URI of the schemes by which a client may show a contact (draft-ietf-dnsop-structured-dns-error).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactUri(pub String);

impl TextValue for ContactUri {
    const ALLOWED: &'static str = "a URI of at most 64 letters that begins with \"mailto:\" or \"tel:\", such as \
                                   \"mailto:admin@example.net\"";

    fn read(text: &str) -> Option<Self> {
        let address = text.strip_prefix("mailto:").or_else(|| text.strip_prefix("tel:"))?;
        let is_plain = |octet: u8| octet.is_ascii_graphic() && !b"\"\\<>".contains(&octet);
        let is_legal = !address.is_empty() && text.len() <= 64 && text.bytes().all(is_plain);
        is_legal.then(|| ContactUri(text.to_owned()))
    }
}

/// Whether names of a list are blocked or allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListAction {
    /// Blocked, or whatever a rule of the list says.
    #[default]
    Block,
    /// Allowed.
    Allow,
}

impl TextValue for ListAction {
    const ALLOWED: &'static str = "\"block\" or \"allow\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "block" => Some(ListAction::Block),
            "allow" => Some(ListAction::Allow),
            _ => None,
        }
    }
}

/// The reason told to clients (RFC 8914 sections 4.16 to 4.18).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockReason {
    /// The operator blocks the name.
    #[default]
    Blocked,
    /// A third party, such as an authority, demands the block.
    Censored,
    /// The client asked for the block.
    Filtered,
}

impl BlockReason {
    /// The code of the EDE.
    #[must_use]
    pub fn code(self) -> EdeCode {
        match self {
            BlockReason::Blocked => EdeCode::BLOCKED,
            BlockReason::Censored => EdeCode::CENSORED,
            BlockReason::Filtered => EdeCode::FILTERED,
        }
    }
}

impl TextValue for BlockReason {
    const ALLOWED: &'static str = "\"blocked\", \"censored\" or \"filtered\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "blocked" => Some(BlockReason::Blocked),
            "censored" => Some(BlockReason::Censored),
            "filtered" => Some(BlockReason::Filtered),
            _ => None,
        }
    }
}

impl TextValue for HttpUrl {
    const ALLOWED: &'static str = "an address that begins with https:// or http://, such as \"https://lists.example/ads.txt\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl TextValue for ListForm {
    const ALLOWED: &'static str =
        "\"hosts\", \"domains\", \"wildcards\", \"adblock\", \"dnsmasq\" or \"rpz\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

fn ttl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    seconds(deserializer, 0..=86_400)
}

/// Reads lists; a well-known list without a name is named as in the catalogue.
fn lists<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PolicyListConfig>, D::Error> {
    let mut lists = Vec::<PolicyListConfig>::deserialize(deserializer)?;
    for list in &mut lists {
        if let Some(name) = list.list.as_ref().filter(|_| list.name.is_empty()) {
            list.name.clone_from(name);
        }
    }
    Ok(lists)
}

fn refresh() -> u32 {
    REFRESH
}

fn max_size() -> u64 {
    MAX_SIZE
}

fn refresh_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    seconds(deserializer, 600..=2_592_000)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    octets(deserializer, 1024..=1 << 30)
}
