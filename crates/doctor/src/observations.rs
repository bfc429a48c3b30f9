//! What is seen of a machine and its line: plain data, without judgement.
//!
//! Every field has a default that means "not seen", so that observations of an older release can be read, and so that
//! a test names the fields of its trouble alone.

mod line;
mod machine;

use serde::{Deserialize, Serialize};

pub use line::{
    FamilyObservation, IpFamily, ProbeCounts, ProbeTransport, ReplyTraits, RouterObservation,
    RouterPassage, ServerProbe, SizeProbe,
};
pub use machine::{
    ClientObservation, ClockObservation, ConfigurationObservation, DaemonObservation,
    DescriptorObservation, LinkSummary, NameObservation, OwnAnswer, PortObservation, PortSocketUse,
    PortalObservation, SettingsObservation, StateObservation,
};

/// What is seen of a machine and its line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observations {
    /// The links that are up, but for the loopback interface.
    pub links: Vec<LinkSummary>,
    /// The line, by address family.
    pub families: Vec<FamilyObservation>,
    /// Whether the network asks for a log-in.
    pub portal: PortalObservation,
    /// The clock against the time that signatures and HTTP servers tell.
    pub clock: ClockObservation,
    /// The DNS settings of the system.
    pub settings: SettingsObservation,
    /// The sockets at port 53.
    pub port: PortObservation,
    /// The daemon.
    pub daemon: DaemonObservation,
    /// The configuration file.
    pub configuration: ConfigurationObservation,
    /// The folder with the daemon's state; `None` if unknown.
    pub state: Option<StateObservation>,
    /// The descriptors of the daemon; `None` if unknown.
    pub descriptors: Option<DescriptorObservation>,
    /// The clients of the daemon; `None` if unknown.
    pub clients: Option<ClientObservation>,
    /// The name that the user asked about.
    pub name: Option<NameObservation>,
    /// Prefixes of a NAT64 (RFC 7050).
    pub nat64: Vec<String>,
    /// Ends of the daemon without order, newest first, a line each.
    pub crashes: Vec<String>,
}

impl Observations {
    /// The observation of a family, if present.
    #[must_use]
    pub fn family(&self, family: IpFamily) -> Option<&FamilyObservation> {
        self.families.iter().find(|seen| seen.family == family)
    }
}
