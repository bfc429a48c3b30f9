//! Debian's resolvconf: a record of the loopback interface, after which no further server is listed.

use super::{DnsFacts, OWN_SERVER};
use crate::plan::{LinePosition, PlanStep};

/// The record; the name sorts before names of real interfaces (interface-order(5)).
const RECORD: &str = "lo.zoners";
const UNIT: &str = "zoners-resolvconf.service";
const WANTS: &str = "/etc/systemd/system/zoners.service.wants";
/// The text at the top of the file, before the records.
const HEAD: &str = "/etc/resolvconf/resolv.conf.d/head";

/// Records are lost at boot: a unit beside the daemon makes the record, and removes the record when the daemon stops.
pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    if facts.has_systemd { with_unit(facts) } else { with_head(facts) }
}

fn with_unit(facts: &DnsFacts) -> Vec<PlanStep> {
    let reload = ["systemctl", "daemon-reload"];
    let path = format!("/etc/systemd/system/{UNIT}");
    let mut steps = facts.on_running_system([PlanStep::run_on_undo(&reload)]);
    steps.push(PlanStep::write(&path, unit()));
    steps.push(PlanStep::folder(WANTS));
    steps.push(PlanStep::link(&format!("{WANTS}/{UNIT}"), &path));
    steps.extend(facts.on_running_system([
        PlanStep::run(&reload),
        PlanStep::StartService(crate::service_units::ServiceManagerKind::Systemd.service(UNIT)),
    ]));
    steps
}

fn unit() -> String {
    format!(
        "\
# Written by `zoners install`. `zoners uninstall` removes this file.
[Unit]
Description=This machine asks Zoners (resolvconf)
After=zoners.service resolvconf.service
BindsTo=zoners.service
ConditionFileIsExecutable=/sbin/resolvconf

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo nameserver {OWN_SERVER} | /sbin/resolvconf -a {RECORD}'
ExecStop=/sbin/resolvconf -d {RECORD}

[Install]
WantedBy=zoners.service
"
    )
}

fn with_head(facts: &DnsFacts) -> Vec<PlanStep> {
    let update = ["resolvconf", "-u"];
    let mut steps = facts.on_running_system([PlanStep::run_on_undo(&update)]);
    steps.push(PlanStep::AddLines {
        path: HEAD.into(),
        lines: format!("nameserver {OWN_SERVER}\n"),
        position: LinePosition::End,
    });
    steps.extend(facts.on_running_system([PlanStep::run(&update)]));
    steps
}
