//! The sources of host names in `/etc/nsswitch.conf` (nsswitch.conf(5)): how far the name of an Internet host gets.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::SettingsObservation;

/// Prefix of the sources that ask by multicast DNS (nss-mdns).
const MULTICAST: &str = "mdns";

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let settings = &input.seen.settings;
    let Some(line) = settings.nss_hosts.as_deref() else { return };
    let sources = parse(line);
    match first_of_dns(&sources, settings.resolved_servers.is_some()) {
        NameSource::ByResolvConf => {}
        NameSource::ByResolved => output.findings.extend(beside_zoners(settings, line)),
        NameSource::Nothing { last } => output.find(without_dns(&sources, line, last)),
    }
    multicast(settings, &sources, output);
}

/// A source with the conditions behind it, without brackets.
struct HostSource<'a> {
    name: &'a str,
    conditions: Vec<&'a str>,
}

/// The first source that asks by DNS.
#[derive(Debug, PartialEq, Eq)]
enum NameSource {
    /// The servers of `/etc/resolv.conf` are asked.
    ByResolvConf,
    /// systemd-resolved is asked directly.
    ByResolved,
    /// None: no source asks, or the conditions of the source at `last` end the look-up before.
    Nothing { last: Option<usize> },
}

fn parse(line: &str) -> Vec<HostSource<'_>> {
    let (mut sources, mut rest): (Vec<HostSource<'_>>, &str) = (Vec::new(), line.trim_start());
    while !rest.is_empty() {
        let after = match rest.strip_prefix('[') {
            Some(inside) => {
                let (condition, after) = inside.split_once(']').unwrap_or((inside, ""));
                if let Some(source) = sources.last_mut() {
                    source.conditions.push(condition);
                }
                after
            }
            None => {
                let end = rest.find(|letter: char| letter.is_whitespace() || letter == '[');
                let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
                sources.push(HostSource { name, conditions: Vec::new() });
                after
            }
        };
        rest = after.trim_start();
    }
    sources
}

fn first_of_dns(sources: &[HostSource<'_>], resolved_runs: bool) -> NameSource {
    for (at, source) in sources.iter().enumerate() {
        match source.name {
            "dns" => return NameSource::ByResolvConf,
            "resolve" if resolved_runs => return NameSource::ByResolved,
            _ if source.ends_after(source.status()) => {
                return NameSource::Nothing { last: Some(at) };
            }
            _ => {}
        }
    }
    NameSource::Nothing { last: None }
}

impl HostSource<'_> {
    /// The status of a look-up of an Internet host. The minimal sources of multicast DNS know `.local` alone, and
    /// nss-resolve has no answer while systemd-resolved does not run.
    fn status(&self) -> &'static str {
        match self.name {
            "resolve" => "UNAVAIL",
            name if name.starts_with(MULTICAST) && name.ends_with("_minimal") => "UNAVAIL",
            _ => "NOTFOUND",
        }
    }

    /// Whether the conditions end a look-up with this status; the last fitting condition counts.
    fn ends_after(&self, status: &str) -> bool {
        let words = self.conditions.iter().flat_map(|condition| condition.split_whitespace());
        let fits = |word: &str| {
            let (named, action) = word.split_once('=')?;
            let fits = match named.strip_prefix('!') {
                Some(named) => !named.eq_ignore_ascii_case(status),
                None => named.eq_ignore_ascii_case(status),
            };
            fits.then(|| action.eq_ignore_ascii_case("return"))
        };
        words.filter_map(fits).next_back().unwrap_or(false)
    }

    fn text(&self) -> String {
        let conditions = self.conditions.iter().map(|condition| format!(" [{condition}]"));
        format!("{}{}", self.name, conditions.collect::<String>())
    }
}

fn without_dns(sources: &[HostSource<'_>], line: &str, last: Option<usize>) -> DoctorFinding {
    let why = last
        .and_then(|at| sources.get(at))
        .map(|source| format!("The look-up ends at {}, before dns is asked.", source.text()));
    let mended = |(at, source): (usize, &HostSource<'_>)| match last == Some(at) {
        true => source.name.to_owned(),
        false => source.text(),
    };
    let mut words: Vec<String> = sources.iter().enumerate().map(mended).collect();
    if !sources.iter().any(|source| source.name == "dns") {
        words.push("dns".to_owned());
    }
    DoctorFinding::new(
        "nss-without-dns",
        Culprit::Settings,
        Severity::Error,
        "/etc/nsswitch.conf lets programs look up host names without DNS.",
    )
    .because(format!("hosts: {line}"))
    .because_also(why)
    .advise("Let the line for hosts lead to dns.", change(&words.join(" ")))
}

/// nss-resolve asks systemd-resolved, whatever `/etc/resolv.conf` has.
fn beside_zoners(settings: &SettingsObservation, line: &str) -> Option<DoctorFinding> {
    let servers = settings.resolved_servers.as_deref().unwrap_or_default();
    let is_own = |server: &String| server == "127.0.0.1" || server == "::1";
    if !settings.asks_zoners || servers.first().is_none_or(is_own) {
        return None;
    }
    let words = parse(line)
        .iter()
        .filter(|source| source.name != "resolve")
        .map(HostSource::text)
        .collect::<Vec<_>>();
    let has_dns = words.iter().any(|word| word.split(' ').next() == Some("dns"));
    let words = words.join(" ") + if has_dns { "" } else { " dns" };
    Some(
        DoctorFinding::new(
            "nss-beside-zoners",
            Culprit::Settings,
            Severity::Warning,
            "Programs ask systemd-resolved, which asks other servers than Zoners.",
        )
        .because(format!("hosts: {line}"))
        .because(format!("systemd-resolved asks {}.", servers.join(", ")))
        .advise("Let programs go by /etc/resolv.conf alone.", change(&words)),
    )
}

/// The line to type for a new line for hosts.
fn change(words: &str) -> String {
    format!("sudo sed -i 's/^hosts:.*/hosts: {words}/' /etc/nsswitch.conf")
}

/// Names in `.local` are asked by multicast DNS, if a program responds.
fn multicast(settings: &SettingsObservation, sources: &[HostSource<'_>], output: &mut CheckOutput) {
    let source = sources.iter().find(|source| source.name.starts_with(MULTICAST));
    match (source, &settings.multicast_responder) {
        (Some(source), None) => output.find(
            DoctorFinding::new(
                "multicast-silent",
                Culprit::Machine,
                Severity::Notice,
                "Names in .local get no answer: the program for multicast DNS does not run.",
            )
            .because(format!("/etc/nsswitch.conf has {}.", source.name))
            .advise("Start Avahi.", "sudo systemctl enable --now avahi-daemon"),
        ),
        (Some(_), Some(responder)) => {
            output.is_sound("Names in .local", format!("by multicast DNS ({responder})"));
        }
        (None, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_systems_lead_to_dns() {
        use NameSource::{ByResolvConf, ByResolved, Nothing};
        let end = |at| Nothing { last: Some(at) };
        for (line, resolved_runs, expected) in [
            ("files dns", false, ByResolvConf),
            ("files mdns4_minimal [NOTFOUND=return] dns myhostname", false, ByResolvConf),
            ("files myhostname resolve [!UNAVAIL=return] dns", false, ByResolvConf),
            ("mymachines resolve [!UNAVAIL=return] files myhostname dns", true, ByResolved),
            ("files dns resolve", true, ByResolvConf),
            ("files mdns4 [NOTFOUND=return] dns", false, end(1)),
            ("files [NOTFOUND=return SUCCESS=return] dns", false, end(0)),
            ("files [!SUCCESS=return] dns", false, end(0)),
            ("files [!success=Return NotFound=continue] dns", false, ByResolvConf),
            ("files", false, Nothing { last: None }),
            ("files resolve", false, Nothing { last: None }),
            ("files[NOTFOUND=return]dns", false, end(0)),
            ("", false, Nothing { last: None }),
        ] {
            assert_eq!(first_of_dns(&parse(line), resolved_runs), expected, "{line}");
        }
    }

    #[test]
    fn the_line_to_type_leads_to_dns() {
        for line in [
            "files",
            "files [NOTFOUND=return] dns",
            "mdns [NOTFOUND=return]",
            "files mdns4_minimal",
        ] {
            let sources = parse(line);
            let NameSource::Nothing { last } = first_of_dns(&sources, false) else {
                panic!("{line}");
            };
            let command = without_dns(&sources, line, last).command;
            let (_, mended) = command.split_once("/hosts: ").unwrap();
            let (mended, _) = mended.split_once('/').unwrap();
            assert_eq!(first_of_dns(&parse(mended), false), NameSource::ByResolvConf, "{mended}");
        }
    }
}
