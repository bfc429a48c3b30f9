//! Our server set for each network service, and the former servers set again.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use crate::plan::{
    CommandRunner, Disk, JournalName, PlanExecutor, PlanStep, SystemPlan, SystemRoot, dns_journal,
    service_dns,
};

/// Servers that are left alone.
pub(super) type LeftServers = BTreeSet<Vec<IpAddr>>;

/// The steps after which every enabled service has our server, except services with servers that are `left`. A service
/// that has ours already is a step, too: the journal must know the service.
fn plan(
    commands: &mut dyn CommandRunner,
    own: &[String],
    left: &LeftServers,
) -> io::Result<SystemPlan> {
    let mut steps = Vec::new();
    for service in service_dns::services(commands)? {
        let now = service_dns::read(commands, &service)?;
        if now.is_some_and(|now| !left.contains(&addresses(&now))) {
            steps.push(PlanStep::SetDnsServers { service, servers: own.to_vec() });
        }
    }
    Ok(SystemPlan { steps })
}

/// Sets our server. The journal keeps the servers from before the first call, of each service.
pub(super) fn take(
    root: &SystemRoot,
    commands: &mut dyn CommandRunner,
    own: &[String],
    left: &LeftServers,
) -> Result<(), String> {
    let plan = plan(commands, own, left).map_err(|error| error.to_string())?;
    dns_journal::take(root, Disk::default(), commands, &plan)
}

/// Sets the former servers of each service that still has ours.
pub(super) fn release(root: &SystemRoot, commands: &mut dyn CommandRunner) -> Result<(), String> {
    let root = root.with_journal(JournalName::SystemDns);
    let mut executor = PlanExecutor { root: &root, disk: Disk::default(), commands };
    executor.undo_own(&mut |_, _| {})
}

/// Whether every enabled service has our server, except services with servers that are `left`.
pub(super) fn are_set(
    commands: &mut dyn CommandRunner,
    own: &[String],
    left: &LeftServers,
) -> io::Result<bool> {
    for service in service_dns::services(commands)? {
        let now = service_dns::read(commands, &service)?;
        if now.is_some_and(|now| now != own && !left.contains(&addresses(&now))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Lets the network name the servers of each service that still has ours after a release.
pub(super) fn sweep(
    root: &SystemRoot,
    commands: &mut dyn CommandRunner,
    own: &[String],
) -> Result<(), String> {
    release(root, commands)?;
    let explain = |error: io::Error| error.to_string();
    for service in service_dns::services(commands).map_err(explain)? {
        if service_dns::read(commands, &service).map_err(explain)?.is_some_and(|now| now == own) {
            service_dns::set_none(commands, &service).map_err(explain)?;
        }
    }
    Ok(())
}

/// Servers as addresses, in the form of the dynamic store: without zones.
fn addresses(servers: &[String]) -> Vec<IpAddr> {
    servers.iter().filter_map(|server| server.split('%').next()?.parse().ok()).collect()
}
