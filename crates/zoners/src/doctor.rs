//! `zoners doctor`: whose fault it is that names do not resolve.
//!
//! The files below gather observations, side by side and without the system's resolver; `zoners_doctor` judges.

mod daemon;
mod line;
mod machine;
mod portal;
mod probe;
mod router;
mod show;

use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use zoners_dns::Random;
use zoners_doctor::{DaemonObservation, Examination, IpFamily, Observations, page};
use zoners_host::network::source_addresses;
use zoners_host::networks::{LinkFacts, NetworkFacts, ProgramUse};
use zoners_server::Config;
use zoners_server::config::values::parse_duration;
use zoners_server::validate::Scope;

use crate::Failure;
use crate::config_file::ConfigFile;
use crate::lookup::name_on_the_wire;
use crate::output::{self, println};
use line::{LineProbe, LineReport, MAX_SERVERS};
use router::RouterAddress;

/// The time for everything.
const TIMEOUT: &str = "12s";

/// The longest wait for the control socket.
const CONTROL_LIMIT: Duration = Duration::from_secs(4);

/// Arguments of `zoners doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It needs neither DNS nor a running daemon, and takes some seconds: root servers are asked over
IPv4 and IPv6, UDP and TCP; the router, the clock, the settings and the daemon are looked at. With
sudo it sees more: which program has port 53, and the daemon of another user.

Exit codes:
  0   all is well
  1   the examination failed
  2   the command line is wrong
  10  this machine is at fault: no network, a firewall, the clock, the daemon, port 53
  11  the settings or the configuration
  12  the router or the local network, its log-in page included
  13  the provider of the connection to the Internet
  14  the other side: servers of the name that was named

Examples:
  sudo zoners doctor                      whose fault is it?
  zoners doctor example.com               and why does this name not resolve?
  zoners doctor --report line.html        a page for the provider, without names asked"
)]
pub(crate) struct DoctorArguments {
    /// A name that does not resolve.
    #[arg(value_parser = name_on_the_wire)]
    name: Option<String>,
    /// Print one JSON object: verdict, findings, sound parts and observations.
    #[arg(long)]
    json: bool,
    /// Write a page for the provider: the probes of the line, and no name that was asked.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The time after which the examination ends with what is seen so far.
    #[arg(long, value_name = "TIME", default_value = TIMEOUT, value_parser = parse_duration)]
    timeout: Duration,
    /// The page that shows whether a network is open: plain HTTP, and the text has the word "success".
    #[arg(long, value_name = "URL", default_value = portal::PAGE)]
    page: String,
    /// The root servers to be probed, in the place of those of the configuration.
    #[arg(long, value_name = "FILE", hide = true)]
    root_hints: Option<PathBuf>,
    /// The daemon's control socket. Without this option: the socket of the configuration file, or the usual one.
    #[arg(long = "control", value_name = "FILE")]
    control: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(error.to_string()))?;
    let progress = DoctorProgress::begin();
    let random = Random::from_system().map_err(Failure::Failed)?;
    let seen = runtime.block_on(observe(arguments, &random));
    // A request to a hanging daemon must not hold the verdict.
    runtime.shutdown_background();
    progress.end();
    let seen = seen?;
    let examination = Examination::of(&seen);
    if let Some(file) = &arguments.report {
        let text = page::page(&examination, &seen, &show::when(), env!("CARGO_PKG_VERSION"));
        let wrote = std::fs::write(file, text);
        wrote.map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    }
    if arguments.json {
        println!("{}", show::json(&examination, &seen));
    } else {
        show::page(&examination, output::width()).iter().for_each(|line| println!("{line}"));
    }
    match examination.exit_code() {
        0 => Ok(()),
        code => Err(Failure::Told(code)),
    }
}

/// Gathers all observations side by side.
async fn observe(arguments: &DoctorArguments, random: &Random) -> Result<Observations, Failure> {
    let (config, configuration) = daemon::configuration(&arguments.config);
    let mut usable = config.unwrap_or_default();
    if arguments.root_hints.is_some() {
        usable.resolver.root_hints.clone_from(&arguments.root_hints);
    }
    let socket = daemon::socket(arguments.control.clone(), &arguments.config);
    let control = timeout(CONTROL_LIMIT, spawn_blocking(move || daemon::ask_control(&socket)));
    let facts = spawn_blocking(|| NetworkFacts::read(ProgramUse::Forbidden));
    let facts = facts.await.unwrap_or_default();
    let mut lines = JoinSet::new();
    for line in lines_out(&usable, &facts, random)? {
        lines.spawn(line.examine());
    }
    let named = async {
        match arguments.name.clone() {
            Some(name) => daemon::look_up_name(usable.clone(), &name).await,
            None => None,
        }
    };
    let machine = async {
        let (daemon, clients) = match control.await {
            Ok(asked) => asked.unwrap_or_default(),
            Err(_) => daemon::without_reply(),
        };
        let settings = machine::settings(daemon.status.as_deref());
        let resolvers = [machine::network_resolvers(&settings), routers(&facts)].concat();
        let own = daemon::address(daemon.status.as_deref());
        let (answers, canaries, page) = tokio::join!(
            daemon::ask_dns(own, random),
            daemon::canaries(own, random),
            portal::look(&arguments.page, &resolvers, random),
        );
        let daemon = DaemonObservation { resolved_canaries: canaries, ..daemon };
        (daemon, clients, settings, answers, page)
    };
    let reports = in_time(lines, arguments.timeout);
    let (name, (mut daemon, clients, settings, (udp, tcp), page), reports) =
        tokio::join!(named, machine, reports);
    let mut seen = Observations {
        links: machine::links(),
        portal: page.portal,
        settings,
        configuration,
        clients,
        name,
        state: machine::state(&usable),
        nat64: facts.links.iter().flat_map(nat64_prefixes).collect(),
        crashes: spawn_blocking(machine::crashes).await.unwrap_or_default(),
        ..Observations::default()
    };
    seen.clock.now_s = portal::now_s();
    seen.clock.ahead_of_http_s = page.ahead_s;
    for LineReport { seen: family, windows } in reports {
        seen.families.push(family);
        seen.clock.windows.extend(windows);
    }
    seen.clock.windows.sort_unstable();
    seen.clock.windows.dedup();
    seen.families.sort_by_key(|family| family.family == IpFamily::Ipv6);
    seen.port = machine::port(daemon.status.as_deref());
    seen.descriptors = daemon.status.as_deref().and_then(machine::descriptors_of);
    (daemon.udp, daemon.tcp) = (udp, tcp);
    daemon.is_running = daemon.status.is_none() && machine::has_own_process(&seen.port);
    daemon.is_installed = machine::is_installed();
    seen.daemon = daemon;
    Ok(seen)
}

/// The lines of both families, to root servers of the configuration.
fn lines_out(
    config: &Config,
    facts: &NetworkFacts,
    random: &Random,
) -> Result<Vec<LineProbe>, Failure> {
    let validated = config.validate(Scope::Contents);
    let validated = validated.map_err(|error| Failure::Usage(error.to_string()))?;
    let addresses: Vec<SocketAddr> = validated
        .settings
        .root
        .servers
        .iter()
        .flat_map(|server| server.addresses.clone())
        .collect();
    let families = [IpFamily::Ipv4, IpFamily::Ipv6];
    let line = |(family, source): (IpFamily, Option<IpAddr>)| {
        let fits = |server: &&SocketAddr| server.is_ipv4() == (family == IpFamily::Ipv4);
        let mut servers: Vec<SocketAddr> = addresses.iter().filter(fits).copied().collect();
        random.shuffle(&mut servers);
        servers.truncate(MAX_SERVERS);
        let router = RouterAddress::of(facts, family);
        LineProbe { family, source, router, servers, random: random.clone() }
    };
    Ok(families.into_iter().zip(source_addresses()).map(line).collect())
}

/// The routers as resolvers, which most of them are.
fn routers(facts: &NetworkFacts) -> Vec<SocketAddr> {
    let routes = facts.default_routes.iter().filter_map(|route| route.gateway);
    routes.filter(IpAddr::is_ipv4).map(|ip| SocketAddr::new(ip, crate::dns_server::PORT)).collect()
}

/// The prefixes of a NAT64 that a link tells (RFC 8781).
fn nat64_prefixes(link: &LinkFacts) -> Vec<String> {
    let shown = |(prefix, bits): (Ipv6Addr, u8)| format!("{prefix}/{bits}");
    link.nat64_prefixes().into_iter().map(shown).collect()
}

/// The reports that come in time.
async fn in_time(mut lines: JoinSet<LineReport>, limit: Duration) -> Vec<LineReport> {
    let mut reports = Vec::new();
    let all = async {
        while let Some(report) = lines.join_next().await {
            reports.extend(report);
        }
    };
    let _ = timeout(limit, all).await;
    reports
}

/// A line at the terminal, as the wait is long for a person.
struct DoctorProgress(Option<ProgressBar>);

impl DoctorProgress {
    fn begin() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(
                "Probing the line, the router, the settings and the daemon; ten seconds:",
            );
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        DoctorProgress(bar)
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
