//! The service folder of runit. The daemon starts as root and becomes the configured user.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, SWITCH_NAME, script};
use crate::plan::PlanStep;

/// A link in the folder of `runsvdir`, as `ln -s /etc/sv/zoners /var/service` does.
pub(super) fn enable(unit: &DaemonUnit) -> Vec<PlanStep> {
    enable_scripts(SERVICE_NAME, &[("run", text(unit))])
}

/// `finish` runs after every end of `run` (runsv(8)).
pub(super) fn enable_switch(program: &str) -> Vec<PlanStep> {
    let script = |command: &str| {
        format!(
            "\
#!/bin/sh
# Written by `zoners install`. `zoners uninstall` removes this file.
exec 2>&1
exec {program} system-dns {command}
"
        )
    };
    enable_scripts(SWITCH_NAME, &[("run", script("keep")), ("finish", script("release"))])
}

fn enable_scripts(name: &str, scripts: &[(&str, String)]) -> Vec<PlanStep> {
    let folder = format!("/etc/sv/{name}");
    let mut steps =
        vec![PlanStep::MakeFolder { path: (&folder).into(), mode: 0o755, with_content: true }];
    steps.extend(
        scripts.iter().map(|(file, text)| script(&format!("{folder}/{file}"), text.clone())),
    );
    steps.push(PlanStep::link(&format!("/var/service/{name}"), &folder));
    steps
}

fn text(unit: &DaemonUnit) -> String {
    let DaemonUnit { program, config, .. } = unit;
    format!(
        "\
#!/bin/sh
# Written by `zoners install`. `zoners uninstall` removes this file.
exec 2>&1
ulimit -n {MAX_DESCRIPTORS}
exec {program} serve --config {config}
"
    )
}
