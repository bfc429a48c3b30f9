//! The service folder of runit. The daemon starts as root and becomes the configured user.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, script};
use crate::plan::PlanStep;

/// A link in the folder of `runsvdir`, as `ln -s /etc/sv/zoners /var/service` does.
pub(super) fn enable(unit: &DaemonUnit) -> Vec<PlanStep> {
    let folder = format!("/etc/sv/{SERVICE_NAME}");
    vec![
        PlanStep::MakeFolder { path: (&folder).into(), mode: 0o755, with_content: true },
        script(&format!("{folder}/run"), text(unit)),
        PlanStep::link(&format!("/var/service/{SERVICE_NAME}"), &folder),
    ]
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
