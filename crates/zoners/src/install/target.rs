//! The systems with a plan of their own.

use zoners_host::mac_installation::{self, MacInstallFacts};
use zoners_host::plan::{RealCommands, SystemRoot};
use zoners_host::{launchd, mac_dns};

use super::failed;
use super::machine::{InstallTarget, input};
use crate::Failure;

/// A system with a plan of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TargetSystem {
    Linux,
    Macos,
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
