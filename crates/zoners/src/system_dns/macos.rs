//! The service on macOS: asks the daemon, and has [`MacDns`] decide and act.

use std::io;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use zoners_host::RealMacPrograms;
use zoners_host::clock::SleepClock;
use zoners_host::condition_file::{read_condition, remove_condition, write_condition};
use zoners_host::dns_switch::SwitchCondition;
use zoners_host::launchd::LOG_FOLDER;
use zoners_host::long_logs::cut_long_logs;
use zoners_host::mac_dns::{self, MacDns};
use zoners_host::plan::{LimitedCommands, SystemRoot};

use super::COMMAND_LIMIT;
use super::probe::{probe, probe_question};
use crate::arrivals::{client_queries, new_name};
use crate::dns_server::PORT;
use crate::machine_dns;
use crate::output::println;

/// A shorter sleep is a pause of the process.
const MIN_SLEEP: Duration = Duration::from_secs(5);
/// The wait for a question by the resolver of the system. The settings are not released meanwhile.
const PROOF_TIMEOUT: Duration = Duration::from_secs(2);
/// The time between two looks at the length of the logs.
const LOG_INTERVAL: Duration = Duration::from_secs(600);

/// Runs the service until a signal.
pub(super) fn keep(root: &SystemRoot) -> Result<(), String> {
    let explain = |error: io::Error| error.to_string();
    let mut keeper = MacDns::start(root.clone(), RealMacPrograms::new(COMMAND_LIMIT))?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(explain)?;
    let ended = runtime.block_on(observe_until_signal(root, &mut keeper));
    // A look-up by the system may take longer, and ends with the process.
    runtime.shutdown_background();
    keeper.release()?;
    remove_condition(root).map_err(explain)?;
    ended
}

async fn observe_until_signal(
    root: &SystemRoot,
    keeper: &mut MacDns<RealMacPrograms>,
) -> Result<(), String> {
    let explain = |error: io::Error| error.to_string();
    let mut terminate = signal(SignalKind::terminate()).map_err(explain)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(explain)?;
    let (began, question) = (Instant::now(), probe_question()?);
    let (mut clock, mut told) = (SleepClock::now(), None);
    let mut logs_seen_at: Option<Duration> = None;
    loop {
        let probe = probe(&question, PORT).await;
        let last = std::mem::replace(&mut clock, SleepClock::now());
        let has_slept = clock.slept_since(last) >= MIN_SLEEP;
        keeper.observe(began.elapsed(), probe, has_slept);
        if keeper.wants_proof(began.elapsed())
            && let Some(has_arrived) = question_arrives().await
        {
            keeper.note_proof(began.elapsed(), has_arrived);
        }
        report(root, keeper.condition(), &mut told);
        if logs_seen_at.is_none_or(|at| began.elapsed() >= at + LOG_INTERVAL) {
            logs_seen_at = Some(began.elapsed());
            if let Err(error) = cut_long_logs(Path::new(LOG_FOLDER)) {
                tracing::debug!("log: not cut: {error}");
            }
        }
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = tokio::time::sleep(keeper.interval()) => {}
        }
    }
}

/// Logs and writes a new condition.
fn report(root: &SystemRoot, condition: SwitchCondition, told: &mut Option<SwitchCondition>) {
    if told.as_ref() == Some(&condition) {
        return;
    }
    tracing::info!("system DNS: {}", machine_dns::reason(&condition));
    if let Err(error) = write_condition(root, &condition) {
        tracing::warn!("system DNS: the report is not written: {error}");
    }
    *told = Some(condition);
}

/// Whether a question by the resolver of the system arrives at the daemon, for a name that is new to every cache, and
/// that the daemon answers without a network (RFC 6761 section 6.2). None if the daemon does not tell.
async fn question_arrives() -> Option<bool> {
    let before = client_queries().ok()?;
    let name = new_name("test").ok()?;
    let ask = tokio::task::spawn_blocking(move || drop((name.as_str(), PORT).to_socket_addrs()));
    let _ = tokio::time::timeout(PROOF_TIMEOUT, ask).await;
    Some(client_queries().ok()? > before)
}

/// Prints the condition.
pub(super) fn show(root: &SystemRoot) -> io::Result<()> {
    println!("{}", mac_dns::IN_WORDS);
    if let Some(condition) = read_condition(root) {
        println!("condition: {}", machine_dns::reason(&condition));
    }
    Ok(())
}

/// Puts back the former settings. Our entry in the dynamic store has ended with the service.
pub(crate) fn release(root: &SystemRoot) -> Result<Vec<String>, String> {
    mac_dns::release(root, &mut LimitedCommands { limit: COMMAND_LIMIT })?;
    Ok(Vec::new())
}

/// Forgets which servers were set by hand at the last install.
pub(crate) fn forget_choice(root: &SystemRoot) -> io::Result<()> {
    mac_dns::forget_recorded_servers(root)
}

/// Whether former servers are in the journal.
pub(crate) fn is_taken(root: &SystemRoot) -> io::Result<bool> {
    mac_dns::is_taken(root)
}
