//! Whether this machine asks Zoners, in one sentence.

use zoners_api::DaemonStatus;
use zoners_host::dns_switch::{DnsAuthor, DnsSetting, SwitchCondition};
#[cfg(any(not(target_os = "linux"), test))]
use zoners_host::resolvers::SystemResolver;

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

/// Servers that are asked for all names beside Zoners: those of a link with the domain `~.` in systemd-resolved.
#[cfg(target_os = "linux")]
pub(crate) fn servers_beside() -> Vec<String> {
    use zoners_host::{plan::SystemRoot, system_dns};
    let Ok(root) = SystemRoot::new(std::path::Path::new("/")) else { return Vec::new() };
    let links = system_dns::reported_links(&root);
    let rivals = links.into_iter().filter(|link| link.domains.iter().any(|domain| domain == "."));
    rivals.flat_map(|link| link.servers).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn servers_beside() -> Vec<String> {
    Vec::new()
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
    let condition = zoners_host::plan::SystemRoot::new(std::path::Path::new("/"))
        .ok()
        .and_then(|root| zoners_host::condition_file::read_condition(&root));
    let Ok(resolvers) = zoners_host::resolvers::all() else { return (None, condition, Vec::new()) };
    (Some(setting(&resolvers)), condition, split_names(&resolvers))
}

/// The settings by the resolvers of a system with several resolvers, as macOS: the first for all names counts.
#[cfg(any(not(target_os = "linux"), test))]
fn setting(resolvers: &[SystemResolver]) -> DnsSetting {
    let is_first = |resolver: &&SystemResolver| {
        resolver.domain.is_empty() && !resolver.is_multicast && !resolver.servers.is_empty()
    };
    let first = resolvers.iter().find(is_first);
    let servers = first.map(|first| first.servers.as_slice()).unwrap_or_default();
    match servers.first() {
        Some(first) if first.ip().is_loopback() => DnsSetting::Ours,
        _ => DnsSetting::Foreign { servers: texts(servers), author: DnsAuthor::Unknown },
    }
}

/// The names with a resolver of their own (a VPN, a file in `/etc/resolver`), in sentences.
#[cfg(any(not(target_os = "linux"), test))]
fn split_names(resolvers: &[SystemResolver]) -> Vec<String> {
    let is_split =
        |resolver: &&SystemResolver| !resolver.domain.is_empty() && !resolver.servers.is_empty();
    let sentence = |resolver: &SystemResolver| {
        let (domain, servers) = (&resolver.domain, list(&texts(&resolver.servers)));
        let interface = resolver.interface.as_ref();
        let interface = interface.map(|name| format!(" ({name})")).unwrap_or_default();
        format!("Names below {domain} go to {servers}{interface}.")
    };
    resolvers.iter().filter(is_split).map(sentence).collect()
}

#[cfg(any(not(target_os = "linux"), test))]
fn texts(servers: &[std::net::SocketAddr]) -> Vec<String> {
    servers.iter().map(|server| server.ip().to_string()).collect()
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

    /// As on a Mac with a VPN for one domain.
    #[test]
    fn the_first_resolver_counts_and_a_domain_of_a_vpn_is_told() {
        let resolver = |domain: &str, server: &str, interface: Option<&str>| SystemResolver {
            domain: domain.to_owned(),
            servers: vec![(server.parse::<std::net::IpAddr>().unwrap(), 53).into()],
            interface: interface.map(str::to_owned),
            ..SystemResolver::default()
        };
        let own = resolver("", "127.0.0.1", None);
        let wifi = resolver("", "192.168.1.1", Some("en0"));
        let vpn = resolver("corp.example", "10.0.0.53", Some("utun4"));
        let all = [own, wifi.clone(), vpn.clone()];
        assert_eq!(setting(&all), DnsSetting::Ours);
        assert_eq!(split_names(&all), ["Names below corp.example go to 10.0.0.53 (utun4)."]);
        let foreign = DnsSetting::Foreign {
            servers: vec!["192.168.1.1".to_owned()],
            author: DnsAuthor::Unknown,
        };
        assert_eq!(setting(&[vpn, wifi]), foreign);
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
