//! The served clients, from a scenario's `access-control` lines.

use zoners_dns::Prefix;
use zoners_server::config::Refuse;
use zoners_server::nearby::Nearby;
use zoners_sim::scenario::Scenario;

/// The prefixes of served clients, and the reply to all other clients.
///
/// # Errors
/// The scenario leaves a hole in a served prefix, or has an unknown key.
pub(super) fn access(scenario: &Scenario) -> Result<(Vec<Prefix>, Refuse), String> {
    let (mut allow, mut refuse) = (Nearby::anywhere().prefixes, Refuse::Refused);
    for rule in scenario.values("access-control") {
        let (prefix, action) = rule.split_once([' ', '\t']).ok_or("no action")?;
        match action.trim() {
            // Every served client gets answers out of the cache to queries without RD.
            "allow" | "allow_snoop" => allow.push(prefix.parse()?),
            action @ ("refuse" | "deny") => {
                if action == "deny" {
                    refuse = Refuse::Drop;
                }
                let out: Prefix = prefix.parse()?;
                let first = prefix.split('/').next().and_then(|text| text.parse().ok());
                allow.retain(|served| *served != out);
                if allow.iter().any(|served| first.is_some_and(|first| served.contains(first))) {
                    return Err(format!("{out} lies in a prefix that is served"));
                }
            }
            other => return Err(other.into()),
        }
    }
    Ok((allow, refuse))
}
