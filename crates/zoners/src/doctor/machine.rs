//! The machine: links, port 53, crashes, and the folder with the state.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use zoners_api::DaemonStatus;
use zoners_doctor::{
    CrashObservation, DescriptorObservation, HostSystem, IpFamily, LinkSummary, PortObservation,
    PortSocketUse, ProbeTransport, StateObservation,
};
use zoners_host::interfaces::interfaces;
use zoners_host::launchd::LaunchdJob;
use zoners_host::{descriptors, disk, paths, ports};
use zoners_server::Config;

use crate::dns_server::PORT;

/// The name of our process.
const OWN_NAME: &str = "zoners";
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

/// The sockets at port 53.
pub(super) fn port(status: Option<&DaemonStatus>) -> PortObservation {
    let process = status.map(|status| status.process.to_string());
    // The daemon of a renamed program has the name of this program.
    let own = std::env::current_exe().ok();
    let own = own.as_ref().and_then(|path| path.file_name()?.to_str()).map(str::to_owned);
    let sockets = ports::open(PORT).into_iter().map(|open| {
        let family = if open.address.is_ipv4() { IpFamily::Ipv4 } else { IpFamily::Ipv6 };
        let at_loopback = [[127, 0, 0, 1].into(), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
        let owner = open.owner.as_ref();
        let is_daemon = owner.is_some_and(|owner| match &process {
            Some(process) => owner.process == *process,
            None => owner.name == OWN_NAME || own.as_ref() == Some(&owner.name),
        });
        // The system names programs of foreign users to root alone: a listener of the status is the daemon's.
        let told = SocketAddr::new(open.address, PORT).to_string();
        let is_told = status.is_some_and(|status| status.listen.contains(&told));
        PortSocketUse {
            family,
            transport: if open.is_stream { ProbeTransport::Tcp } else { ProbeTransport::Udp },
            address: open.address.to_string(),
            owner: owner.map(ToString::to_string),
            is_daemon: is_daemon || (owner.is_none() && is_told),
            serves_loopback: open.address.is_unspecified() || at_loopback.contains(&open.address),
        }
    });
    PortObservation { sockets: sockets.collect() }
}

/// Whether a process of our name has port 53.
pub(super) fn has_own_process(port: &PortObservation) -> bool {
    port.sockets.iter().any(|socket| socket.is_daemon)
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
