//! The machine or image of an install, with the plan of its system.

use zoners_host::install_steps::InstallInput;
use zoners_host::plan::{PlanStep, SystemPlan};

use super::{failed, pages};
use crate::Failure;

/// The machine or image.
#[derive(Debug)]
pub(super) struct InstallTarget {
    /// The service manager and the owner of the DNS settings.
    pub(super) sentence: String,
    /// The steps of the install.
    pub(super) plan: SystemPlan,
    /// The steps of the service that takes the settings.
    pub(super) switch_steps: Vec<PlanStep>,
    /// The same in words, where the service does not work by steps.
    pub(super) switch_words: Option<&'static str>,
}

/// What this program brings. `user`: the user that a daemon started as root must become.
pub(super) fn input(user: Option<&str>) -> Result<InstallInput, Failure> {
    let program = std::env::current_exe().and_then(std::fs::canonicalize).map_err(failed)?;
    Ok(InstallInput { program, config: config(user), pages: pages::all()? })
}

/// The configuration for a machine without one.
pub(super) fn config(user: Option<&str>) -> String {
    let head = format!(
        "# Settings of Zoners. None is needed; {} has all of them, with their defaults.\n# After a change: zoners reload\n",
        pages::EXAMPLE
    );
    match user {
        None => head,
        Some(user) => format!("{head}[server]\nuser = \"{user}\"\n"),
    }
}
