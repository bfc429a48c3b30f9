//! The unit of systemd, without the rights that the daemon does not need.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, SWITCH_NAME};
use crate::plan::PlanStep;

const FOLDER: &str = "/etc/systemd/system";
/// The folder of services of a running machine; an image may lack the folder.
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

pub(super) fn unit(unit: &DaemonUnit, is_running_system: bool) -> Vec<PlanStep> {
    unit_file(SERVICE_NAME, text(unit), is_running_system)
}

pub(super) fn switch_unit(program: &str, is_running_system: bool) -> Vec<PlanStep> {
    unit_file(SWITCH_NAME, switch_text(program), is_running_system)
}

/// As `systemctl enable` does, which is a link.
pub(super) fn enable(name: &str) -> Vec<PlanStep> {
    let file = format!("{name}.service");
    vec![PlanStep::link(&format!("{WANTS}/{file}"), &format!("{FOLDER}/{file}"))]
}

fn unit_file(name: &str, text: String, is_running_system: bool) -> Vec<PlanStep> {
    let reload = ["systemctl", "daemon-reload"];
    let mut steps = vec![PlanStep::write(&format!("{FOLDER}/{name}.service"), text)];
    if is_running_system {
        steps.insert(0, PlanStep::run_on_undo(&reload));
        steps.push(PlanStep::run(&reload));
    }
    steps
}

/// Sockets that systemd keeps while the daemon restarts: enough for two transports at a hundred addresses, with two
/// processors. systemd closes them when the service is stopped for good: that is the default of
/// `FileDescriptorStorePreserve`, which systemd 252 of Debian does not know.
const MAX_STORED_SOCKETS: u32 = 512;

/// Missing on purpose: `PrivateUsers`, under which no privileged port can be bound; `ProcSubset=pid`, which hides the
/// boot identifier (the age of the cache); `IPAddressDeny` and `PrivateNetwork`, as servers are everywhere. The last
/// calls of the filter are those of the daemon's own sandbox; systemd 252 of Debian has no group for them.
fn text(unit: &DaemonUnit) -> String {
    let DaemonUnit { program, config, user } = unit;
    format!(
        "\
# Written by `zoners install`. `zoners uninstall` removes this file; changes belong into a drop-in
# (`systemctl edit zoners`).
[Unit]
Description=Zoners, the DNS server of this machine
Documentation=man:zoners(1)
Wants=nss-lookup.target
Before=nss-lookup.target
After=network.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} serve --config {config}
ExecReload={program} reload --in-service --config {config}
Restart=always
RestartSec=500ms
WatchdogSec=10s
TimeoutStartSec=30s
TimeoutStopSec=10s
User={user}
Group={user}
StateDirectory=zoners
StateDirectoryMode=0700
RuntimeDirectory=zoners
RuntimeDirectoryPreserve=restart
FileDescriptorStoreMax={MAX_STORED_SOCKETS}
LimitNOFILE={MAX_DESCRIPTORS}
OOMScoreAdjust=-500
UMask=0077

AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallErrorNumber=ENOSYS

[Install]
WantedBy=multi-user.target
"
    )
}

/// Before the network, since a power cut may have left our settings without the daemon. The service runs as root, and
/// reaches the loopback interface alone: the daemon is asked there. The capabilities are for the files of the settings;
/// programs of the owner (`systemctl`, `nmcli`, `resolvconf`) run in the same confinement.
///
/// Missing on purpose: a user, as the files are root's; `ProtectProc` and `ProcSubset`, since the owner of the settings
/// is found among the processes; `SystemCallFilter=~@privileged`, which has chown; a narrow `UMask`, as every program
/// reads the settings; `PrivateNetwork`, as the daemon is asked over loopback.
fn switch_text(program: &str) -> String {
    format!(
        "\
# Written by `zoners install`. `zoners uninstall` removes this file; changes belong into a drop-in
# (`systemctl edit zoners-system-dns`).
[Unit]
Description=Makes this machine ask Zoners while Zoners answers
Documentation=man:zoners(1)
DefaultDependencies=no
RequiresMountsFor=/etc /var/lib
After=local-fs.target systemd-remount-fs.service
Wants=network-pre.target
Before=network-pre.target
Conflicts=shutdown.target
Before=shutdown.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} system-dns keep
ExecStopPost={program} system-dns release
Restart=always
RestartSec=500ms
TimeoutStartSec=30s
TimeoutStopSec=20s
OOMScoreAdjust=-900
UMask=0022

CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_LINUX_IMMUTABLE CAP_KILL
IPAddressDeny=any
IPAddressAllow=localhost
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/etc /run /var/lib
ProtectHome=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn daemon_text() -> String {
        text(&DaemonUnit {
            program: "/bin/true".to_owned(),
            config: "/etc/zoners/zoners.toml".to_owned(),
            user: "zoners".to_owned(),
        })
    }

    /// The grade of systemd itself, at most `tenths`. Skipped where there is no systemd of version 250 or later.
    fn exposes_little(text: &str, tenths: u32) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zoners.service");
        std::fs::write(&path, text).unwrap();
        let mut analyse = Command::new("systemd-analyze");
        let threshold = format!("--threshold={tenths}");
        let analyse = analyse.args(["security", "--offline=true", &threshold]).arg(&path);
        match analyse.output() {
            Ok(grade) if !grade.stderr.is_empty() && grade.stdout.is_empty() => {
                eprintln!("skipped: {}", String::from_utf8_lossy(&grade.stderr));
            }
            Ok(grade) => {
                let said = String::from_utf8_lossy(&grade.stdout);
                assert!(grade.status.success(), "{said}");
            }
            Err(_) => eprintln!("skipped: there is no systemd-analyze"),
        }
    }

    #[test]
    fn the_units_expose_little() {
        exposes_little(&daemon_text(), 15);
        exposes_little(&switch_text("/bin/true"), 25);
    }

    /// By the text, since a machine without systemd cannot grade.
    #[test]
    fn the_units_have_the_keys_that_confine_a_service() {
        const BOTH: [&str; 9] = [
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "PrivateDevices=yes",
            "PrivateMounts=yes",
            "RestrictNamespaces=yes",
            "MemoryDenyWriteExecute=yes",
            "SystemCallArchitectures=native",
            "SystemCallFilter=@system-service",
        ];
        const DAEMON: [&str; 7] = [
            "ExecReload=/bin/true reload --in-service --config /etc/zoners/zoners.toml",
            "User=zoners",
            "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
            "ProtectProc=invisible",
            "SystemCallFilter=~@privileged @resources",
            "FileDescriptorStoreMax=512",
            "RuntimeDirectoryPreserve=restart",
        ];
        const SWITCH: [&str; 3] =
            ["IPAddressDeny=any", "IPAddressAllow=localhost", "SystemCallFilter=~@resources"];
        let has = |text: &str, key: &str| assert!(text.lines().any(|line| line == key), "{key}");
        let (daemon, switch) = (daemon_text(), switch_text("/bin/true"));
        BOTH.iter().chain(&DAEMON).for_each(|key| has(&daemon, key));
        BOTH.iter().chain(&SWITCH).for_each(|key| has(&switch, key));
    }
}
