//! `/etc/resolv.conf` as a plain file.

use super::{DnsFacts, OWN_SERVER};
use crate::plan::{EntryState, FileSource, IfChanged, PlanStep};
use crate::resolvers::RESOLV_CONF;
use crate::system::attributes::immutable_flag;

/// The step that writes the file. Search domains and options stay. An immutable file is immutable again.
pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    let flag = immutable_flag();
    let immutable = match &facts.resolv_conf {
        EntryState::File { attributes, .. } => attributes.flags & flag != 0,
        _ => false,
    };
    vec![PlanStep::WriteFile {
        path: RESOLV_CONF.into(),
        content: FileSource::Text(text(&facts.resolv_conf_text)),
        mode: 0o644,
        owner: None,
        immutable,
        if_changed: IfChanged::Refuse,
    }]
}

/// With `trust-ad`, programs believe that a server on this machine has validated (resolv.conf(5)).
const OPTIONS: &str = "options edns0 trust-ad";

/// The text of the file, with search domains and options of the former text.
pub(super) fn text(former: &str) -> String {
    let kept = ["search", "domain", "sortlist", "options"];
    let is_kept = |line: &&str| {
        *line != OPTIONS && line.split_whitespace().next().is_some_and(|word| kept.contains(&word))
    };
    let kept: String = former.lines().filter(is_kept).map(|line| format!("{line}\n")).collect();
    format!(
        "\
# Written by Zoners: this machine asks Zoners. The former file comes back when Zoners stops.
nameserver {OWN_SERVER}
{kept}{OPTIONS}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_domains_and_options_stay_and_servers_go() {
        let former = "# by DHCP\nnameserver 192.0.2.1\nsearch lan example\noptions timeout:1\n\n";
        let lines: Vec<String> = text(former).lines().skip(1).map(str::to_owned).collect();
        let expected = [
            "nameserver 127.0.0.1",
            "search lan example",
            "options timeout:1",
            "options edns0 trust-ad",
        ];
        assert_eq!(lines, expected);
        assert_eq!(text(&text(former)), text(former));
    }
}
