//! `zoners doctor`: the part at fault where names do not resolve.
//!
//! The files below gather observations, side by side and without the system's resolver; `zoners_doctor` judges.

mod browsers;
mod daemon;
mod line;
mod machine;
mod nat64;
mod port;
mod portal;
mod probe;
mod progress;
mod replies;
mod router;
mod settings;
mod show;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};
use zoners_dns::Random;
use zoners_doctor::{
    ClientObservation, DaemonObservation, Examination, IpFamily, Nat64Observation, Observations,
    SettingsObservation, page,
};
use zoners_host::network::source_addresses;
use zoners_host::networks::{NetworkFacts, ProgramUse};
use zoners_server::Config;
use zoners_server::config::values::parse_duration;
use zoners_server::validate::Scope;

use crate::Failure;
use crate::config_file::ConfigFile;
use crate::control::Socket;
use crate::lookup::name_on_the_wire;
use crate::output::{self, println};
use daemon::ControlReport;
use line::{LineProbe, LineReport, MAX_SERVERS};
use portal::PageReport;
use progress::DoctorProgress;
use router::RouterAddress;

/// The time for everything.
const TIMEOUT: &str = "10s";

/// The parts of an examination, for the progress.
const PARTS: u64 = 6;
/// The longest wait for the control socket.
const CONTROL_LIMIT: Duration = Duration::from_secs(4);

/// Arguments of `zoners doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It needs neither DNS nor a running daemon, and takes ten seconds: root servers are asked over
IPv4 and IPv6, UDP and TCP; the router, the clock, the settings of the system and of
browsers, and the daemon are looked at. With sudo it sees more: which program has port 53, and
the daemon of another user.

Exit codes:
  0   all is well
  1   the examination failed
  2   the command line is wrong
  10  this machine is at fault: no network, a firewall, the clock, the daemon, port 53
  11  the settings: a second DNS server, a browser past Zoners, the configuration
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
    let progress = DoctorProgress::begin(PARTS);
    let random = Random::from_system().map_err(Failure::Failed)?;
    let seen = runtime.block_on(observe(arguments, &random, &progress));
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
async fn observe(
    arguments: &DoctorArguments,
    random: &Random,
    progress: &DoctorProgress,
) -> Result<Observations, Failure> {
    let deadline = Instant::now() + arguments.timeout;
    let (config, configuration) = daemon::configuration(&arguments.config);
    let mut usable = config.unwrap_or_default();
    if arguments.root_hints.is_some() {
        usable.resolver.root_hints.clone_from(&arguments.root_hints);
    }
    let socket = daemon::socket(arguments.control.clone(), &arguments.config);
    let facts = spawn_blocking(|| NetworkFacts::read(ProgramUse::Forbidden));
    let facts = facts.await.unwrap_or_default();
    let [ipv4, ipv6] = lines_out(&usable, &facts, random, deadline)?;
    let local = LocalProbe {
        facts: &facts,
        page: &arguments.page,
        servers: ipv4.servers.clone(),
        deadline,
        random,
    };
    let named = async {
        match arguments.name.clone() {
            Some(name) => daemon::look_up_name(usable.clone(), &name).await,
            None => None,
        }
    };
    let (ipv4, ipv6, local, name) = tokio::join!(
        progress.follow("IPv4", ipv4.examine()),
        progress.follow("IPv6", ipv6.examine()),
        local.examine(socket, progress),
        progress.follow("name", within(deadline, named)),
    );
    let crashes = {
        let status = local.daemon.status.clone();
        spawn_blocking(move || machine::crashes(status.as_deref())).await.unwrap_or_default()
    };
    let mut seen = Observations {
        system: machine::system(),
        links: machine::links(),
        portal: local.page.portal,
        settings: local.settings,
        configuration,
        clients: local.clients,
        name,
        state: machine::state(&usable),
        nat64: local.nat64,
        crashes,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        ..Observations::default()
    };
    seen.clock.now_s = portal::now_s();
    seen.clock.ahead_of_http_s = local.page.ahead_s;
    for LineReport { seen: family, windows } in [ipv4, ipv6] {
        seen.families.push(family);
        seen.clock.windows.extend(windows);
    }
    seen.clock.windows.sort_unstable();
    seen.clock.windows.dedup();
    let status = local.daemon.status.as_deref();
    seen.port = port::sockets(status);
    seen.descriptors = status.and_then(machine::descriptors_of);
    seen.daemon = DaemonObservation {
        is_running: status.is_none() && port::has_daemon(&seen.port),
        is_installed: machine::is_installed(),
        ..local.daemon
    };
    Ok(seen)
}

/// Questions to this machine and its network.
struct LocalProbe<'a> {
    facts: &'a NetworkFacts,
    /// The page by which an open network is told.
    page: &'a str,
    /// IPv4 addresses of root servers.
    servers: Vec<SocketAddr>,
    deadline: Instant,
    random: &'a Random,
}

/// The answers.
struct LocalReport {
    daemon: DaemonObservation,
    clients: Option<ClientObservation>,
    settings: SettingsObservation,
    page: PageReport,
    nat64: Nat64Observation,
}

impl LocalProbe<'_> {
    async fn examine(self, socket: Socket, progress: &DoctorProgress) -> LocalReport {
        let LocalProbe { facts, page, servers, deadline, random } = self;
        let asked = spawn_blocking(move || ControlReport::ask(&socket));
        let control = match timeout(CONTROL_LIMIT, asked).await {
            Ok(asked) => asked.unwrap_or_default(),
            Err(_) => ControlReport::without_reply(),
        };
        let ControlReport { daemon, clients, networks } = control;
        let status = daemon.status.as_deref();
        let settings = settings::settings(status, networks.as_ref());
        let network = settings::network_resolvers(&settings, facts);
        let resolvers = [network, routers(facts)].concat();
        let own = daemon::address(status);
        let answers =
            async { tokio::join!(daemon::ask_dns(own, random), daemon::canaries(own, random)) };
        let (((udp, tcp), resolved_canaries), page, nat64) = tokio::join!(
            progress.follow("daemon", within(deadline, answers)),
            progress
                .follow("log-in page", within(deadline, portal::look(page, &resolvers, random))),
            progress.follow(
                "NAT64",
                within(deadline, nat64::examine(facts, &resolvers, &servers, random)),
            ),
        );
        let daemon = DaemonObservation { udp, tcp, resolved_canaries, ..daemon };
        LocalReport { daemon, clients, settings, page, nat64 }
    }
}

/// The result of a part, or nothing seen if the part is not over at the deadline.
async fn within<T: Default>(deadline: Instant, part: impl Future<Output = T>) -> T {
    timeout_at(deadline, part).await.unwrap_or_default()
}

/// The lines of both families, to root servers of the configuration.
fn lines_out(
    config: &Config,
    facts: &NetworkFacts,
    random: &Random,
    deadline: Instant,
) -> Result<[LineProbe; 2], Failure> {
    let validated = config.validate(Scope::Contents);
    let validated = validated.map_err(|error| Failure::Usage(error.to_string()))?;
    let addresses: Vec<SocketAddr> = validated
        .settings
        .root
        .servers
        .iter()
        .flat_map(|server| server.addresses.clone())
        .collect();
    let [ipv4, ipv6] = source_addresses();
    let line = |family: IpFamily, source: Option<IpAddr>| {
        let fits = |server: &&SocketAddr| server.is_ipv4() == (family == IpFamily::Ipv4);
        let mut servers: Vec<SocketAddr> = addresses.iter().filter(fits).copied().collect();
        random.shuffle(&mut servers);
        servers.truncate(MAX_SERVERS);
        let router = RouterAddress::of(facts, family);
        LineProbe { family, source, router, servers, deadline, random: random.clone() }
    };
    Ok([line(IpFamily::Ipv4, ipv4), line(IpFamily::Ipv6, ipv6)])
}

/// The routers as resolvers, as most routers are.
fn routers(facts: &NetworkFacts) -> Vec<SocketAddr> {
    let families = [IpFamily::Ipv4, IpFamily::Ipv6];
    let routers = families.iter().filter_map(|family| RouterAddress::of(facts, *family));
    routers.map(|router| router.at(crate::dns_server::PORT)).collect()
}
