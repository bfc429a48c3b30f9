//! `zoners system-dns`, hidden: the service that makes this machine ask Zoners while Zoners answers.
//!
//! The service runs as root, apart from the daemon, and takes no request. The service asks the daemon over the loopback
//! interface, looks at the settings, and carries out the actions of
//! [`DnsSwitch`](zoners_host::dns_switch::DnsSwitch) on Linux, or of [`MacDns`](zoners_host::mac_dns::MacDns) on macOS.
//! The module of each system has the same functions.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod probe;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;

pub(crate) use system::{forget_choice, is_taken, release};

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use zoners_host::plan::SystemRoot;
use zoners_host::privileges::is_root;

use crate::Failure;
use crate::logging::Logging;
use crate::output::eprintln;

/// The time for a command: the machine must not wait long for its former DNS because one program hangs.
const COMMAND_LIMIT: Duration = Duration::from_secs(20);

/// Arguments of `zoners system-dns`.
#[derive(Debug, clap::Args)]
pub(crate) struct SystemDnsArguments {
    /// What is to be done.
    #[arg(value_enum)]
    task: SystemDnsTask,
    #[command(flatten)]
    logging: Logging,
    /// The folder that stands for `/`.
    #[arg(long = "root", value_name = "FOLDER", default_value = "/")]
    folder: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SystemDnsTask {
    /// Take the settings while Zoners answers, release them else; until a signal.
    Keep,
    /// Put back the former settings.
    Release,
    /// Print the steps by which the settings are taken, the condition, and commands that failed.
    Show,
}

pub(crate) fn run(arguments: &SystemDnsArguments) -> Result<(), Failure> {
    let root = SystemRoot::new(&arguments.folder);
    let root =
        root.map_err(|error| Failure::Usage(format!("{}: {error}", arguments.folder.display())))?;
    if let SystemDnsTask::Show = arguments.task {
        return system::show(&root).map_err(|error| Failure::Failed(error.to_string()));
    }
    if root.is_running_system() && !is_root() {
        return Err(Failure::Usage("only root may do this".to_owned()));
    }
    match arguments.task {
        SystemDnsTask::Keep => {
            let log = arguments.logging.start();
            log.begin(io::stderr()).map_err(|error| Failure::Failed(error.to_string()))?;
            system::keep(&root).map_err(Failure::Failed)
        }
        _ => {
            let failed = release(&root).map_err(Failure::Failed)?;
            failed.iter().for_each(|line| eprintln!("{line}"));
            Ok(())
        }
    }
}
