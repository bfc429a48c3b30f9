//! The script of OpenRC. The daemon starts as root and becomes the configured user.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, script};
use crate::plan::PlanStep;

/// As `rc-update add zoners` does, which is a link.
pub(super) fn enable(unit: &DaemonUnit) -> Vec<PlanStep> {
    let path = format!("/etc/init.d/{SERVICE_NAME}");
    vec![
        script(&path, text(unit)),
        PlanStep::link(&format!("/etc/runlevels/default/{SERVICE_NAME}"), &path),
    ]
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
