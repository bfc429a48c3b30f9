//! `zoners` alone: the setup of this machine for Zoners, and the next steps. Nothing is changed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use zoners_api::{AdminRequest, DaemonStatus};
use zoners_host::paths::runtime::control_sockets;
use zoners_host::ports::{self, PortOwner};
use zoners_host::resolvers::{SOURCE, nameservers};
use zoners_server::config::values;
use zoners_server::control::{self, ControlError};

use crate::Failure;
use crate::config_file::{ConfigFile, described};
use crate::dns_server::PORT;
use crate::output::println;
use crate::print::{BOLD, DIM, GREEN, RED, YELLOW, clean};

/// The begin of the names of programs beside which Zoners can serve on 127.0.0.1: the stub of systemd-resolved has an
/// address of its own, mDNSResponder of macOS the wildcard.
const NEIGHBOURS: [&str; 2] = ["systemd-resolve", "mDNSRespo"];
/// Columns of a heading and of a command.
const HEADING: usize = 15;
const COMMAND: usize = 38;

/// The state of this machine.
#[derive(Debug)]
struct MachineState {
    daemon: DaemonSeen,
    port: Option<PortOwner>,
    /// The configuration file, if any, and its faults.
    file: Option<PathBuf>,
    wrong: Option<String>,
    /// The servers of the system.
    resolvers: Vec<SocketAddr>,
}

/// The state of a running daemon.
#[derive(Debug)]
enum DaemonSeen {
    Running(Box<DaemonStatus>),
    /// A daemon seems to run, but this user may not ask it.
    Closed,
    Absent,
}

pub(crate) fn run() -> Result<(), Failure> {
    let machine = MachineState::look();
    machine.lines().iter().for_each(|line| println!("{line}"));
    match machine.wrong {
        Some(_) => Err(Failure::Told(2)),
        None => Ok(()),
    }
}

impl MachineState {
    fn look() -> Self {
        let file = ConfigFile::default();
        let (config, wrong) = match file.load() {
            Ok((config, _)) => (Some(config), None),
            Err(failure) => (None, failure.message().map(str::to_owned)),
        };
        let socket = config.and_then(|config| config.server.control);
        let sockets = control_sockets(socket.as_deref());
        let asked = control::request::<DaemonStatus>(&sockets, &AdminRequest::Status {}, None);
        MachineState {
            daemon: match asked {
                Ok(status) => DaemonSeen::Running(Box::new(status)),
                Err(ControlError::NoAccess(_)) => DaemonSeen::Closed,
                Err(_) => DaemonSeen::Absent,
            },
            port: ports::owner(PORT),
            file: file.path(),
            wrong,
            resolvers: nameservers().unwrap_or_default(),
        }
    }

    /// The state, and the next steps.
    fn lines(&self) -> Vec<String> {
        let heading = |what: &str, text: &str| format!("{BOLD}{what:<HEADING$}{BOLD:#}{text}");
        let mut lines = vec![
            heading("Zoners", env!("CARGO_PKG_VERSION")),
            heading("daemon", &self.daemon()),
            heading("port 53", &self.port()),
            heading("configuration", &self.configuration()),
            heading("this machine", &self.resolver()),
            String::new(),
            "What is next:".to_owned(),
        ];
        let step = |(command, purpose)| format!("  {command:<COMMAND$}{DIM}{purpose}{DIM:#}");
        lines.extend(self.next_steps().into_iter().map(step));
        lines
    }

    fn daemon(&self) -> String {
        match &self.daemon {
            DaemonSeen::Running(status) => {
                let listen = clean(&status.listen.join(" and "));
                format!("{GREEN}running{GREEN:#}, process {}, answers on {listen}", status.process)
            }
            DaemonSeen::Closed => {
                format!("{YELLOW}running{YELLOW:#}, but this user may not ask it")
            }
            DaemonSeen::Absent => "not running".to_owned(),
        }
    }

    fn port(&self) -> String {
        match &self.port {
            Some(owner) if is_neighbour(owner) => {
                format!("{}, which leaves 127.0.0.1 free", clean(&owner.to_string()))
            }
            Some(owner) => format!("taken by {}", clean(&owner.to_string())),
            None => "free, as far as this user may see".to_owned(),
        }
    }

    fn configuration(&self) -> String {
        match &self.wrong {
            Some(wrong) => format!("{RED}wrong{RED:#}: {wrong}"),
            None => described(self.file.as_deref()),
        }
    }

    fn resolver(&self) -> String {
        let Some(first) = self.resolvers.first() else {
            return format!("asks no resolver: {SOURCE} names none");
        };
        let shown = first.ip();
        match self.is_used(*first) {
            true => format!("{GREEN}asks Zoners{GREEN:#} ({shown} in {SOURCE})"),
            false => format!("asks {shown}, not Zoners ({SOURCE})"),
        }
    }

    /// Whether the resolver of this machine is the running daemon.
    fn is_used(&self, resolver: SocketAddr) -> bool {
        let DaemonSeen::Running(status) = &self.daemon else { return false };
        let mut listen = status.listen.iter().filter_map(|text| values::address(text, PORT));
        listen.any(|own| {
            own.port() == resolver.port()
                && (own.ip() == resolver.ip() || own.ip().is_unspecified())
        })
    }

    /// Commands useful now, each with its purpose.
    fn next_steps(&self) -> Vec<(String, &'static str)> {
        let mut steps: Vec<(String, &'static str)> = Vec::new();
        let mut step = |command: &str, purpose| steps.push((command.to_owned(), purpose));
        if let (Some(file), Some(_)) = (&self.file, &self.wrong) {
            step(&check(file), "see all that is wrong with the configuration");
        }
        let is_taken = self.port.as_ref().is_some_and(|owner| !is_neighbour(owner));
        match &self.daemon {
            DaemonSeen::Running(_) => {
                step("zoners status", "see how the daemon is doing");
                step("zoners lookup --daemon example.com", "let the daemon look up a name");
            }
            DaemonSeen::Closed => step("sudo zoners status", "see how the daemon is doing"),
            DaemonSeen::Absent if is_taken => {
                step("zoners serve", "try it on port 5300, as port 53 is taken");
            }
            DaemonSeen::Absent => {
                step("sudo zoners serve", "answer this machine on port 53");
                if cfg!(any(target_os = "linux", target_os = "macos")) {
                    step("zoners install --dry-run", "see how to make it the resolver for good");
                }
            }
        }
        if matches!(self.daemon, DaemonSeen::Absent) {
            step("zoners lookup example.com", "look up a name without a daemon");
            step("zoners demo", "try it without a network");
        }
        step("zoners help", "see all commands");
        steps
    }
}

/// Whether a server at port 53 leaves 127.0.0.1 to Zoners: `*:53` of mDNSResponder, 127.0.0.53 of systemd-resolved.
pub(crate) fn is_neighbour(owner: &PortOwner) -> bool {
    NEIGHBOURS.iter().any(|name| owner.name.starts_with(name))
}

fn check(file: &Path) -> String {
    format!("zoners check {}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(machine: &MachineState) -> String {
        anstream::adapter::strip_str(&machine.lines().join("\n")).to_string()
    }

    fn bare() -> MachineState {
        MachineState {
            daemon: DaemonSeen::Absent,
            port: None,
            file: Some("/etc/zoners/zoners.toml".into()),
            wrong: None,
            resolvers: vec![([192, 168, 1, 1], PORT).into()],
        }
    }

    fn running(listen: &str) -> MachineState {
        let status =
            DaemonStatus { process: 7, listen: vec![listen.to_owned()], ..DaemonStatus::default() };
        let resolvers = vec![([127, 0, 0, 1], PORT).into()];
        MachineState { daemon: DaemonSeen::Running(Box::new(status)), resolvers, ..bare() }
    }

    #[test]
    fn a_machine_without_a_daemon_is_told_how_to_start() {
        let told = text(&bare());
        for part in ["not running", "free", "asks 192.168.1.1, not Zoners", "sudo zoners serve"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let owner = |name: &str| PortOwner { name: name.into(), process: "612".into() };
        let taken = text(&MachineState { port: Some(owner("dnsmasq")), ..bare() });
        assert!(taken.contains("taken by dnsmasq (process 612)") && taken.contains("5300"));
        for name in NEIGHBOURS {
            let beside = text(&MachineState { port: Some(owner(name)), ..bare() });
            assert!(beside.contains("leaves 127.0.0.1 free"), "{beside}");
            assert!(beside.contains("sudo zoners serve"), "{beside}");
        }
    }

    #[test]
    fn a_running_daemon_is_found_and_whether_this_machine_asks_it() {
        let used = text(&running("127.0.0.1:53"));
        assert!(
            used.contains("asks Zoners (127.0.0.1") && used.contains("zoners status"),
            "{used}"
        );
        assert!(!used.contains("zoners serve"), "{used}");
        assert!(text(&running("127.0.0.1:5300")).contains("not Zoners"));
    }

    #[test]
    fn a_wrong_configuration_is_told_with_the_way_to_its_faults() {
        let told = text(&MachineState { wrong: Some("line 3".into()), ..bare() });
        assert!(told.contains("wrong: line 3"), "{told}");
        assert!(told.contains("zoners check /etc/zoners/zoners.toml"), "{told}");
    }
}
