//! The machine or image of an install, with the plan of its system.

use zoners_host::install_steps::InstallInput;
use zoners_host::mac_installation::{self, MacInstallFacts};
use zoners_host::plan::{PlanStep, RealCommands, SystemPlan, SystemRoot};
use zoners_host::{launchd, mac_dns};

use super::{failed, pages};
use crate::Failure;

/// A system with a plan of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TargetSystem {
    Linux,
    Macos,
}

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

impl TargetSystem {
    /// The system of this program.
    pub(super) const fn own() -> Self {
        if cfg!(target_os = "macos") { TargetSystem::Macos } else { TargetSystem::Linux }
    }

    /// The name of the service that takes the settings.
    pub(super) fn switch_name(self) -> &'static str {
        match self {
            TargetSystem::Linux => zoners_host::service_units::SWITCH_NAME,
            TargetSystem::Macos => launchd::SWITCH_LABEL,
        }
    }

    /// Reads the machine, and plans.
    pub(super) fn read(self, root: &SystemRoot) -> Result<InstallTarget, Failure> {
        match self {
            #[cfg(target_os = "linux")]
            TargetSystem::Linux => super::linux::read(root),
            #[cfg(not(target_os = "linux"))]
            TargetSystem::Linux => {
                Err(Failure::Usage("a plan for Linux is made on Linux alone".to_owned()))
            }
            TargetSystem::Macos => macos(root),
        }
    }
}

fn macos(root: &SystemRoot) -> Result<InstallTarget, Failure> {
    let facts = MacInstallFacts::read(root, &mut RealCommands).map_err(failed)?;
    let plan = facts.plan(input(Some(mac_installation::USER))?);
    Ok(InstallTarget {
        sentence: "Services are started by launchd; the DNS settings belong to macOS.".to_owned(),
        plan,
        switch_steps: Vec::new(),
        switch_words: Some(mac_dns::IN_WORDS),
    })
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
