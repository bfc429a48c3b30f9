//! The network around the daemon: the uplink, the ways out, and the treatment of DNS.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The state of the network around the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkReport {
    /// Whether the uplink appears to be down: no server responds.
    pub down: bool,
    /// The share of queries lost on the uplink, 0 to 1.
    pub loss: f64,
    /// The ways out of this machine.
    pub reachability: Reachability,
    /// Networks of configured forwarders or stubs of which no server responds, as prefixes.
    pub silent_networks: Vec<String>,
    /// Whether servers of configured forwarders or stubs reply, although the Internet may not: their zones are resolved.
    #[serde(default)]
    pub routes_reply: bool,
    /// How the network treats DNS.
    pub passage: PassageReport,
    /// How questions become answers on this network; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Box<StrategyReport>>,
    /// The recursion tried after the start, and again while it fails; `None` until the first has ended, and once the
    /// network has changed.
    pub first_recursion: Option<FirstRecursionReport>,
    /// Outages of the last day, all of them over.
    #[serde(default)]
    pub outages: OutageReport,
}

/// Outages of the uplink: times in which no server replied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct OutageReport {
    /// Outages of less than 5 seconds, as of a satellite or a Wi-Fi.
    pub below_5_s: u32,
    /// Of 5 to 30 seconds.
    pub below_30_s: u32,
    /// Of half a minute to 5 minutes, as of a router that starts.
    pub below_300_s: u32,
    /// Of 5 minutes or more.
    pub longer: u32,
    /// The seconds of all together.
    pub total_s: u64,
}

impl OutageReport {
    /// The report of outages that lasted so long.
    #[must_use]
    pub fn of(outages: &[Duration]) -> Self {
        let mut report = OutageReport::default();
        for outage in outages {
            let class = match outage.as_secs() {
                0..5 => &mut report.below_5_s,
                5..30 => &mut report.below_30_s,
                30..300 => &mut report.below_300_s,
                300.. => &mut report.longer,
            };
            *class += 1;
        }
        report.total_s = outages.iter().sum::<Duration>().as_secs();
        report
    }

    /// The number of outages.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.below_5_s + self.below_30_s + self.below_300_s + self.longer
    }
}

/// How questions become answers on the present network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StrategyReport {
    /// `recurse`, `recurse-over-tcp`, `forward-validating`, `forward-unvalidated` or `portal`; later releases may have
    /// further words.
    pub strategy: String,
    /// The strategy as a sentence, without a full stop.
    pub text: String,
    /// The resolvers of the network that are asked; empty while servers are asked by recursion.
    pub resolvers: Vec<String>,
    /// Whether the operator's consent alone is missing: the network's resolver answers, and nothing can be validated
    /// (`network.when-unvalidated`).
    pub needs_consent: bool,
    /// What the API of the network's portal says (RFC 8908); absent where the network has none, or it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal: Option<PortalReport>,
}

/// What the API of a captive portal says of the machine (RFC 8908).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortalReport {
    /// Whether a person has to do something, such as to log in.
    pub captive: bool,
    /// The page for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_portal_url: Option<String>,
    /// A page about the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_info_url: Option<String>,
    /// Seconds until the session ends, as of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_remaining: Option<u64>,
    /// Octets until the session ends, as of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_remaining: Option<u64>,
    /// Whether the session can be extended on the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_extend_session: Option<bool>,
}

/// The word of the strategy behind a captive portal.
const PORTAL: &str = "portal";

impl StrategyReport {
    /// Whether a captive portal holds the network.
    #[must_use]
    pub fn is_portal(&self) -> bool {
        self.strategy == PORTAL
    }

    /// The page on which a person logs in, if the portal's API names one.
    #[must_use]
    pub fn log_in_page(&self) -> Option<&str> {
        self.portal.as_ref()?.user_portal_url.as_deref()
    }

    /// Whether a resolver of the network is asked in the place of servers.
    #[must_use]
    pub fn forwards(&self) -> bool {
        !self.resolvers.is_empty() && !self.is_portal()
    }
}

/// Whether the recursion tried after the start worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirstRecursionReport {
    /// The outcome in a word.
    pub state: FirstRecursionState,
    /// The outcome as a sentence.
    pub text: String,
}

/// The outcome of the first recursion, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FirstRecursionState {
    /// The root zone was found and proven.
    Proven,
    /// The root zone was found; nothing is validated.
    Unvalidated,
    /// No server responded.
    Offline,
    /// Servers responded, but not usefully.
    Failed,
    /// States of later releases.
    #[serde(other)]
    Other,
}

impl FirstRecursionState {
    /// Whether names could not be resolved.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            FirstRecursionState::Offline | FirstRecursionState::Failed => true,
            FirstRecursionState::Proven
            | FirstRecursionState::Unvalidated
            | FirstRecursionState::Other => false,
        }
    }
}

/// Which ways out of this machine work. An untried way counts as working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reachability {
    /// IPv4.
    pub ipv4: bool,
    /// IPv6.
    pub ipv6: bool,
    /// UDP; where it does not work, servers are asked over TCP.
    pub udp: bool,
}

impl Default for Reachability {
    fn default() -> Self {
        Reachability { ipv4: true, ipv6: true, udp: true }
    }
}

impl Reachability {
    /// The names of the working ways, or of the broken ways.
    pub fn names(self, works: bool) -> impl Iterator<Item = &'static str> {
        let ways = [("IPv4", self.ipv4), ("IPv6", self.ipv6), ("UDP", self.udp)];
        ways.into_iter().filter(move |(_, way)| *way == works).map(|(name, _)| name)
    }
}

/// How the network treats queries to foreign servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PassageReport {
    /// The state in a word.
    pub state: PassageState,
    /// Whether signed answers can be proven nevertheless; none where DNS is not intercepted.
    pub proves: Option<bool>,
    /// The obstacle as a sentence; `None` without an obstacle.
    pub text: Option<String>,
}

/// How the network treats queries to foreign servers, in a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PassageState {
    /// No server was asked since the network changed.
    #[default]
    Unknown,
    /// No signature has proven yet that servers themselves reply.
    Doubtful,
    /// Servers themselves reply.
    Open,
    /// A resolver of the network replies in their place.
    Intercepted,
    /// Every query is answered with REFUSED or another failure.
    Refused,
    /// The network reports closed ports or no route.
    Rejected,
    /// No query is answered.
    Silent,
}
