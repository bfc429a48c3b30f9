//! NetworkManager: with a drop-in, the program leaves `/etc/resolv.conf` alone.

use super::facts::NETWORK_MANAGER_DROP_IN;
use super::{DnsFacts, resolv_conf};
use crate::plan::PlanStep;

/// A place that is empty after a power cut.
const FOLDER: &str = "/run/NetworkManager/conf.d";

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    // The undo reloads last, so that NetworkManager writes the servers of the present network.
    let reload: &[&str] = match facts.has_nmcli {
        true => &["nmcli", "general", "reload"],
        false => &["systemctl", "reload", "NetworkManager"],
    };
    let mut steps = facts.on_running_system([PlanStep::run_on_undo(reload)]);
    steps.push(PlanStep::folder(FOLDER));
    let text = "\
# Written by Zoners, and removed when Zoners stops: this machine asks Zoners.
[main]
dns=none
";
    steps.push(PlanStep::write(&format!("{FOLDER}/{NETWORK_MANAGER_DROP_IN}"), text.to_owned()));
    steps.extend(facts.on_running_system([PlanStep::run(reload)]));
    steps.extend(resolv_conf::plan(facts));
    steps
}
