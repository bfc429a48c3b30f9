//! The service on Linux: asks the daemon, looks at the settings, and carries out the actions of [`DnsSwitch`].

mod network_reporter;

use std::io;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use zoners_host::dns_switch::{DaemonProbe, DnsSwitch, SwitchAction, SwitchCondition};
use zoners_host::plan::{CommandRunner, Disk, LimitedCommands, NoCommands, SystemRoot};
use zoners_host::service_manager;
use zoners_host::system_dns::{
    self, FailedCommand, FailedCommands, LinkServers, RememberedChoice, SettingObserver,
};

use super::COMMAND_LIMIT;
use super::probe::{probe, probe_question};
use crate::dns_server::PORT;
use crate::machine_dns;
use crate::output::println;

/// Observations after which the service manager hears of readiness at the latest: the network must not wait.
const MAX_START_ROUNDS: usize = 4;

/// The service, with what outlives a single observation.
#[derive(Debug)]
struct SystemDnsService<'a> {
    root: &'a SystemRoot,
    switch: DnsSwitch,
    observer: SettingObserver,
    choice: RememberedChoice,
    failed: FailedCommands,
    /// The last condition in the report.
    told: SwitchCondition,
    /// The last links in the report.
    links: Vec<LinkServers>,
}

/// Runs the service until a signal.
pub(super) fn keep(root: &SystemRoot) -> Result<(), String> {
    let explain = |error: io::Error| error.to_string();
    let mut failed = FailedCommands::read(root);
    // A killed process or a power cut may have left our settings.
    failed.add(logged(release_settings(root, system_dns::has_run_in_this_boot(root))?));
    system_dns::write_condition(root, &SwitchCondition::NotReady).map_err(explain)?;
    let choice = RememberedChoice::read(root);
    let mut service = SystemDnsService {
        root,
        switch: DnsSwitch::new(choice.setting()),
        observer: SettingObserver::default(),
        choice,
        failed,
        told: SwitchCondition::NotReady,
        links: system_dns::reported_links(root),
    };
    service.report_failed_commands();
    let runtime = Builder::new_current_thread().enable_all().build().map_err(explain)?;
    let reporting = runtime.spawn(network_reporter::report(root.clone()));
    runtime.block_on(service.observe_until_signal())?;
    reporting.abort();
    service_manager::notify_stopping();
    logged(release_settings(root, true)?);
    system_dns::remove_condition(root).map_err(explain)
}

impl SystemDnsService<'_> {
    async fn observe_until_signal(&mut self) -> Result<(), String> {
        let explain = |error: io::Error| error.to_string();
        let mut terminate = signal(SignalKind::terminate()).map_err(explain)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(explain)?;
        let (began, question) = (Instant::now(), probe_question()?);
        for round in 1.. {
            let probe = probe(&question, PORT).await;
            self.observe(began.elapsed(), probe);
            let is_settled =
                probe != DaemonProbe::Answered || self.told != SwitchCondition::NotReady;
            if is_settled || round == MAX_START_ROUNDS {
                service_manager::notify_ready();
            }
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                () = tokio::time::sleep(self.switch.interval()) => {}
            }
        }
        Ok(())
    }

    /// Looks at the settings, and does what the switch decides.
    fn observe(&mut self, now: Duration, probe: DaemonProbe) {
        if self.choice.is_withdrawn(self.root) {
            tracing::info!("system DNS: the choice of other servers is withdrawn");
            self.switch.forget_choice();
        }
        // Before an action, so that a command has a moment until the second attempt.
        self.try_failed_commands_again(now);
        let setting = self.observer.observe(self.root, now);
        let setting =
            setting.inspect_err(|error| tracing::debug!("system DNS: not readable: {error}")).ok();
        if let Some(action) = self.switch.observe(now, probe, setting) {
            let end = self.act(action);
            self.switch.ended(action, end);
        }
        if let Err(error) = self.choice.update(self.root, self.switch.choice()) {
            tracing::warn!("system DNS: the choice of servers is not remembered: {error}");
        }
        self.report();
        self.report_links();
    }

    /// Carries out an action.
    fn act(&mut self, action: SwitchAction) -> Result<(), String> {
        tracing::info!(
            "system DNS: {}",
            match action {
                SwitchAction::Take => "taking the settings: Zoners answers",
                SwitchAction::Release => "releasing the settings: Zoners does not answer",
                SwitchAction::Renew => "taking the settings again: they were overwritten",
            }
        );
        if action != SwitchAction::Take {
            self.failed.add(logged(release_settings(self.root, true)?));
            self.report_failed_commands();
        }
        if action == SwitchAction::Release {
            return Ok(());
        }
        let plan = system_dns::plan(self.root).map_err(|error| error.to_string())?;
        system_dns::take(
            self.root,
            Disk::default(),
            &mut LimitedCommands { limit: COMMAND_LIMIT },
            &plan,
        )?;
        if !self.failed.list().is_empty() {
            self.failed.clear();
            self.report_failed_commands();
        }
        Ok(())
    }

    fn try_failed_commands_again(&mut self, now: Duration) {
        let ends = self.failed.try_again(now, &mut LimitedCommands { limit: COMMAND_LIMIT });
        for (command, end) in &ends {
            match end {
                Ok(()) => tracing::info!("system DNS: {command}: succeeded this time"),
                Err(reason) => tracing::warn!("system DNS: {command}: failed again: {reason}"),
            }
        }
        if !ends.is_empty() {
            self.report_failed_commands();
        }
    }

    fn report(&mut self) {
        let condition = self.switch.condition();
        if condition == self.told {
            return;
        }
        tracing::info!("system DNS: {}", machine_dns::reason(&condition));
        if let Err(error) = system_dns::write_condition(self.root, &condition) {
            tracing::warn!("system DNS: the report is not written: {error}");
        }
        self.told = condition;
    }

    /// Reports links with servers for names of their own.
    fn report_links(&mut self) {
        let links = system_dns::read_links(self.root);
        if links == self.links {
            return;
        }
        for sentence in links.iter().flat_map(machine_dns::exceptions) {
            tracing::info!("system DNS: {sentence}");
        }
        if let Err(error) = system_dns::write_links(self.root, &links) {
            tracing::warn!("system DNS: the report is not written: {error}");
        }
        self.links = links;
    }

    fn report_failed_commands(&self) {
        if let Err(error) = self.failed.write(self.root) {
            tracing::warn!("system DNS: the report is not written: {error}");
        }
    }
}

/// Failed commands, after a line in the log for each.
fn logged(failed: Vec<FailedCommand>) -> Vec<FailedCommand> {
    for FailedCommand { command, reason } in &failed {
        tracing::warn!("system DNS: {command}: failed: {reason}");
    }
    failed
}

pub(super) fn show(root: &SystemRoot) -> io::Result<()> {
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
fn failed_line(failure: &FailedCommand) -> String {
    format!("{}: failed: {}", failure.command, failure.reason)
}

/// Puts back the former settings; returns a line for each command that failed.
pub(crate) fn release(root: &SystemRoot) -> Result<Vec<String>, String> {
    let has_run = system_dns::has_run_in_this_boot(root);
    Ok(release_settings(root, has_run)?.iter().map(failed_line).collect())
}

/// Forgets the choice of foreign servers, made by a person.
pub(crate) fn forget_choice(root: &SystemRoot) -> io::Result<()> {
    system_dns::forget_choice(root)
}

/// Whether the settings are taken, wholly or in part.
pub(crate) fn is_taken(root: &SystemRoot) -> io::Result<bool> {
    system_dns::is_taken(root)
}

/// Puts back the former settings. In an image, and after a boot in which the service has not run, the programs of the
/// system are not told: no program has started with our settings. Returns the commands that failed.
fn release_settings(root: &SystemRoot, has_run: bool) -> Result<Vec<FailedCommand>, String> {
    let is_live = root.is_running_system() && has_run;
    let commands: &mut dyn CommandRunner =
        if is_live { &mut LimitedCommands { limit: COMMAND_LIMIT } } else { &mut NoCommands };
    system_dns::release(root, Disk::default(), commands)
}
