//! The daemon: status, answers over DNS, and the end of the user's question.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zoners_api::{AdminRequest, CounterStats, DaemonStatus, LocalNetworks};
use zoners_dns::{Message, OptRcode, Question, Random, Rtype, name};
use zoners_doctor::{
    ClientObservation, ConfigurationObservation, DaemonObservation, NameObservation, OwnAnswer,
};
use zoners_server::Config;
use zoners_server::daemon::Configured;
use zoners_server::report::look_up_by_sockets;
use zoners_server::validate::Scope;

use super::probe::{DnsProbe, ProbeEnd};
use crate::config_file::ConfigFile;
use crate::control::Socket;
use crate::control::healthcheck::reason;
use crate::dns_server::PORT;

/// The daemon's own limit for a recursion is longer; five seconds without an answer are a failure all the same.
const LIMIT: Duration = Duration::from_secs(5);

/// Names by which browsers and systems decide to ask a resolver of their own: of Firefox, and of iCloud Private Relay.
const CANARIES: [&str; 2] = ["use-application-dns.net", "mask.icloud.com"];

/// The control socket: as configured, also in a file with a fault elsewhere; else at the usual places.
pub(super) fn socket(path: Option<PathBuf>, file: &ConfigFile) -> Socket {
    if file.load().is_ok() {
        return Socket::new(path, file.clone());
    }
    let text = file.path().and_then(|path| std::fs::read_to_string(path).ok());
    let named = text.and_then(|text| control_of(&text));
    Socket::new(path.or(named), ConfigFile::named(Path::new("/dev/null")))
}

/// `server.control` in a text that need not be a valid configuration.
fn control_of(text: &str) -> Option<PathBuf> {
    let mut table = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.split(']').next().unwrap_or_default().trim();
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let is_control = match table {
            "server" => key.trim() == "control",
            "" => key.trim() == "server.control",
            _ => false,
        };
        if is_control {
            let path = value.trim().strip_prefix('"')?.split('"').next()?;
            return Some(path.into()).filter(|path: &PathBuf| path.is_absolute());
        }
    }
    None
}

/// The answers of the control socket.
#[derive(Debug, Default)]
pub(super) struct ControlReport {
    pub(super) daemon: DaemonObservation,
    pub(super) clients: Option<ClientObservation>,
    pub(super) networks: Option<LocalNetworks>,
}

impl ControlReport {
    /// A daemon without a reply to an accepted request.
    pub(super) fn without_reply() -> Self {
        let unreachable = Some("The control socket does not reply.".to_owned());
        let daemon = DaemonObservation { unreachable, ..DaemonObservation::default() };
        ControlReport { daemon, ..ControlReport::default() }
    }

    /// The status, the counters and the networks.
    pub(super) fn ask(socket: &Socket) -> Self {
        let status = socket.request::<DaemonStatus>(&AdminRequest::Status {});
        let stats = socket.request::<CounterStats>(&AdminRequest::Stats {}).ok();
        let clients = stats.map(|stats| {
            let counter = |name: &str| stats.counters.get(name).copied().unwrap_or_default();
            ClientObservation {
                queries: counter("client_queries"),
                refused: counter("client_refused"),
            }
        });
        let networks = socket.request::<LocalNetworks>(&AdminRequest::Network {}).ok();
        let unreachable = status.as_ref().err().and_then(|failure| failure.message().map(one_line));
        let status = status.ok().map(Box::new);
        let daemon = DaemonObservation { status, unreachable, ..DaemonObservation::default() };
        ControlReport { daemon, clients, networks }
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

/// The address at which programs of this machine ask.
pub(super) fn address(status: Option<&DaemonStatus>) -> SocketAddr {
    let usual = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
    let listen = status.map(|status| status.listen.as_slice()).unwrap_or_default();
    let mut own = listen.iter().filter_map(|text| text.parse::<SocketAddr>().ok());
    match own.next() {
        Some(first) if first.ip().is_unspecified() => SocketAddr::new(usual.ip(), first.port()),
        Some(first) => first,
        None => usual,
    }
}

/// The answers to a question for the nameservers of the root, over UDP and TCP.
pub(super) async fn ask_dns(server: SocketAddr, random: &Random) -> (OwnAnswer, OwnAnswer) {
    let question = Question::new(name::root(), Rtype::NS);
    let probe =
        DnsProbe { question, recursion_desired: true, offered: 1232, hops: None, limit: LIMIT };
    let (udp, tcp) = tokio::join!(probe.over_udp(server, random), probe.over_tcp(server, random));
    (answer(udp), answer(tcp))
}

/// Canary names with an address.
pub(super) async fn canaries(server: SocketAddr, random: &Random) -> Vec<String> {
    let [firefox, relay] = CANARIES.map(|canary| resolves(server, canary, random));
    let (firefox, relay) = tokio::join!(firefox, relay);
    let found = CANARIES.iter().zip([firefox, relay]).filter(|(_, resolves)| *resolves);
    found.map(|(canary, _)| (*canary).to_owned()).collect()
}

async fn resolves(server: SocketAddr, name: &str, random: &Random) -> bool {
    let Ok(name) = name::parse(name) else { return false };
    let (question, limit) = (Question::new(name, Rtype::A), LIMIT / 2);
    let probe = DnsProbe { question, recursion_desired: true, offered: 1232, hops: None, limit };
    let end = probe.over_udp(server, random).await;
    end.message().is_some_and(|message| message.answer.iter().any(|set| set.rtype == Rtype::A))
}

fn answer(end: ProbeEnd) -> OwnAnswer {
    match end {
        ProbeEnd::Replied { message, took, .. } => OwnAnswer::Answered {
            rcode: message.rcode.to_string(),
            took_ms: took.as_secs_f64() * 1000.0,
            reason: reason_of(&message),
        },
        ProbeEnd::Refused => OwnAnswer::Refused,
        ProbeEnd::Silent | ProbeEnd::Unreachable | ProbeEnd::Forbidden => OwnAnswer::Silent,
    }
}

fn reason_of(message: &Message) -> Option<String> {
    if message.rcode == OptRcode::NOERROR {
        return None;
    }
    message.edns.as_ref()?.errors.first().map(ToString::to_string)
}

/// The readable configuration, and its faults.
pub(super) fn configuration(file: &ConfigFile) -> (Option<Config>, ConfigurationObservation) {
    let mut seen = ConfigurationObservation {
        file: file.path().map(|path| path.display().to_string()),
        ..ConfigurationObservation::default()
    };
    // A file for the daemon's user alone has no fault.
    let opened = file.path().map(std::fs::File::open).transpose();
    if opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) {
        return (None, seen);
    }
    let config = match file.load() {
        Ok((config, _)) => config,
        Err(failure) => {
            seen.error = failure.message().map(str::to_owned);
            return (None, seen);
        }
    };
    match config.validate(Scope::Contents) {
        Ok(validated) => {
            seen.remarks = [validated.local.remarks(), &config.remarks()].concat();
            (Some(config), seen)
        }
        Err(error) => {
            seen.error = Some(error.to_string());
            (None, seen)
        }
    }
}

/// Looks up a name by a resolver of our own.
pub(super) async fn look_up_name(config: Config, text: &str) -> Option<NameObservation> {
    let question = Question::new(name::parse(text).ok()?, Rtype::A);
    let configured = Configured::new(config).ok()?;
    let service = configured.service();
    let looked_up = look_up_by_sockets(&service, &question);
    let report = tokio::time::timeout(LIMIT + LIMIT / 2, looked_up).await.ok();
    let ede = report.as_ref().and_then(|report| report.ede.as_ref().map(reason));
    let rcode = report.map(|report| report.rcode);
    Some(NameObservation { name: text.to_owned(), rcode, reason: ede })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_found_in_a_faulty_file() {
        let found = |text: &str| control_of(text);
        let path = Some(PathBuf::from("/run/z.sock"));
        assert_eq!(found("[server]\nno-key = 1\ncontrol = \"/run/z.sock\" # here\n[cache"), path);
        assert_eq!(found("server.control=\"/run/z.sock\"\n"), path);
        assert_eq!(found("[cache]\ncontrol = \"/run/z.sock\"\n"), None);
        assert_eq!(found("[server]\ncontrol = \"\"\n"), None);
    }
}
