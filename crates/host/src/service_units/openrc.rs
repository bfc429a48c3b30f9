//! The script of OpenRC. The daemon starts as root and becomes the configured user.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, SWITCH_NAME, script};
use crate::plan::PlanStep;

pub(super) fn unit(unit: &DaemonUnit) -> Vec<PlanStep> {
    vec![script(&script_path(SERVICE_NAME), text(unit))]
}

pub(super) fn switch_unit(program: &str) -> Vec<PlanStep> {
    vec![script(&script_path(SWITCH_NAME), switch_text(program))]
}

/// As `rc-update add` does, which is a link.
pub(super) fn enable(name: &str) -> Vec<PlanStep> {
    vec![PlanStep::link(&format!("/etc/runlevels/default/{name}"), &script_path(name))]
}

fn script_path(name: &str) -> String {
    format!("/etc/init.d/{name}")
}

fn text(unit: &DaemonUnit) -> String {
    let DaemonUnit { program, config, .. } = unit;
    format!(
        "\
#!/sbin/openrc-run
# Written by `zoners install`. `zoners uninstall` removes this file.
description=\"Zoners, the DNS server of this machine\"
extra_started_commands=\"reload\"
supervisor=supervise-daemon
command={program}
command_args=\"serve --config {config}\"
respawn_delay=1
respawn_max=0
rc_ulimit=\"-n {MAX_DESCRIPTORS}\"

depend() {{
    need localmount
    use logger
    provide dns
}}

reload() {{
    supervise-daemon \"$RC_SVCNAME\" --signal HUP
}}
"
    )
}

/// Before the network, since a power cut may have left our settings without the daemon.
fn switch_text(program: &str) -> String {
    format!(
        "\
#!/sbin/openrc-run
# Written by `zoners install`. `zoners uninstall` removes this file.
description=\"Makes this machine ask Zoners while Zoners answers\"
supervisor=supervise-daemon
command={program}
command_args=\"system-dns keep\"
respawn_delay=1
respawn_max=0

depend() {{
    need localmount
    before net
    use logger
}}

stop_post() {{
    {program} system-dns release
}}
"
    )
}
