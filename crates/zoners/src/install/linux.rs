//! The plan of an install on Linux.

use zoners_host::installation::{InstallFacts, USER};
use zoners_host::plan::SystemRoot;
use zoners_host::service_units::ServiceManagerKind;

use super::failed;
use super::machine::{InstallTarget, input};
use crate::Failure;

pub(super) fn read(root: &SystemRoot) -> Result<InstallTarget, Failure> {
    let facts = InstallFacts::read(root).map_err(failed)?;
    let plan = facts.plan(input(started_user(facts.manager))?).map_err(Failure::Failed)?;
    let switch_steps = facts.dns.plan();
    Ok(InstallTarget { sentence: sentence(&facts), plan, switch_steps, switch_words: None })
}

/// The user that a daemon started as root must become; none where the manager starts the daemon as that user.
pub(super) fn started_user(manager: Option<ServiceManagerKind>) -> Option<&'static str> {
    match manager {
        Some(ServiceManagerKind::Systemd) | None => None,
        Some(_) => Some(USER),
    }
}

/// The machine in a sentence.
fn sentence(facts: &InstallFacts) -> String {
    let manager = match facts.manager {
        Some(ServiceManagerKind::Systemd) => "systemd",
        Some(ServiceManagerKind::OpenRc) => "OpenRC",
        Some(ServiceManagerKind::Runit(_)) => "runit",
        None => "no known service manager",
    };
    format!("Services are started by {manager}; the DNS settings belong to {}.", facts.dns.owner())
}
