//! `zoners install` and `zoners uninstall`: this machine asks Zoners from now on, or as before.

mod checks;
#[cfg(target_os = "linux")]
mod linux;
mod machine;
mod pages;
mod show;
mod target;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use zoners_host::plan::{
    Disk, OnConflict, PlanExecutor, PlanFailure, RealCommands, SystemRoot, UndoPlan, UndoStep,
};
use zoners_host::ports;
use zoners_host::privileges::is_root;

use crate::Failure;
use crate::dns_server::PORT;
use crate::output::{eprintln, println};
use crate::overview::is_neighbour;
use crate::print::{GREEN, YELLOW, warning};
use crate::system_dns;
use checks::InstallChecks;
use target::TargetSystem;

/// Arguments of `zoners install`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It starts Zoners as a service, waits until 127.0.0.1 answers with a proven name, and only then
changes the DNS settings of this machine, by the way of the program that owns them: systemd-resolved,
NetworkManager, resolvconf, openresolv, dhcpcd, dhclient, or /etc/resolv.conf itself; macOS. If a step
fails, everything is undone. `zoners uninstall` undoes everything at any later time, also after a power cut.

Example:
  zoners install --dry-run                see what would be done
  sudo zoners install                     do it"
)]
pub(crate) struct InstallArguments {
    /// Print the plan, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go ahead without a question.
    #[arg(short, long)]
    yes: bool,
    /// Change the settings even where this network does not let Zoners resolve names.
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    root: RootFolder,
    /// The system of the plan, with --dry-run.
    #[arg(long, value_enum, hide = true, requires = "dry_run")]
    system: Option<TargetSystem>,
}

/// Arguments of `zoners uninstall`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It needs no DNS, and finds in a journal what was there before. A file that has changed since the
install is shown with its changes, and nothing is undone without --force. An edited
/etc/zoners/zoners.toml stays."
)]
pub(crate) struct UninstallArguments {
    /// Print what would be undone, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go ahead without a question.
    #[arg(short, long)]
    yes: bool,
    /// Put back changed files too, which loses the changes; and go on where a command fails.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    root: RootFolder,
}

#[derive(Debug, clap::Args)]
struct RootFolder {
    /// The folder that stands for `/`, for those who build images: no service is started.
    #[arg(long = "root", value_name = "FOLDER", default_value = "/")]
    folder: PathBuf,
}

impl RootFolder {
    fn open(&self) -> Result<SystemRoot, Failure> {
        let root = SystemRoot::new(&self.folder);
        root.map_err(|error| Failure::Usage(format!("{}: {error}", self.folder.display())))
    }
}

pub(crate) fn install(arguments: &InstallArguments) -> Result<(), Failure> {
    let root = arguments.root.open()?;
    let system = arguments.system.unwrap_or(TargetSystem::own());
    let target = system.read(&root)?;
    let mut commands = RealCommands;
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands: &mut commands };
    println!("{}", target.sentence);
    show::plan(&mut executor, &target.plan)?.iter().for_each(|line| println!("{line}"));
    show::switch(&target, system.switch_name()).iter().for_each(|line| println!("{line}"));
    if arguments.dry_run {
        return Ok(());
    }
    allowed(&root, "zoners install")?;
    if root.is_running_system() {
        port_is_free()?;
    }
    confirm(arguments.yes)?;
    // The person wants Zoners to be asked, whatever the earlier choice.
    system_dns::forget_choice(&root).map_err(failed)?;
    let mut checks = InstallChecks::new(arguments.anyway);
    let passed_over = checks.passed_over();
    let ended = executor.carry_out(&target.plan, &mut checks, &mut |step, end| {
        // The warning stands in place of the line.
        if passed_over.take() {
            return;
        }
        show::progress(step, end).iter().for_each(|line| println!("{line}"));
    });
    ended.map_err(|failure| Failure::Failed(undone(&failure)))?;
    match root.is_running_system() {
        true => println!(
            "{GREEN}This machine asks Zoners.{GREEN:#} `zoners status` shows how it is doing."
        ),
        false => println!("The system in {} is going to ask Zoners.", root.folder().display()),
    }
    Ok(())
}

pub(crate) fn uninstall(arguments: &UninstallArguments) -> Result<(), Failure> {
    let root = arguments.root.open()?;
    let mut commands = RealCommands;
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands: &mut commands };
    if !arguments.dry_run {
        allowed(&root, "zoners uninstall")?;
    }
    let on_conflict = if arguments.force { OnConflict::Restore } else { OnConflict::Refuse };
    let plan = executor.examine_undo(on_conflict).map_err(failed)?;
    let Some(plan) = plan else {
        println!("Nothing is installed: there is no journal of an install.");
        if !arguments.dry_run {
            release(&root)?;
        }
        // A killed process may have left the folder of the journal.
        return match arguments.dry_run {
            true => Ok(()),
            false => executor.undo_all(false, &mut |_, _| {}).map_err(Failure::Failed),
        };
    };
    if system_dns::is_taken(&root).map_err(failed)? {
        println!("{}", show::RELEASE);
    }
    show::undo(&plan).iter().for_each(|line| println!("{line}"));
    refuse_conflicts(&plan)?;
    if arguments.dry_run {
        return Ok(());
    }
    confirm(arguments.yes)?;
    release_first(&root, &plan, arguments.force)?;
    let ended = executor.undo_all(arguments.force, &mut |step, remark| {
        show::undone(step, remark).iter().for_each(|line| println!("{line}"));
    });
    ended.map_err(|reason| {
        Failure::Failed(format!(
            "{reason}\n`zoners uninstall` goes on from here; the rest is as it was"
        ))
    })?;
    release(&root)?;
    println!("{GREEN}This machine is as before.{GREEN:#}");
    Ok(())
}

/// Releases the DNS settings before anything else is undone: if the undo ends in the middle, the machine has DNS. The
/// service that takes the settings is stopped first; a killed one has released nothing.
fn release_first(root: &SystemRoot, plan: &UndoPlan, force: bool) -> Result<(), Failure> {
    let switch = plan.steps.iter().find_map(|step| match step {
        UndoStep::Stop(service) if service.name == TargetSystem::own().switch_name() => {
            Some(service)
        }
        _ => None,
    });
    if let Some(service) = switch
        && let Err(reason) = service.stop.run_by(&mut RealCommands)
    {
        let reason = format!("{}: {reason}", service.stop);
        match force {
            true => eprintln!("{}", warning(&reason)),
            false => return Err(Failure::Failed(format!("{reason}; nothing was undone"))),
        }
    }
    release(root)
}

/// Releases the DNS settings.
fn release(root: &SystemRoot) -> Result<(), Failure> {
    for line in system_dns::release(root).map_err(Failure::Failed)? {
        eprintln!("{}", warning(&line));
    }
    zoners_host::condition_file::remove_condition(root).map_err(failed)
}

/// Only root changes a system; the folder of an image may belong to anyone.
fn allowed(root: &SystemRoot, command: &str) -> Result<(), Failure> {
    match root.is_running_system() && !is_root() {
        true => Err(Failure::Usage(format!("only root may do this: sudo {command}"))),
        false => Ok(()),
    }
}

/// Whether the port is free: a different server there would answer in the place of Zoners.
fn port_is_free() -> Result<(), Failure> {
    let address = (std::net::Ipv4Addr::LOCALHOST, PORT);
    let bound = std::net::UdpSocket::bind(address);
    let taken = bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    let owner = ports::owner(PORT).filter(|owner| !is_neighbour(owner));
    match owner {
        Some(owner) if taken && owner.name != env!("CARGO_PKG_NAME") => Err(Failure::Failed(
            format!("port {PORT} is taken by {owner}: stop that server first; nothing was changed"),
        )),
        _ => Ok(()),
    }
}

fn confirm(yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("there is no terminal for a question: add --yes".to_owned()));
    }
    let _ = write!(anstream::stderr(), "Go ahead? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Failed("nothing was changed".to_owned())),
    }
}

fn refuse_conflicts(plan: &UndoPlan) -> Result<(), Failure> {
    let conflicts: Vec<String> = plan.conflicts().map(ToString::to_string).collect();
    if conflicts.is_empty() {
        return Ok(());
    }
    for line in show::conflicts(plan) {
        eprintln!("{line}");
    }
    Err(Failure::Failed(format!(
        "{}; nothing was undone. Undo the change by hand, or lose it with --force",
        conflicts.join("; ")
    )))
}

/// The reason of a failed install, and the state after the undo.
fn undone(failure: &PlanFailure) -> String {
    let step = failure.step.as_ref().map(|step| format!("{step}: ")).unwrap_or_default();
    let left = match &failure.undone {
        Ok(()) => "everything is as before".to_owned(),
        Err(reason) => format!("not everything could be undone ({reason}): run `zoners uninstall`"),
    };
    format!("{step}{}\n{YELLOW}{left}{YELLOW:#}", failure.reason)
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}

/// A remark on a failed check that does not count.
fn passed_over(reason: &str) {
    eprintln!("{}", warning(&format!("{reason} (passed over: --anyway)")));
}
