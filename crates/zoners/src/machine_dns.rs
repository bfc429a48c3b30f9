//! Whether this machine asks Zoners, in one sentence.

use zoners_api::DaemonStatus;
use zoners_host::dns_switch::{DnsAuthor, DnsSetting, SwitchCondition};

/// Whether this machine asks Zoners.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MachineDns {
    pub(crate) asks_zoners: bool,
    /// The answer for people.
    pub(crate) sentence: String,
    /// Names that go to different servers as well, or only there, in sentences.
    pub(crate) exceptions: Vec<String>,
}

impl MachineDns {
    /// Looks at the settings. `daemon` is the status of a running daemon.
    pub(crate) fn look(daemon: Option<&DaemonStatus>) -> Self {
        let (setting, condition, exceptions) = look();
        let listens = daemon.map(|status| status.listen.iter().any(|at| is_asked(at)));
        let answer = Self::of(setting.as_ref(), condition.as_ref(), listens);
        let exceptions = if answer.asks_zoners { exceptions } else { Vec::new() };
        MachineDns { exceptions, ..answer }
    }

    /// `listens`: whether the running daemon has the address for programs; none without a running daemon.
    fn of(
        setting: Option<&DnsSetting>,
        condition: Option<&SwitchCondition>,
        listens: Option<bool>,
    ) -> Self {
        let because = |why: &str| MachineDns {
            asks_zoners: false,
            sentence: format!("This machine does not ask Zoners, because {why}."),
            exceptions: Vec::new(),
        };
        match (setting, listens, condition) {
            (_, None, _) => because("Zoners does not run, or this user may not ask it"),
            (_, Some(false), _) => because("Zoners does not listen on 127.0.0.1, port 53"),
            (Some(DnsSetting::Ours | DnsSetting::OursBeforeVpn { .. }), ..) => MachineDns {
                asks_zoners: true,
                sentence: "This machine asks Zoners.".to_owned(),
                exceptions: Vec::new(),
            },
            (None, ..) => because("the DNS settings cannot be read"),
            (Some(_), _, Some(condition)) if *condition != SwitchCondition::Ours => {
                because(&reason(condition))
            }
            (Some(DnsSetting::Foreign { servers, .. }), ..) => because(&format!(
                "the DNS settings name {} (`zoners install` changes them)",
                list(servers)
            )),
        }
    }

    /// A JSON object with a first key `machine` for this answer.
    pub(crate) fn added_to(&self, object: &str) -> String {
        let machine = serde_json::json!({
            "asks_zoners": self.asks_zoners,
            "sentence": self.sentence,
            "exceptions": self.exceptions,
        });
        match object.strip_prefix('{') {
            Some(rest) if !rest.starts_with('}') => format!("{{\"machine\":{machine},{rest}"),
            _ => format!("{{\"machine\":{machine}}}"),
        }
    }
}

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

/// Whether programs of this machine reach an address by 127.0.0.1, port 53.
fn is_asked(listen: &str) -> bool {
    ["127.0.0.1:53", "0.0.0.0:53", "[::]:53"].contains(&listen)
}

/// The settings, and the condition told by the service that changes them.
#[cfg(target_os = "linux")]
fn look() -> (Option<DnsSetting>, Option<SwitchCondition>, Vec<String>) {
    use zoners_host::{plan::SystemRoot, system_dns};
    let Ok(root) = SystemRoot::new(std::path::Path::new("/")) else {
        return (None, None, Vec::new());
    };
    let exceptions = system_dns::reported_links(&root).iter().flat_map(exceptions).collect();
    (system_dns::observe(&root).ok(), system_dns::read_condition(&root), exceptions)
}

/// The names that systemd-resolved asks of a link, in sentences.
#[cfg(target_os = "linux")]
pub(crate) fn exceptions(link: &zoners_host::system_dns::LinkServers) -> Vec<String> {
    let (servers, interface) = (list(&link.servers), &link.interface);
    let sentence = |domain: &String| match domain.as_str() {
        "." => format!(
            "All names go to {servers} as well: the link {interface} has the domain ~. in systemd-resolved."
        ),
        domain => format!(
            "Names below {domain} go to {servers}: the link {interface} has the domain in systemd-resolved."
        ),
    };
    link.domains.iter().map(sentence).collect()
}

#[cfg(not(target_os = "linux"))]
fn look() -> (Option<DnsSetting>, Option<SwitchCondition>, Vec<String>) {
    let setting = |servers: Vec<std::net::SocketAddr>| match servers.first() {
        Some(first) if first.ip().is_loopback() => DnsSetting::Ours,
        _ => DnsSetting::Foreign {
            servers: servers.iter().map(|server| server.ip().to_string()).collect(),
            author: DnsAuthor::Unknown,
        },
    };
    (zoners_host::resolvers::nameservers().ok().map(setting), None, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_reason() {
        let foreign = DnsSetting::Foreign {
            servers: vec!["192.0.2.1".to_owned()],
            author: DnsAuthor::Unknown,
        };
        let left = SwitchCondition::Left {
            author: DnsAuthor::Vpn("Tailscale".to_owned()),
            servers: vec!["100.100.100.100".to_owned()],
        };
        let contested =
            SwitchCondition::Contested { author: DnsAuthor::Network("dhclient".to_owned()) };
        for (condition, listens, part) in [
            (None, None, "does not run"),
            (None, Some(false), "does not listen on 127.0.0.1"),
            (None, Some(true), "name 192.0.2.1 (`zoners install`"),
            (Some(SwitchCondition::Ours), Some(true), "name 192.0.2.1"),
            (Some(SwitchCondition::NotReady), Some(true), "not answered yet"),
            (Some(SwitchCondition::DaemonFailed), Some(true), "former settings are back"),
            (Some(left), Some(true), "Tailscale has set 100.100.100.100"),
            (Some(contested), Some(true), "dhclient overwrites"),
        ] {
            let machine = MachineDns::of(Some(&foreign), condition.as_ref(), listens);
            assert!(!machine.asks_zoners && machine.sentence.contains(part), "{machine:?}");
            assert!(machine.sentence.starts_with("This machine does not ask Zoners, because "));
        }
        let ours = MachineDns::of(Some(&DnsSetting::Ours), None, Some(true));
        assert_eq!(ours.sentence, "This machine asks Zoners.");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_of_a_link_are_told_with_domain_interface_and_servers() {
        let link = zoners_host::system_dns::LinkServers {
            interface: "tun0".to_owned(),
            servers: vec!["10.8.0.1".to_owned(), "10.8.0.2".to_owned()],
            domains: vec![".".to_owned(), "corp.example".to_owned()],
        };
        let expected = [
            "All names go to 10.8.0.1, 10.8.0.2 as well: the link tun0 has the domain ~. in systemd-resolved.",
            "Names below corp.example go to 10.8.0.1, 10.8.0.2: the link tun0 has the domain in systemd-resolved.",
        ];
        assert_eq!(exceptions(&link), expected);
    }

    #[test]
    fn an_object_stays_an_object() {
        let machine = MachineDns {
            asks_zoners: true,
            sentence: "\"Yes\"".to_owned(),
            exceptions: vec!["Names below corp.example go to 10.8.0.1.".to_owned()],
        };
        for object in ["{}", "{\"status\":{\"workers\":2}}"] {
            let added: serde_json::Value = serde_json::from_str(&machine.added_to(object)).unwrap();
            assert_eq!(added["machine"]["asks_zoners"], true);
            assert_eq!(added["machine"]["exceptions"][0], machine.exceptions[0]);
            assert_eq!(added.get("status").is_some(), object.len() > 2);
        }
    }
}
