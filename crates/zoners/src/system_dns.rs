//! `zoners system-dns`, hidden: the service that makes this machine ask Zoners while Zoners answers.
//!
//! The service runs as root, apart from the daemon, and takes no request. The service asks the daemon over the loopback
//! interface, looks at the settings, and carries out the three actions of
//! [`DnsSwitch`](zoners_host::dns_switch::DnsSwitch).

mod keep;
mod probe;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use zoners_host::plan::{CommandRunner, Disk, LimitedCommands, NoCommands, SystemRoot};
use zoners_host::privileges::is_root;
use zoners_host::system_dns::{self, FailedCommand, FailedCommands};

use crate::logging::Logging;
use crate::output::{eprintln, println};
use crate::{Failure, machine_dns};
use keep::keep;

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
        return show(&root).map_err(|error| Failure::Failed(error.to_string()));
    }
    if root.is_running_system() && !is_root() {
        return Err(Failure::Usage("only root may do this".to_owned()));
    }
    match arguments.task {
        SystemDnsTask::Keep => {
            let log = arguments.logging.start();
            log.begin(io::stderr()).map_err(|error| Failure::Failed(error.to_string()))?;
            keep(&root).map_err(Failure::Failed)
        }
        _ => {
            let failed = release(&root).map_err(Failure::Failed)?;
            failed.iter().for_each(|failure| eprintln!("{}", failed_line(failure)));
            Ok(())
        }
    }
}

fn show(root: &SystemRoot) -> io::Result<()> {
    let plan = system_dns::plan(root);
    plan.iter().flat_map(|plan| &plan.steps).for_each(|step| println!("{step}"));
    if let Some(condition) = system_dns::read_condition(root) {
        println!("condition: {}", machine_dns::reason(&condition));
    }
    for link in system_dns::reported_links(root) {
        machine_dns::exceptions(&link).iter().for_each(|sentence| println!("{sentence}"));
    }
    for failure in FailedCommands::read(root).list() {
        println!("{}, and is tried again", failed_line(failure));
    }
    plan.map(|_| ())
}

/// A failed command in words.
pub(crate) fn failed_line(failure: &FailedCommand) -> String {
    format!("{}: failed: {}", failure.command, failure.reason)
}

/// Puts back the former settings. In an image, and after a boot, the programs of the system are not told: no program
/// has started with our settings. Returns the commands that failed.
pub(crate) fn release(root: &SystemRoot) -> Result<Vec<FailedCommand>, String> {
    let is_live = root.is_running_system() && system_dns::has_run_in_this_boot(root);
    let commands: &mut dyn CommandRunner =
        if is_live { &mut LimitedCommands { limit: COMMAND_LIMIT } } else { &mut NoCommands };
    system_dns::release(root, Disk::default(), commands)
}
