//! Observations of a machine and its line: plain data, without judgement.
//!
//! Every field has a default, "not seen": so observations of an older release can be read, and a test names the fields
//! of its trouble alone.

mod line;
mod machine;
mod settings;

use serde::{Deserialize, Serialize};

pub use line::{
    FamilyObservation, IpFamily, Nat64Observation, ProbeCounts, ProbeTransport, ReplyTraits,
    RouterObservation, RouterPassage, ServerProbe, SizeProbe,
};
pub use machine::{
    ClientObservation, ClockObservation, ConfigurationObservation, CrashObservation,
    DaemonObservation, DescriptorObservation, HostSystem, LinkSummary, NameObservation, OwnAnswer,
    PortObservation, PortSocketUse, PortalObservation, StateObservation,
};
pub use settings::{BrowserDnsMode, BrowserFamily, BrowserObservation, SettingsObservation};

/// Observations of a machine and its line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observations {
    /// The system, as far as the lines to type differ.
    pub system: HostSystem,
    /// The links in use, but for the loopback interface.
    pub links: Vec<LinkSummary>,
    /// The line, by address family.
    pub families: Vec<FamilyObservation>,
    /// Whether the network asks for a log-in.
    pub portal: PortalObservation,
    /// The clock against the time of signatures and HTTP servers.
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
    /// The name of the user.
    pub name: Option<NameObservation>,
    /// The NAT64 of the network.
    pub nat64: Nat64Observation,
    /// Ends of the daemon without order.
    pub crashes: CrashObservation,
    /// The release of this program.
    pub program: String,
}

impl Observations {
    /// The observation of a family, if present.
    #[must_use]
    pub fn family(&self, family: IpFamily) -> Option<&FamilyObservation> {
        self.families.iter().find(|seen| seen.family == family)
    }
}
