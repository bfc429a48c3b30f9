//! The diagnosis behind `zoners doctor`: the part at fault where names do not resolve.
//!
//! [`Observations`] in, [`Examination`] out. The crate opens no socket and reads no file: the command line gathers the
//! observations, and a test or a support engineer can replay them from JSON.
//!
//! A diagnosis has three steps, each in files of its own:
//!
//! 1. [`WayState`] names one cause for each address family, the nearest to the machine first: a dead router explains
//!    everything behind the router, so that one cause makes one finding.
//! 2. `checks` has one file for each kind of trouble. A check of the line looks at the cause of the family; a check of
//!    the machine is independent of the line.
//! 3. [`Examination`] sorts the findings, and takes the verdict from the worst.
//!
//! ```
//! use zoners_doctor::{Culprit, Examination, Observations};
//!
//! let unplugged = Observations::default();
//! let examination = Examination::of(&unplugged);
//! assert_eq!(examination.verdict.culprit, Some(Culprit::Machine));
//! assert_eq!(examination.findings[0].id, "no-network");
//! ```

mod checks;
mod command_lines;
mod examination;
mod finding;
mod observations;
pub mod page;
#[cfg(test)]
mod tests;
mod way_state;

pub use examination::{Examination, LineVerdict};
pub use finding::{Culprit, DoctorFinding, SoundPart};
pub use observations::{
    BrowserDnsMode, BrowserFamily, BrowserObservation, ClientObservation, ClockObservation,
    ConfigurationObservation, CrashObservation, DaemonObservation, DescriptorObservation,
    FamilyObservation, HostSystem, IpFamily, LinkSummary, NameObservation, Nat64Observation,
    Observations, OwnAnswer, PortObservation, PortSocketUse, PortalObservation, ProbeCounts,
    ProbeTransport, ReplyTraits, RouterObservation, RouterPassage, ServerProbe,
    SettingsObservation, SizeProbe, StateObservation,
};
pub use way_state::WayState;
