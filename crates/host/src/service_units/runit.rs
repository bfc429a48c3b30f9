//! The service folder of runit. The daemon starts as root and becomes the configured user.

use super::{DaemonUnit, MAX_DESCRIPTORS, SERVICE_NAME, SWITCH_NAME, script};
use crate::plan::PlanStep;

/// The folders of runsvdir(8) by distribution: Void, Debian, Artix, and the author's own (runsvdir(8), `/service`).
const SERVICE_FOLDERS: [&str; 4] =
    ["/var/service", "/etc/service", "/run/runit/service", "/service"];

/// The folder with the running services: the first that is there.
pub(super) fn service_folder(is_there: impl Fn(&str) -> bool) -> &'static str {
    let [usual, ..] = SERVICE_FOLDERS;
    SERVICE_FOLDERS.into_iter().find(|folder| is_there(folder)).unwrap_or(usual)
}

/// With a link in the folder of runsvdir(8), as `ln -s /etc/sv/zoners /var/service` makes: runsvdir starts nothing without
/// the link, and ends a service whose link is gone.
pub(super) fn unit(unit: &DaemonUnit, services: &str) -> Vec<PlanStep> {
    enable_scripts(SERVICE_NAME, services, &[("run", text(unit))])
}

/// `finish` runs after every end of `run` (runsv(8)).
pub(super) fn switch_unit(program: &str, services: &str) -> Vec<PlanStep> {
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
    let scripts = [("run", script("keep")), ("finish", script("release"))];
    enable_scripts(SWITCH_NAME, services, &scripts)
}

fn enable_scripts(name: &str, services: &str, scripts: &[(&str, String)]) -> Vec<PlanStep> {
    let folder = format!("/etc/sv/{name}");
    let mut steps =
        vec![PlanStep::MakeFolder { path: (&folder).into(), mode: 0o755, with_content: true }];
    steps.extend(
        scripts.iter().map(|(file, text)| script(&format!("{folder}/{file}"), text.clone())),
    );
    steps.push(PlanStep::link(&format!("{services}/{name}"), &folder));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_linked_where_this_distribution_looks() {
        assert_eq!(service_folder(|folder| folder == "/etc/service"), "/etc/service");
        assert_eq!(service_folder(|_| true), "/var/service");
        assert_eq!(service_folder(|_| false), "/var/service");
        let steps = switch_unit("/usr/bin/zoners", "/etc/service");
        let link = "ln -sf /etc/sv/zoners-system-dns /etc/service/zoners-system-dns";
        assert_eq!(steps.last().unwrap().to_string(), link);
    }
}
