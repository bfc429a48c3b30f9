//! The router of a default route, and echo requests.

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zoners_doctor::{IpFamily, ProbeCounts, RouterObservation};
use zoners_host::echo::EchoSocket;
use zoners_host::interfaces::index;
use zoners_host::networks::{NetworkFacts, ProgramUse};

use super::probe::median;

/// Echo requests to the router: enough to show a loss of one in ten; and the pause between two requests.
const ROUTER_ECHOES: u16 = 20;
const SERVER_ECHOES: u16 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// Requests without any reply after which the address counts as silent.
const ENOUGH_SILENCE: u32 = 4;
/// The longest waits for a reply: of a server, by a satellite too, and of the router.
const LIMIT: Duration = Duration::from_millis(1500);
/// The time for all requests to one address: on a lossy link, waits add up.
const ALL_LIMIT: Duration = Duration::from_secs(7);
const ROUTER_LIMIT: Duration = Duration::from_millis(600);
/// Ports at which routers serve or refuse: DNS and the page for settings.
const KNOCKS: [u16; 2] = [53, 80];

/// A router, with the number of the interface of a link-local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RouterAddress {
    pub(super) ip: IpAddr,
    scope: u32,
}

impl RouterAddress {
    /// The preferred router of a family.
    pub(super) fn of(facts: &NetworkFacts, family: IpFamily) -> Option<Self> {
        let mut routes =
            facts.default_routes.iter().filter_map(|route| Some((route.gateway?, route)));
        let (ip, route) = routes.find(|(ip, _)| ip.is_ipv4() == (family == IpFamily::Ipv4))?;
        Some(RouterAddress { ip, scope: index(&route.link).unwrap_or(0) })
    }

    /// The router at a port.
    pub(super) fn at(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                SocketAddrV6::new(ip, port, 0, self.scope).into()
            }
            ip => SocketAddr::new(ip, port),
        }
    }
}

impl fmt::Display for RouterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at(0) {
            SocketAddr::V6(own) if own.scope_id() != 0 => {
                write!(f, "{}%{}", self.ip, own.scope_id())
            }
            _ => write!(f, "{}", self.ip),
        }
    }
}

/// Whether anything is heard from the router.
pub(super) async fn examine(router: &RouterAddress) -> RouterObservation {
    let (echo, knock_answered) =
        tokio::join!(echoes(router.ip, router.scope, ROUTER_ECHOES, ROUTER_LIMIT), knock(*router));
    RouterObservation {
        address: router.to_string(),
        echo,
        knock_answered,
        is_neighbour: is_neighbour(router.ip).await,
    }
}

/// Echo requests to servers, which most root servers answer.
pub(super) async fn echo_of_servers(servers: &[SocketAddr]) -> Option<ProbeCounts> {
    let mut tasks = JoinSet::new();
    for server in servers {
        tasks.spawn(echoes(server.ip(), 0, SERVER_ECHOES, LIMIT));
    }
    let counts = tasks.join_all().await;
    counts.into_iter().flatten().reduce(ProbeCounts::plus)
}

/// Echo requests in turn; `None` if this user may send none.
async fn echoes(ip: IpAddr, scope: u32, times: u16, limit: Duration) -> Option<ProbeCounts> {
    let socket = EchoSocket::to(ip, scope).ok()?;
    let (mut counts, mut round_trips) = (ProbeCounts::default(), Vec::new());
    let began = Instant::now();
    for sequence in 0..times {
        if began.elapsed() > ALL_LIMIT {
            break;
        }
        counts.sent += 1;
        if let Some(took) = socket.round_trip(sequence, limit).await {
            counts.replied += 1;
            round_trips.push(took.as_secs_f64() * 1000.0);
            sleep(PAUSE.saturating_sub(took)).await;
        } else if counts.replied == 0 && counts.sent >= ENOUGH_SILENCE {
            break;
        }
    }
    counts.median_ms = median(round_trips);
    Some(counts)
}

/// A router alive accepts or refuses a connection.
async fn knock(router: RouterAddress) -> bool {
    let mut tasks = JoinSet::new();
    for port in KNOCKS {
        tasks.spawn(async move {
            match timeout(LIMIT, TcpStream::connect(router.at(port))).await {
                Ok(Ok(_)) => true,
                Ok(Err(error)) => error.kind() == std::io::ErrorKind::ConnectionRefused,
                Err(_) => false,
            }
        });
    }
    tasks.join_all().await.contains(&true)
}

/// Whether the hardware address of the router is known. The system forgets a dead neighbour some seconds after packets
/// were sent there.
async fn is_neighbour(ip: IpAddr) -> Option<bool> {
    let facts = tokio::task::spawn_blocking(|| NetworkFacts::read(ProgramUse::Forbidden)).await;
    let facts = facts.ok()?;
    let route = facts.default_routes.iter().find(|route| route.gateway == Some(ip))?;
    Some(route.hardware_address.is_some())
}
