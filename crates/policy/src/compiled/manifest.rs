//! The lists of a compiled file, and rules of which there are few.

use crate::form::ListForm;
use crate::rule::RuleAction;

/// The most lists of a policy.
pub const MAX_LISTS: usize = 256;

/// Everything beside names, as JSON in the file.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Manifest {
    pub(crate) lists: Vec<ListEntry>,
    pub(crate) scans: Vec<StoredScan>,
    pub(crate) addresses: Vec<StoredAddressRule>,
    /// Prefixes in options (`$client`) of rules.
    pub(crate) client_prefixes: Vec<String>,
    /// Whether a rule concerns a name of a single label, for which the filter says nothing.
    pub(crate) has_top_names: bool,
    /// Whether a rule concerns names of nameservers.
    pub(crate) has_nameservers: bool,
}

/// A list of a compiled policy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListEntry {
    /// The name of the configuration.
    pub name: String,
    /// The form, configured or recognised.
    pub form: ListForm,
    /// Whether the rules of the list allow names, instead of blocking.
    pub allows: bool,
    /// Lines of the text.
    pub lines: u32,
    /// Octets of the text.
    pub octets: u64,
    /// Whether the text ends within a line.
    pub ends_within_line: bool,
    /// Rules in force, without repeated ones.
    pub rules: u32,
    /// Rules repeated from an earlier line of the list.
    pub repeated: u32,
    /// Skipped lines: reason, number of lines, first line.
    pub skipped: Vec<(String, u32, u32)>,
    /// Skipped lines with a meaning for DNS.
    pub lost: u32,
}

/// A rule without the pattern.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredRule {
    pub(crate) list: u16,
    pub(crate) line: u32,
    pub(crate) action: RuleAction,
    pub(crate) important: bool,
    pub(crate) disables: bool,
    pub(crate) options: String,
}

/// A pattern compared with every name.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredScan {
    pub(crate) pattern: String,
    pub(crate) rule: StoredRule,
}

/// A rule for addresses.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredAddressRule {
    pub(crate) subject: AddressSubject,
    pub(crate) prefix: String,
    pub(crate) rule: StoredRule,
}

/// The addresses within a rule.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub(crate) enum AddressSubject {
    Answer,
    Nameserver,
    Client,
}
