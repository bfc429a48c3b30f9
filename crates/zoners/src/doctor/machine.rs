//! The machine: system, links, crashes, and the folder with the state.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use zoners_api::DaemonStatus;
use zoners_doctor::{
    CrashObservation, DescriptorObservation, HostSystem, LinkSummary, StateObservation,
};
use zoners_host::interfaces::interfaces;
use zoners_host::launchd::LaunchdJob;
use zoners_host::{descriptors, disk, paths};
use zoners_server::Config;

/// Files of an installed service, on Linux.
const SERVICES: [&str; 4] = [
    "/etc/systemd/system/zoners.service",
    "/lib/systemd/system/zoners.service",
    "/etc/init.d/zoners",
    "/etc/sv/zoners",
];

/// The system, by its folders.
pub(super) fn system() -> HostSystem {
    let exists = |path: &str| Path::new(path).exists();
    match () {
        () if cfg!(target_os = "macos") => HostSystem::Macos,
        () if !cfg!(target_os = "linux") => HostSystem::Bsd,
        () if exists("/run/systemd/system") => HostSystem::Systemd,
        () if exists("/run/openrc") => HostSystem::OpenRc,
        () if exists("/run/runit") || exists("/etc/runit") => HostSystem::Runit,
        () => HostSystem::Systemd,
    }
}

/// The links in use.
pub(super) fn links() -> Vec<LinkSummary> {
    let is_link_local = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let links = interfaces().unwrap_or_default().into_iter().filter(|link| !link.loopback);
    links
        .map(|link| {
            let addresses = link.addresses.iter().filter(|(ip, _)| !is_link_local(ip));
            let addresses = addresses.map(|(ip, bits)| format!("{ip}/{bits}")).collect();
            LinkSummary { name: link.name, addresses }
        })
        .collect()
}

/// Whether a service is installed.
pub(super) fn is_installed() -> bool {
    let job = LaunchdJob::daemon(Path::new(""), "").path();
    SERVICES.iter().any(|file| Path::new(file).exists()) || Path::new(&job).exists()
}

/// Crashes: the last crash in the daemon's own history, and restarts after failures by systemd's count.
pub(super) fn crashes(status: Option<&DaemonStatus>) -> CrashObservation {
    let last = status.and_then(|status| status.last_crash.as_deref().cloned());
    CrashObservation { last, manager_restarts: restarts_by_systemd().unwrap_or(0) }
}

fn restarts_by_systemd() -> Option<u64> {
    if !Path::new("/run/systemd/system").exists() {
        return None;
    }
    let show = ["show", "zoners", "--property=NRestarts", "--value"];
    let shown = std::process::Command::new("systemctl").args(show).output().ok()?;
    String::from_utf8_lossy(&shown.stdout).trim().parse().ok()
}

/// The folder with the state of a daemon with this configuration.
pub(super) fn state(config: &Config) -> Option<StateObservation> {
    let configured = config.server.state.as_deref();
    let usual = || paths::state::of_daemon(config.server.user.is_some());
    let service = || Some(PathBuf::from("/var/lib/zoners")).filter(|folder| folder.exists());
    let folder = paths::state::given(configured).or_else(service).or_else(usual)?;
    let found = disk::condition(&folder)?;
    Some(StateObservation {
        folder: folder.display().to_string(),
        is_read_only: found.is_read_only,
        free_octets: Some(found.free_octets),
        is_locked: found.is_locked,
    })
}

/// The descriptors of the daemon.
pub(super) fn descriptors_of(status: &DaemonStatus) -> Option<DescriptorObservation> {
    let (limit, open) = descriptors::of_process(status.process)?;
    Some(DescriptorObservation { limit, open })
}
