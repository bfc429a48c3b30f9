//! `zoners healthcheck`: whether the daemon answers and resolves, for Docker and monitoring.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use zoners_api::{AdminRequest, DaemonStatus, HealthReport, Severity};
use zoners_dns::{Checking, Endpoint, OptRcode, Question, Rtype, Transport};
use zoners_server::config::values::{address, parse_duration};
use zoners_server::control::question;

use super::Socket;
use crate::Failure;
use crate::dns_server::{DnsServer, PORT, QueryManner};
use crate::output::println;

/// The most datagrams until an answer comes.
const MAX_TRIES: u32 = 2;

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
    /// Ask the server at this address, such as `127.0.0.1` or `[::1]:5300`, instead of the address that the
    /// control socket tells.
    #[arg(long, value_name = "ADDRESS", value_parser = server)]
    server: Option<SocketAddr>,
    /// The name to resolve. Without a name, the question is for the nameservers of the root.
    #[arg(long)]
    name: Option<String>,
    /// The time until the check fails, such as 500ms or 3s.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
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
        Ok(rcode) => {
            report.healthy = rcode == OptRcode::NOERROR || rcode == OptRcode::NXDOMAIN;
            report.took_ms = Some(began.elapsed().as_micros() as f64 / 1000.0);
            report.rcode = Some(rcode.to_string());
            let failed = || format!("{server} answered {rcode} for {}", report.name);
            report.error = (!report.healthy).then(failed);
        }
        Err(error) => report.error = Some(format!("{server}: {error} ({:?})", arguments.timeout)),
    }
    report
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

/// The RCODE of the answer over UDP, which is enough: a truncated answer has an RCODE, too.
fn ask(server: SocketAddr, question: &Question, timeout: Duration) -> Result<OptRcode, String> {
    let manner = QueryManner {
        recursion_desired: true,
        checking: Checking::Enabled,
        timeout: Some(timeout / MAX_TRIES),
        tries: MAX_TRIES,
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let server = DnsServer::at(Endpoint::new(server, Transport::Udp))?;
        Ok(server.first_reply(question, manner).await?.rcode)
    })
}
