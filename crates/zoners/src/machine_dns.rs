//! Which servers this machine asks, in words.

use zoners_host::dns_switch::{DnsAuthor, SwitchCondition};

/// A condition as the reason in a sentence.
pub(crate) fn reason(condition: &SwitchCondition) -> String {
    match condition {
        SwitchCondition::Ours => "the settings name Zoners".to_owned(),
        SwitchCondition::NotReady => "Zoners has not answered yet".to_owned(),
        SwitchCondition::DaemonFailed => {
            "Zoners does not answer steadily, and the former settings are back".to_owned()
        }
        SwitchCondition::Left { author, servers } => {
            format!("{} has set {}, which is left alone", named(author), list(servers))
        }
        SwitchCondition::Contested { author } => {
            format!("{} overwrites the settings again and again", named(author))
        }
        SwitchCondition::Failed { reason } => format!("the settings cannot be changed: {reason}"),
    }
}

fn named(author: &DnsAuthor) -> &str {
    match author {
        DnsAuthor::Network(name) | DnsAuthor::Vpn(name) | DnsAuthor::ContainerEngine(name) => name,
        DnsAuthor::Unknown => "a person or a program without a name",
    }
}

fn list(servers: &[String]) -> String {
    if servers.is_empty() { "no server".to_owned() } else { servers.join(", ") }
}
