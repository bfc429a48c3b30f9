//! ISC dhclient: a hook replaces the function for `/etc/resolv.conf` (dhclient-script(8)).

use super::facts::DHCLIENT_HOOKS;
use super::{DnsFacts, resolv_conf};
use crate::plan::PlanStep;

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    let text = "\
# Written by Zoners, and removed when Zoners stops: this machine asks Zoners.
make_resolv_conf() {
    :
}
";
    let mut steps = Vec::new();
    // Without the folder of Debian's script, a hook has no effect.
    if facts.has_dhclient_hooks {
        steps.push(PlanStep::write(&format!("{DHCLIENT_HOOKS}/zoners"), text.to_owned()));
    }
    steps.extend(resolv_conf::plan(facts));
    steps
}
