//! Data of the system: the resolver, and circumstances of a difference between two runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use zoners_bench::Environment;
use zoners_host::machine;
use zoners_host::network::{gateway, source_addresses};
use zoners_host::resolvers::{SOURCE, nameservers};

/// Connections for measuring the distance of the first router, and the limit of each.
const KNOCKS: (usize, Duration) = (3, Duration::from_millis(500));

/// The first server of the system.
pub(super) fn resolver() -> Result<SocketAddr, String> {
    let instead = "name one with --server, or measure --in-process";
    let servers = nameservers().map_err(|error| format!("{SOURCE}: {error}; {instead}"))?;
    let first = servers.first().copied();
    first.ok_or_else(|| format!("{SOURCE}: it names no server; {instead}"))
}

/// The environment of this run; `configuration` comes from the caller. The first router is
/// contacted only if its distance is wanted.
pub(super) fn environment(configuration: String, with_gateway: bool) -> Environment {
    let gateway = gateway();
    Environment {
        time: SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        version: env!("CARGO_PKG_VERSION").into(),
        configuration,
        machine: machine::describe(),
        network: network(gateway),
        gateway_ms: gateway.filter(|_| with_gateway).and_then(distance),
    }
}

/// As `IPv4 from 192.168.1.5 by 192.168.1.1, no IPv6`.
fn network(gateway: Option<Ipv4Addr>) -> String {
    let [v4, v6] = source_addresses();
    let told = |family: &str, own: Option<IpAddr>, gateway: String| match own {
        Some(own) => format!("{family} from {own}{gateway}"),
        None => format!("no {family}"),
    };
    let by = gateway.map(|gateway| format!(" by {gateway}")).unwrap_or_default();
    format!("{}, {}", told("IPv4", v4, by), told("IPv6", v6, String::new()))
}

/// The RTT to the first router in milliseconds: the time until the router accepts or refuses a connection.
fn distance(gateway: Ipv4Addr) -> Option<f64> {
    let (times, patience) = KNOCKS;
    let knock = |_| {
        let began = Instant::now();
        let reached = TcpStream::connect_timeout(&(gateway, 53).into(), patience);
        let refused = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
        let heard = reached.map_or_else(refused, |_| true);
        heard.then(|| began.elapsed().as_secs_f64() * 1000.0)
    };
    // A router without an answer at once gives none later.
    (0..times).map_while(knock).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_told() {
        let environment = environment("defaults".into(), false);
        assert!(environment.machine.contains("cores"), "{environment:?}");
        assert!(environment.network.contains("IPv6"), "{environment:?}");
        assert!(environment.time > 1_700_000_000);
    }
}
