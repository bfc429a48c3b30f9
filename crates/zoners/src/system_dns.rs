//! `zoners system-dns`, hidden: the service that makes this machine ask Zoners while Zoners answers.
//!
//! The service runs as root, apart from the daemon, and takes no request. The service asks the daemon over the loopback
//! interface, looks at the settings, and carries out the three actions of [`DnsSwitch`].

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use zoners_dns::{Checking, Endpoint, Question, Transport};
use zoners_host::dns_switch::{DaemonProbe, DnsSwitch, SwitchAction, SwitchCondition};
use zoners_host::plan::{CommandRunner, Disk, NoCommands, RealCommands, SystemRoot};
use zoners_host::privileges::is_root;
use zoners_host::{service_manager, system_dns};
use zoners_server::control::question;

use crate::dns_server::{DnsServer, PORT, QueryManner};
use crate::logging::Logging;
use crate::output::println;
use crate::{Failure, machine_dns};

/// The name that every daemon answers without a network (RFC 6761 section 6.3).
const PROBE_NAME: &str = "localhost";
/// The wait for an answer. The daemon answers on this machine, and without a network.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// Observations after which the service manager hears of readiness at the latest: the network must not wait.
const MAX_START_ROUNDS: usize = 4;

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
    /// Print the steps by which the settings are taken.
    Show,
}

pub(crate) fn run(arguments: &SystemDnsArguments) -> Result<(), Failure> {
    let root = SystemRoot::new(&arguments.folder);
    let root =
        root.map_err(|error| Failure::Usage(format!("{}: {error}", arguments.folder.display())))?;
    if let SystemDnsTask::Show = arguments.task {
        let plan = system_dns::plan(&root).map_err(|error| Failure::Failed(error.to_string()))?;
        plan.steps.iter().for_each(|step| println!("{step}"));
        return Ok(());
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
        _ => release(&root).map_err(Failure::Failed),
    }
}

/// Puts back the former settings. In an image, and after a boot, the programs of the system are not told: no program
/// has started with our settings.
pub(crate) fn release(root: &SystemRoot) -> Result<(), String> {
    let is_live = root.is_running_system() && system_dns::has_run_in_this_boot(root);
    let commands: &mut dyn CommandRunner =
        if is_live { &mut RealCommands } else { &mut NoCommands };
    system_dns::release(root, Disk::default(), commands)
}

fn keep(root: &SystemRoot) -> Result<(), String> {
    let explain = |error: io::Error| error.to_string();
    // A killed process or a power cut may have left our settings.
    release(root)?;
    let before = system_dns::read_condition(root);
    system_dns::write_condition(root, &SwitchCondition::NotReady).map_err(explain)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(explain)?;
    let mut switch = DnsSwitch::new(before);
    runtime.block_on(observe_until_signal(root, &mut switch))?;
    service_manager::notify_stopping();
    release(root)?;
    system_dns::remove_condition(root).map_err(explain)
}

async fn observe_until_signal(root: &SystemRoot, switch: &mut DnsSwitch) -> Result<(), String> {
    let explain = |error: io::Error| error.to_string();
    let mut terminate = signal(SignalKind::terminate()).map_err(explain)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(explain)?;
    let question = question(PROBE_NAME, "A")?;
    let (began, mut told) = (Instant::now(), SwitchCondition::NotReady);
    for round in 1.. {
        let probe = probe(&question, PORT).await;
        let setting = system_dns::observe(root);
        let setting =
            setting.inspect_err(|error| tracing::debug!("system DNS: not readable: {error}")).ok();
        if let Some(action) = switch.observe(began.elapsed(), probe, setting) {
            let end = act(root, action);
            switch.ended(action, end);
        }
        let condition = switch.condition();
        if condition != told {
            tracing::info!("system DNS: {}", machine_dns::reason(&condition));
            if let Err(error) = system_dns::write_condition(root, &condition) {
                tracing::warn!("system DNS: the report is not written: {error}");
            }
            told = condition;
        }
        let is_settled = probe != DaemonProbe::Answered || told != SwitchCondition::NotReady;
        if is_settled || round == MAX_START_ROUNDS {
            service_manager::notify_ready();
        }
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = tokio::time::sleep(switch.interval()) => {}
        }
    }
    Ok(())
}

/// Carries out an action.
fn act(root: &SystemRoot, action: SwitchAction) -> Result<(), String> {
    tracing::info!(
        "system DNS: {}",
        match action {
            SwitchAction::Take => "taking the settings: Zoners answers",
            SwitchAction::Release => "releasing the settings: Zoners does not answer",
            SwitchAction::Renew => "taking the settings again: they were overwritten",
        }
    );
    if action != SwitchAction::Take {
        release(root)?;
    }
    if action == SwitchAction::Release {
        return Ok(());
    }
    let plan = system_dns::plan(root).map_err(|error| error.to_string())?;
    system_dns::take(root, Disk::default(), &mut RealCommands, &plan)
}

/// Asks the daemon, over UDP and TCP: programs need both. Each question has a new source port, and so reaches each
/// worker in turn.
async fn probe(question: &Question, port: u16) -> DaemonProbe {
    for transport in [Transport::Udp, Transport::Tcp] {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let manner = QueryManner {
            recursion_desired: true,
            checking: Checking::Enabled,
            timeout: Some(PROBE_TIMEOUT),
            tries: 1,
        };
        let Ok(server) = DnsServer::at(Endpoint::new(address, transport)) else {
            return DaemonProbe::Silent;
        };
        if server.first_reply(question, manner).await.is_err() {
            return failure(address);
        }
    }
    DaemonProbe::Answered
}

/// Whether a process listens that gave no reply.
fn failure(address: SocketAddr) -> DaemonProbe {
    match TcpStream::connect_timeout(&address, PROBE_TIMEOUT) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => DaemonProbe::Refused,
        _ => DaemonProbe::Silent,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[tokio::test]
    async fn a_port_without_a_process_refuses() {
        let question = question(PROBE_NAME, "A").unwrap();
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(failure((Ipv4Addr::LOCALHOST, port).into()), DaemonProbe::Refused);
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_eq!(failure(listener.local_addr().unwrap()), DaemonProbe::Silent);
        drop((taken, listener));
        assert_eq!(probe(&question, port).await, DaemonProbe::Refused);
    }
}
