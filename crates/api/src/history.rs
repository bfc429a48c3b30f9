//! Past resolutions: why an answer was slow or failed.

use serde::{Deserialize, Serialize};

use crate::event::if_known;
use crate::{DnssecStatus, EdeReport, QueryOutcome, StepOutcome};

/// The records that a caller wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WhyQuery {
    /// The name.
    pub name: String,
    /// Records of clients in this prefix alone; an address is a prefix of one address.
    pub client: Option<String>,
    /// Seconds since 1970 (UTC): the records nearest to this moment; `None` for the newest.
    pub at_s: Option<u64>,
    /// Resolve this type of the name now, and show that resolution.
    pub live_type: Option<String>,
}

/// The resolutions of a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WhyReport {
    /// The name.
    pub name: String,
    /// The resolutions, at most ten; the wanted resolution is the first.
    pub resolutions: Vec<ResolutionReport>,
    /// Names below this name with records; empty if the name itself has a record.
    pub names_below: Vec<String>,
    /// The searched history.
    pub history: HistoryFill,
}

/// The size of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistoryFill {
    /// Records at hand.
    pub records: u64,
    /// Seconds since 1970 of the oldest record, without the worst records of earlier hours; `None` without a record.
    pub oldest_s: Option<u64>,
    /// Octets in use.
    pub used_bytes: u64,
    /// The most octets; 0 if no history is kept.
    pub limit_bytes: u64,
    /// Records lost because too many came at once.
    pub lost: u64,
}

/// A client question: one that was not a plain hit, or one of a sample of hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResolutionReport {
    /// Seconds since 1970 (UTC) when the query came.
    pub received_s: u64,
    /// The client's address.
    pub client: String,
    /// The transport of the query: `udp`, `tcp`, `tls`, `https` or `quic`.
    pub transport: String,
    /// The name in the question.
    pub name: String,
    /// The record type in the question.
    pub r#type: String,
    /// How the query ended; `None` for an outcome of a later release.
    #[serde(deserialize_with = "if_known")]
    pub outcome: Option<QueryOutcome>,
    /// The response code; `None` without a response.
    pub rcode: Option<String>,
    /// The reason of a failure or of a stale answer.
    pub ede: Option<EdeReport>,
    /// Whether the client got no answer, or SERVFAIL.
    pub failed: bool,
    /// Whether the answer is proven.
    pub dnssec: DnssecStatus,
    /// Milliseconds from the query to the response.
    pub took_ms: f64,
    /// The cause.
    pub verdict: VerdictReport,
    /// The way to the end, in the order of the beginnings.
    pub hops: Vec<HopReport>,
    /// Hops without room in the record.
    pub more_hops: u64,
}

/// The cause of a slow or failed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerdictReport {
    /// The cause in a word.
    pub cause: VerdictCause,
    /// The provider, zone or resolver at fault, if any.
    pub accused: Option<String>,
    /// The cause as a sentence.
    pub text: String,
    /// The figures behind the sentence.
    pub evidence: Vec<String>,
}

/// The cause of a slow or failed answer, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VerdictCause {
    /// Servers of a provider did not reply.
    ProviderSilent,
    /// Servers of a provider replied late.
    ProviderSlow,
    /// Servers of a provider replied with failures, or do not serve the zone.
    ProviderFaulty,
    /// The zone is set up wrongly: no addresses of nameservers, or a loop of aliases.
    Zone,
    /// The data could not be proven.
    Dnssec,
    /// No server responded: the line was down.
    LineDown,
    /// The line lost packets.
    LineLossy,
    /// Every server was far.
    LineSlow,
    /// IPv4 did not work.
    Ipv4,
    /// IPv6 did not work.
    Ipv6,
    /// UDP did not work.
    Udp,
    /// The network answers or blocks queries for foreign servers, as a captive portal does.
    Network,
    /// The clock of this machine was wrong.
    Clock,
    /// The resolver itself: too much work, or a limit.
    Resolver,
    /// Many servers were asked in turn, and each replied soon.
    Steps,
    /// The answer was quick.
    Nothing,
    /// The record does not say.
    #[serde(other)]
    Unknown,
}

/// Something on the way to an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HopReport {
    /// Milliseconds from the query to the beginning of the hop.
    pub at_ms: f64,
    /// Milliseconds from the beginning to the end.
    pub took_ms: f64,
    /// How many look-ups of nameservers the hop is nested in.
    pub depth: u8,
    /// The zone that was asked.
    pub zone: String,
    /// The record type in the question to its servers.
    pub r#type: String,
    /// The event.
    #[serde(flatten)]
    pub event: HopEventReport,
}

/// The event of a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "hop", rename_all = "kebab-case")]
pub enum HopEventReport {
    /// A server was asked.
    Query {
        /// The server's name; `None` where only the address is known.
        server: Option<String>,
        /// The address, with a port other than 53.
        address: String,
        /// The transport: `udp`, `tcp`, `tls`, `https` or `quic`.
        transport: String,
        /// Why this server, and why then.
        why: String,
        /// How useful the reply was.
        outcome: StepOutcome,
        /// The outcome in words.
        text: String,
    },
    /// The same question was under way already, and was waited for.
    Wait {},
    /// A server was left out.
    Skip {
        /// The address.
        address: String,
        /// The reason in words.
        text: String,
    },
}

/// The worst questions of a time, by name, provider and server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TroubleReport {
    /// Failed questions alone; else slow ones.
    pub failures: bool,
    /// The length of the time, in seconds.
    pub seconds: u64,
    /// Questions in this time that were not plain hits.
    pub questions: u64,
    /// Questions that were slow, or failed.
    pub hurt: u64,
    /// Clients that were hurt.
    pub clients: u64,
    /// The worst names, the most hurt questions first.
    pub names: Vec<TroubleEntry>,
    /// The providers and zones at fault, likewise.
    pub providers: Vec<TroubleEntry>,
    /// The servers without a useful reply, likewise.
    pub servers: Vec<TroubleEntry>,
    /// Hurt questions by cause.
    pub causes: Vec<TroubleCause>,
    /// The searched history.
    pub history: HistoryFill,
}

/// A name, a provider or a server, and how many questions it hurt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TroubleEntry {
    /// The name, the provider, or the address of the server.
    pub name: String,
    /// Questions that were hurt.
    pub questions: u64,
    /// Clients that were hurt.
    pub clients: u64,
    /// The longest wait, in milliseconds.
    pub worst_ms: f64,
    /// The cause in the worst case.
    pub cause: VerdictCause,
    /// The cause in the worst case, as a sentence.
    pub text: String,
}

/// Hurt questions of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TroubleCause {
    /// The cause.
    pub cause: VerdictCause,
    /// The questions.
    pub questions: u64,
}

/// The history was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistoryErased {
    /// Records that were erased.
    pub records: u64,
    /// Hours of latencies that were erased.
    #[serde(default)]
    pub hours: u64,
}
