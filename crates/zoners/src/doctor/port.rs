//! The sockets at port 53, and the daemon among their owners.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use zoners_api::DaemonStatus;
use zoners_doctor::{IpFamily, PortObservation, PortSocketUse, ProbeTransport};
use zoners_host::ports;

use super::machine::is_installed;
use crate::dns_server::PORT;

/// The name of our process.
const OWN_NAME: &str = "zoners";
/// Processes, on Linux.
const PROCESSES: &str = "/proc";
/// The command of a daemon.
const SERVE: &str = "serve";
/// The addresses of this machine for programs.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// The sockets. The system names programs of foreign users to root alone: without a name, a listener of the status is
/// the daemon's, and without a status, every socket is, as long as a daemon runs.
pub(super) fn sockets(status: Option<&DaemonStatus>) -> PortObservation {
    let names = names();
    let runs = runs(&names);
    let sockets = ports::open(PORT).into_iter().map(|open| {
        let at = SocketAddr::new(open.address, PORT).to_string();
        let is_daemon = match (&open.owner, status) {
            (Some(owner), Some(status)) => owner.process == status.process.to_string(),
            (Some(owner), None) => names.contains(&owner.name),
            (None, Some(status)) => status.listen.contains(&at),
            (None, None) => runs,
        };
        PortSocketUse {
            family: if open.address.is_ipv4() { IpFamily::Ipv4 } else { IpFamily::Ipv6 },
            transport: if open.is_stream { ProbeTransport::Tcp } else { ProbeTransport::Udp },
            address: open.address.to_string(),
            owner: open.owner.as_ref().map(ToString::to_string),
            is_daemon,
            serves_loopback: open.address.is_unspecified() || LOOPBACK.contains(&open.address),
        }
    });
    PortObservation { sockets: sockets.collect() }
}

/// Whether the daemon has a socket.
pub(super) fn has_daemon(port: &PortObservation) -> bool {
    port.sockets.iter().any(|socket| socket.is_daemon)
}

/// Names of the daemon's process: the usual one, and the name of this program, which may be renamed.
fn names() -> Vec<String> {
    let own = std::env::current_exe().ok();
    let own = own.as_ref().and_then(|path| path.file_name()?.to_str());
    [Some(OWN_NAME), own].into_iter().flatten().map(str::to_owned).collect()
}

/// Whether a daemon runs. Systems without a folder of processes go by the service.
fn runs(names: &[String]) -> bool {
    let processes = Path::new(PROCESSES);
    if cfg!(target_os = "linux") { runs_in(processes, names) } else { is_installed() }
}

fn runs_in(processes: &Path, names: &[String]) -> bool {
    let mut entries = fs::read_dir(processes).into_iter().flatten().flatten();
    let is_daemon = |process: fs::DirEntry| {
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let mut words = command.split(|octet| *octet == 0);
        names.iter().any(|own| own == name.trim_end()) && words.any(|word| word == SERVE.as_bytes())
    };
    entries.any(is_daemon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_a_process_of_our_name_that_serves() {
        let processes = tempfile::tempdir().unwrap();
        let put = |number: &str, name: &str, command: &str| {
            let folder = processes.path().join(number);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
            fs::write(folder.join("cmdline"), command.replace(' ', "\0")).unwrap();
        };
        let runs = || runs_in(processes.path(), &[OWN_NAME.to_owned()]);
        put("1", "init", "/sbin/init");
        put("7", "zoners", "zoners doctor");
        put("8", "dnsmasq", "dnsmasq serve");
        assert!(!runs());
        put("9", "zoners", "/usr/local/bin/zoners serve --config /etc/zoners/zoners.toml");
        assert!(runs());
    }
}
