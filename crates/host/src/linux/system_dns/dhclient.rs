//! ISC dhclient: a hook replaces the function for `/etc/resolv.conf` (dhclient-script(8)).

use super::{DnsFacts, resolv_conf};
use crate::plan::PlanStep;

const FOLDER: &str = "/etc/dhcp/dhclient-enter-hooks.d";
const HOOK: &str = "/etc/dhcp/dhclient-enter-hooks.d/zoners";

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    let text = "\
# Written by `zoners install`: this machine asks Zoners. `zoners uninstall` removes this file.
make_resolv_conf() {
    :
}
";
    let mut steps = Vec::new();
    // Without the folder of Debian's script, a hook has no effect.
    if facts.folders.contains(FOLDER) {
        steps.push(PlanStep::write(HOOK, text.to_owned()));
    }
    steps.extend(resolv_conf::plan(facts));
    steps
}
