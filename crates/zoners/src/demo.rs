//! `zoners demo`

mod chaos;
mod traffic;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counters, Delegation, RRset, Random, zonefile};
use zoners_dnssec::chain::Ds;
use zoners_host::paths::runtime::control_sockets;
use zoners_resolver::Anchor;
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_server::daemon::{SingleStart, serve_on};
use zoners_server::pipeline::{Cookies, Rules};
use zoners_server::{Config, Service, SystemClock};
use zoners_sim::SimNetwork;
use zoners_sim::demo::{HINTS, SIGHTS, internet};

use crate::any_network::AnyNetwork;
use crate::output::println;
use crate::{Failure, output};

/// Octets of the demonstration's cache.
const CACHE: usize = 4 << 20;

/// Arguments of `zoners demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArguments {
    /// The port on 127.0.0.1; 0 takes any free port.
    #[arg(long, default_value_t = 5301)]
    port: u16,
    /// The seed of chance, by which some servers lose packets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The control socket. Without this option: demo-PORT.sock in a folder for the control socket of a daemon.
    #[arg(long, value_name = "FILE")]
    control: Option<PathBuf>,
    /// No queries but yours: without this option, a few devices of a household ask as well.
    #[arg(long)]
    quiet: bool,
    /// Faults come and go, and are told: a dead line, loss, a portal and others, each for 15 seconds.
    #[arg(long)]
    chaos: bool,
}

/// The household: the device of the children may not see two services.
const HOUSEHOLD: &str = r#"
[[policy.group]]
name = "kids"
clients = ["127.0.0.8/30"]
blocked-services = ["tiktok", "youtube"]
"#;

pub(crate) fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    let random = Random::from_system().map_err(Failure::Failed)?;
    let (service, network, anchor) = service(arguments.seed, random).map_err(Failure::Failed)?;
    let shared = service.worker().shared().clone();
    let policy =
        Config::parse(HOUSEHOLD, "demo").map_err(|error| Failure::Failed(error.to_string()))?;
    let ready = |start: &SingleStart<'_>| {
        show(start, &anchor);
        if !arguments.quiet {
            start.addresses.first().copied().into_iter().for_each(traffic::begin);
        }
        if arguments.chaos {
            chaos::begin(network, shared);
        }
        // Without the text, no person knows the names to ask for.
        output::is_whole().map_err(|_| io::ErrorKind::BrokenPipe.into())
    };
    let control = |first: SocketAddr| control_places(arguments.control.clone(), first.port());
    serve_on(service, arguments.port, policy, control, ready).map_err(
        |error| match output::is_whole() {
            Err(failure) => failure,
            Ok(()) => Failure::Failed(error.to_string()),
        },
    )
}

/// The service, its Internet, and the DS record at the beginning of the chains of trust.
pub(crate) fn service(
    seed: u64,
    random: Random,
) -> Result<(Service<AnyNetwork>, SimNetwork, RRset), String> {
    let cache = Cache::new(CACHE, TtlLimits::default(), [random.bits(), random.bits()]);
    let cookies = Cookies::new(&random);
    let shared = Shared::new(cache, Arc::new(SystemClock), random);
    let hints = zonefile::root_hints(HINTS)?;
    let root = Delegation::from_hints(&hints).ok_or("no root server")?;
    let (internet, anchor) = internet(seed);
    let ds = anchor.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let anchors = vec![Anchor { zone: anchor.owner.clone(), ds, keys: vec![] }];
    let settings = Arc::new(Settings { anchors, ..Settings::new(root) });
    let network = AnyNetwork::new(internet.clone());
    let worker = Resolver::new(shared, network, settings, Arc::<Counters>::default());
    let config = Config::default();
    let rules = Rules::new(&config, &[], cookies, &worker.shared().random, 0);
    let rules = rules.map_err(|error| error.to_string())?;
    Ok((Service::new(worker, Arc::new(rules)), internet, anchor))
}

/// The named control socket, or places beside the socket of a daemon, with a different file name.
fn control_places(named: Option<PathBuf>, port: u16) -> Vec<PathBuf> {
    let beside = |place: PathBuf| place.with_file_name(format!("demo-{port}.sock"));
    match named {
        Some(path) => vec![path],
        None => control_sockets(None).into_iter().map(beside).collect(),
    }
}

fn show(start: &SingleStart<'_>, anchor: &RRset) {
    let listed: Vec<String> = start.addresses.iter().map(ToString::to_string).collect();
    println!("A simulated Internet is served on {}.", listed.join(" and "));
    println!("In another terminal, try (or the same with `dig`):\n");
    let Some(address) = start.addresses.first() else { return };
    for sight in SIGHTS {
        let (name, rtype) = (sight.name, sight.rtype);
        println!("  # {}", sight.what);
        println!("  zoners lookup @{} -p {} {name} {rtype}", address.ip(), address.port());
    }
    match start.control {
        Ok(path) => {
            let path = path.display();
            println!("\nAnd see how it is doing, what it counted, and what it knows:\n");
            for command in ["status", "stats", "servers fast.demo", "cache lookup www.fast.demo"] {
                println!("  zoners {command} --control {path}");
            }
        }
        Err(why) => println!("\nThere is no control socket (zoners status): {why}"),
    }
    println!("\nThe root of its chains of trust, for those who validate themselves:\n  {anchor}");
    println!("\nCtrl-C ends it.");
}
