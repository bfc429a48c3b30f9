//! What the system says of itself: its resolver, and what may explain a difference between two runs.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use zoners_bench::Environment;

/// Where the system's resolver is named.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// A root server of each family: to see by which way packets would go there; none is sent.
const FAR_AWAY: [&str; 2] = ["198.41.0.4:53", "[2001:503:ba3e::2:30]:53"];
/// Connections by which the first router's distance is taken, and how long one may take.
const KNOCKS: (usize, Duration) = (3, Duration::from_millis(500));

/// The server that the system asks first.
pub(super) fn resolver() -> Result<IpAddr, String> {
    let instead = "name one with --server, or measure --in-process";
    let text =
        fs::read(RESOLV_CONF).map_err(|error| format!("{RESOLV_CONF}: {error}; {instead}"))?;
    first_server(&text).map_err(|why| format!("{RESOLV_CONF}: {why}; {instead}"))
}

fn first_server(text: &[u8]) -> Result<IpAddr, String> {
    let config = resolv_conf::Config::parse(text).map_err(|error| error.to_string())?;
    let first = config.nameservers.first().ok_or("it names no server")?;
    Ok(IpAddr::from(first))
}

/// What this run is measured with and on; `configuration` as the caller tells it. The first router is
/// only spoken to if its distance is wanted.
pub(super) fn environment(configuration: String, with_gateway: bool) -> Environment {
    let gateway = fs::read_to_string("/proc/net/route").ok().and_then(|table| gateway(&table));
    Environment {
        time: SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        version: env!("CARGO_PKG_VERSION").into(),
        configuration,
        machine: machine(),
        network: network(gateway),
        gateway_ms: gateway.filter(|_| with_gateway).and_then(distance),
    }
}

/// As `laptop: Linux 6.1.0 x86_64, 8 of Intel(R) Core(TM) i7`.
fn machine() -> String {
    let system = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let [name, kind, release, processor] =
        [system.nodename(), system.sysname(), system.release(), system.machine()].map(text);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let model = model.map(|model| format!(" of {model}")).unwrap_or_default();
    format!("{name}: {kind} {release} {processor}, {cores} cores{model}")
}

/// As `IPv4 from 192.168.1.5 by 192.168.1.1, no IPv6`.
fn network(gateway: Option<Ipv4Addr>) -> String {
    let own = FAR_AWAY.map(|server| {
        let server: SocketAddr = server.parse().ok()?;
        let any: SocketAddr = if server.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            "[::]:0".parse().ok()?
        };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(server).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    let told = |family: &str, own: Option<IpAddr>, gateway: String| match own {
        Some(own) => format!("{family} from {own}{gateway}"),
        None => format!("no {family}"),
    };
    let by = gateway.map(|gateway| format!(" by {gateway}")).unwrap_or_default();
    format!("{}, {}", told("IPv4", own[0], by), told("IPv6", own[1], String::new()))
}

/// The first router, as Linux tells it: the address is in hexadecimal digits as it lies in memory.
fn gateway(table: &str) -> Option<Ipv4Addr> {
    let mut routes = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let route = routes.find(|words| words.get(1) == Some(&"00000000"))?;
    let octets = u32::from_str_radix(route.get(2)?, 16).ok()?;
    (octets != 0).then(|| Ipv4Addr::from(octets.to_ne_bytes()))
}

/// Milliseconds to the first router and back: how soon it takes or refuses a connection.
fn distance(gateway: Ipv4Addr) -> Option<f64> {
    let (times, patience) = KNOCKS;
    let knock = |_| {
        let began = Instant::now();
        let reached = TcpStream::connect_timeout(&(gateway, 53).into(), patience);
        let refused = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
        let heard = reached.map_or_else(refused, |_| true);
        heard.then(|| began.elapsed().as_secs_f64() * 1000.0)
    };
    // One that is not heard at once will not be heard later either.
    (0..times).map_while(knock).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_server_is_taken() {
        let text = b"# comment\nsearch lan\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n";
        assert_eq!(first_server(text), Ok(IpAddr::from([192, 0, 2, 53])));
        let six = first_server(b"nameserver fe80::1%2\noptions edns0\n");
        assert!(six.is_ok_and(|address| address.is_ipv6()));
        assert!(first_server(b"search lan\n").unwrap_err().contains("no server"));
        assert!(first_server(b"nameserver nonsense\n").is_err());
    }

    #[test]
    fn the_default_route_is_found() {
        let table = "Iface\tDestination\tGateway\tFlags\n\
                     eth0\t000200C0\t00000000\t0001\n\
                     eth0\t00000000\t010200C0\t0003\n";
        let expected = Ipv4Addr::from(0x0102_00C0_u32.to_ne_bytes());
        assert_eq!(gateway(table), Some(expected));
        assert_eq!(gateway("Iface\tDestination\tGateway\n"), None);
        assert_eq!(gateway("x\neth0\t00000000\tnonsense\n"), None);
    }

    #[test]
    fn the_machine_is_told() {
        let environment = environment("defaults".into(), false);
        assert!(environment.machine.contains("cores"), "{environment:?}");
        assert!(environment.network.contains("IPv6"), "{environment:?}");
        assert!(environment.time > 1_700_000_000);
    }
}
