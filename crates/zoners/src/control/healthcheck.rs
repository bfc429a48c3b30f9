//! `zoners healthcheck`: whether the daemon answers and resolves, for Docker and monitoring.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use zoners_api::{AdminRequest, DaemonStatus, EdeReport, HealthReport, LookupReport, Severity};
use zoners_dns::{Checking, Endpoint, Question, Rtype, Transport};
use zoners_server::config::values::{address, parse_duration};
use zoners_server::control::question;
use zoners_server::report;

use super::Socket;
use crate::Failure;
use crate::dns_server::{DnsServer, PORT, QueryManner};
use crate::output::println;
use crate::print::clean;

/// The most datagrams until an answer comes.
const MAX_TRIES: u32 = 2;
/// The time for the answer: the longest recursion by default (`timeouts.recursion`), and a margin of 2 s. Docker
/// waits 30 s for the command.
const TIMEOUT: &str = "10s";

/// Arguments of `zoners healthcheck`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It asks the control socket where the daemon serves, and sends one DNS query there.

Exit codes:
  0  healthy
  1  not: no daemon, no answer in time, or a failure in the answer

In a Dockerfile:
  HEALTHCHECK CMD [\"zoners\", \"healthcheck\"]"
)]
pub(crate) struct HealthcheckArguments {
    /// Ask the server at this address, such as `127.0.0.1` or `[::1]:5300`, instead of the address from the control
    /// socket.
    #[arg(long, value_name = "ADDRESS", value_parser = server)]
    server: Option<SocketAddr>,
    /// The name to resolve. Without a name, the question is for the nameservers of the root.
    #[arg(long)]
    name: Option<String>,
    /// The time until the check fails, such as 500ms or 3s. The default is longer than the server waits for
    /// upstream servers: a failure arrives with the reason.
    #[arg(long, value_name = "TIME", default_value = TIMEOUT, value_parser = parse_duration)]
    timeout: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    address(text, PORT).ok_or_else(|| "must be an IP address, such as 127.0.0.1 or [::1]:53".into())
}

pub(crate) fn run(arguments: &HealthcheckArguments) -> Result<(), Failure> {
    let question = match &arguments.name {
        Some(name) => question(name, "A").map_err(Failure::Usage)?,
        None => Question::new(zoners_dns::Name::root(), Rtype::NS),
    };
    let report = check(arguments, &question);
    if arguments.json {
        println!("{}", zoners_api::to_line(&report));
        return if report.healthy { Ok(()) } else { Err(Failure::Told(1)) };
    }
    if let Some(error) = report.error {
        return Err(Failure::Failed(format!("unhealthy: {error}")));
    }
    println!("{}", healthy(&report));
    Ok(())
}

fn healthy(report: &HealthReport) -> String {
    let (server, took) =
        (report.server.as_deref().unwrap_or_default(), report.took_ms.unwrap_or_default());
    let rcode = report.rcode.as_deref().unwrap_or_default();
    let well = format!("healthy: {server} answered {rcode} for {} in {took:.1} ms", report.name);
    match report.problems.first() {
        Some(problem) if problem.severity < Severity::Notice => {
            format!("{well}; but: {}", problem.text)
        }
        _ => well,
    }
}

fn check(arguments: &HealthcheckArguments, question: &Question) -> HealthReport {
    let mut report = HealthReport {
        healthy: false,
        server: None,
        name: question.name.fmt_with_dot().to_string(),
        rcode: None,
        took_ms: None,
        error: None,
        problems: Vec::new(),
    };
    let server = match arguments.server {
        Some(server) => Ok(server),
        None => served(&arguments.socket, &mut report),
    };
    let server = match server {
        Ok(server) => server,
        Err(error) => return HealthReport { error: Some(error), ..report },
    };
    report.server = Some(server.to_string());
    let began = Instant::now();
    match ask(server, question, arguments.timeout) {
        Ok(LookupReport { rcode, ede, .. }) => {
            report.healthy = rcode == "NOERROR" || rcode == "NXDOMAIN";
            report.took_ms = Some(began.elapsed().as_micros() as f64 / 1000.0);
            let reason = ede.map(|ede| format!(": {}", reason(&ede))).unwrap_or_default();
            let failed = || format!("{server} answered {rcode} for {}{reason}", report.name);
            report.error = (!report.healthy).then(failed);
            report.rcode = Some(rcode);
        }
        Err(error) => report.error = Some(format!("{server}: {error} ({:?})", arguments.timeout)),
    }
    report
}

/// The reason of a failure, in the words of the server.
pub(crate) fn reason(EdeReport { code, meaning, text }: &EdeReport) -> String {
    let meaning = format!("EDE {code}: {}", clean(meaning));
    if text.is_empty() { meaning } else { format!("{} ({meaning})", clean(text)) }
}

/// The first listening address, in a form reachable from here.
fn served(socket: &Socket, report: &mut HealthReport) -> Result<SocketAddr, String> {
    let status: DaemonStatus = socket
        .request(&AdminRequest::Status {})
        .map_err(|failure| failure.message().unwrap_or_default().to_owned())?;
    report.problems = status.problems;
    let mut addresses = status.listen.iter().filter_map(|text| text.parse().ok());
    addresses.next().map(reachable).ok_or_else(|| "the daemon serves no address".to_owned())
}

/// An address of this machine in the place of "any".
fn reachable(server: SocketAddr) -> SocketAddr {
    let ip = match server.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, server.port())
}

/// The answer over UDP, which is enough: a truncated answer has an RCODE, too.
fn ask(server: SocketAddr, question: &Question, timeout: Duration) -> Result<LookupReport, String> {
    let manner = QueryManner {
        recursion_desired: true,
        checking: Checking::Enabled,
        timeout: Some(timeout / MAX_TRIES),
        tries: MAX_TRIES,
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (endpoint, began) = (Endpoint::new(server, Transport::Udp), Instant::now());
        let message = DnsServer::at(endpoint)?.first_reply(question, manner).await?;
        Ok(report::replied(question, &message, endpoint, began.elapsed()))
    })
}

#[cfg(test)]
mod tests {
    use zoners_server::config::Timeouts;

    use super::*;

    #[test]
    fn the_check_waits_longer_than_the_server() {
        let Timeouts { recursion, client, .. } = Timeouts::default();
        let timeout = parse_duration(TIMEOUT).unwrap();
        assert_eq!(timeout, recursion + Duration::from_secs(2));
        assert!(timeout / MAX_TRIES > client, "the first datagram gets the reason");
    }
}
