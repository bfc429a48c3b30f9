//! The script of OpenRC. The daemon starts as root and becomes the configured user.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, SWITCH_NAME, script};
use crate::plan::PlanStep;

/// As `rc-update add zoners` does, which is a link.
pub(super) fn enable(unit: &DaemonUnit) -> Vec<PlanStep> {
    enable_script(SERVICE_NAME, text(unit))
}

pub(super) fn enable_switch(program: &str) -> Vec<PlanStep> {
    enable_script(SWITCH_NAME, switch_text(program))
}

fn enable_script(name: &str, text: String) -> Vec<PlanStep> {
    let path = format!("/etc/init.d/{name}");
    let link = PlanStep::link(&format!("/etc/runlevels/default/{name}"), &path);
    vec![script(&path, text), link]
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
