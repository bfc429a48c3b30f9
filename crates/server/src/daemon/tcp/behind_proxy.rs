//! Connections of load balancers, which name the client in a header before the first octet of the client.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use zoners_dns::{Counter, Network};
use zoners_net::proxy_header::ProxyFault;

use super::{Door, receive};

/// Whether a connection comes from a proxy of the listener.
pub(super) fn is_proxied<N: Network>(door: &Door<N>, peer: SocketAddr) -> bool {
    let service = door.current.load();
    service.rules().is_proxy(door.listener, door.transport, peer.ip())
}

/// Reads the header, and receives the client. For the descriptor of the connection, an idle connection makes room.
pub(super) fn receive_named<N: Network>(
    door: &Arc<Door<N>>,
    mut stream: TcpStream,
    proxy: SocketAddr,
) {
    let begun = match door.headers.begin() {
        Err(ProxyFault::NoDescriptor) if door.connections.make_room(None) => {
            door.current.load().count(Counter::ClientTcpEvicted);
            door.headers.begin()
        }
        begun => begun,
    };
    let pending = match begun {
        Ok(pending) => pending,
        Err(fault) => return door.current.load().count(counter(Err(fault))),
    };
    let door = door.clone();
    tokio::spawn(async move {
        let mut stopping = door.stopping.clone();
        let client = tokio::select! {
            biased;
            client = pending.read(&mut stream, proxy) => client,
            // A client without a name has asked nothing.
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        door.current.load().count(counter(client.map(|_| ())));
        if let Ok(client) = client {
            receive(&door, stream, client, None);
        }
    });
}

/// The counter of the outcome of a header.
pub(in crate::daemon) fn counter(read: Result<(), ProxyFault>) -> Counter {
    match read {
        Ok(()) => Counter::ClientProxyHeaders,
        Err(ProxyFault::Full | ProxyFault::NoDescriptor) => Counter::ClientProxyRefused,
        Err(ProxyFault::Malformed) => Counter::ClientProxyFailed,
        Err(ProxyFault::TimedOut) => Counter::ClientProxyTimedOut,
    }
}
