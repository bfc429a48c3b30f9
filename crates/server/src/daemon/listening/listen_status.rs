//! The addresses of the daemon, as reports show them.

use std::net::SocketAddr;

use zoners_dns::Transport;

use super::served_address::ServedAddress;
use crate::config::{QuicListeners, QuicSpoken};

/// The addresses of the daemon, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenStatus {
    /// The addresses and ports over UDP and TCP.
    pub addresses: Vec<SocketAddr>,
    /// The addresses and ports over one of the two alone.
    pub single_transport: Vec<(Transport, SocketAddr)>,
    /// The addresses and ports over TLS.
    pub tls: Vec<SocketAddr>,
    /// The addresses and ports of DNS over QUIC.
    pub quic: Vec<SocketAddr>,
    /// The addresses and ports of DNS over HTTPS that are served over HTTP/3 too.
    pub http3: Vec<SocketAddr>,
    /// The addresses and ports of the HTTP service.
    pub http: Vec<SocketAddr>,
    /// The addresses and ports of DNS over HTTPS, each with its path.
    pub https: Vec<(SocketAddr, String)>,
    /// Configured addresses that this machine does not have yet.
    pub absent: Vec<SocketAddr>,
    /// Reasons for addresses that are not served, if no reason to end.
    pub missing: Vec<String>,
    /// The reason for a port other than 53, if none is configured.
    pub instead: Option<String>,
    /// Consequences of the listeners for other programs of this machine, found at the start.
    pub side_effects: Vec<String>,
}

impl ListenStatus {
    /// The addresses for DNS at `places`, where `quic` is spoken over QUIC.
    pub(super) fn of(places: &[ServedAddress], quic: &QuicListeners) -> Self {
        let addresses = |is_over: fn(Transport) -> bool| -> Vec<SocketAddr> {
            places.iter().flat_map(|place| place.addresses_over(is_over)).collect()
        };
        let udp = addresses(|transport| transport == Transport::Udp);
        let tcp = addresses(|transport| transport == Transport::Tcp);
        let udp_alone = udp.iter().filter(|address| !tcp.contains(address));
        let tcp_alone = tcp.iter().filter(|address| !udp.contains(address));
        let single_transport = (udp_alone.map(|address| (Transport::Udp, *address)))
            .chain(tcp_alone.map(|address| (Transport::Tcp, *address)));
        ListenStatus {
            single_transport: single_transport.collect(),
            addresses: udp.iter().filter(|address| tcp.contains(address)).copied().collect(),
            tls: addresses(|transport| transport == Transport::Tls),
            quic: quic_sockets(places, quic, |spoken, socket| spoken.doq.then_some(socket)),
            http3: served_over_http3(places, quic),
            ..ListenStatus::default()
        }
    }
}

/// The listeners of DNS over HTTPS whose socket for HTTP/3 is bound.
pub(super) fn served_over_http3(places: &[ServedAddress], quic: &QuicListeners) -> Vec<SocketAddr> {
    quic_sockets(places, quic, |spoken, _| Some(spoken.http3.as_ref()?.address))
}

/// The addresses that `take` finds for the bound sockets over QUIC, from the socket and the protocols spoken there.
fn quic_sockets(
    places: &[ServedAddress],
    quic: &QuicListeners,
    take: impl Fn(&QuicSpoken, SocketAddr) -> Option<SocketAddr>,
) -> Vec<SocketAddr> {
    let of_place = |place: &ServedAddress| {
        // A socket of a configured port 0 has another port.
        let configured = place.wanted.iter().flatten().next().map(|wanted| wanted.address);
        let sockets = place.addresses_over(|transport| transport == Transport::Quic);
        let taken = sockets
            .into_iter()
            .filter_map(|socket| take(quic.spoken_at(configured.unwrap_or(socket))?, socket));
        taken.collect::<Vec<_>>()
    };
    places.iter().flat_map(of_place).collect()
}
