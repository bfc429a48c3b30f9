//! `[policy]`: lists of names that are blocked or allowed, for groups of clients.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zoners_dns::{EdeCode, Name, Prefix};
use zoners_policy::{BlockStyle, ListForm};

use super::readers::{TextValue, list, seconds, text};

/// The name of the group of clients without a group of their own.
pub(crate) const DEFAULT_GROUP: &str = "default";
/// Seconds for which clients may keep a blocked answer: short, so that a pause is felt.
const TTL: u32 = 10;

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
    /// The lists, in the order of precedence.
    pub list: Vec<PolicyListConfig>,
    /// Groups of clients with lists of their own.
    pub group: Vec<PolicyGroupConfig>,
}

/// `[[policy.list]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyListConfig {
    /// The name in reports and groups.
    pub name: String,
    /// The file, read again when the file changes.
    pub path: PathBuf,
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

/// `[[policy.group]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyGroupConfig {
    /// The name; `default` is the group of all remaining clients.
    pub name: String,
    /// Addresses and prefixes of the clients.
    #[serde(default, deserialize_with = "list")]
    pub clients: Vec<Prefix>,
    /// Names of lists; without the key, every list.
    pub lists: Option<Vec<String>>,
    /// The answer to a blocked question; without the key, `policy.block-with`.
    #[serde(default, deserialize_with = "some_text")]
    pub block_with: Option<BlockAnswer>,
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
}

/// The answer to a blocked question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockAnswer(pub BlockStyle);

impl TextValue for BlockAnswer {
    const ALLOWED: &'static str =
        "\"null-address\", \"nxdomain\", \"nodata\", \"refused\", \"drop\" or an address";

    fn read(text: &str) -> Option<Self> {
        Some(BlockAnswer(match text {
            "null-address" => BlockStyle::NullAddress,
            "nxdomain" => BlockStyle::Nxdomain,
            "nodata" => BlockStyle::Nodata,
            "refused" => BlockStyle::Refused,
            "drop" => BlockStyle::Drop,
            address => BlockStyle::Addresses(vec![address.parse::<IpAddr>().ok()?]),
        }))
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

/// Reads an optional value written as a text.
fn some_text<'de, T: TextValue, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    text(deserializer).map(Some)
}
