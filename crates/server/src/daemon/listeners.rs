//! Sockets bound for clients: the listeners of each address, each with its transport.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use zoners_api::DescriptorKind;
use zoners_dns::Transport;
use zoners_files::ServiceUser;
use zoners_net::datagrams::Datagrams;
use zoners_net::listen::{self, Terms};

use crate::config::{Config, ListenConfig, ListenerSpec};

/// A listener of one worker, bound and not yet served.
#[derive(Debug)]
pub(super) struct BoundListener {
    transport: Transport,
    socket: BoundSocket,
}

#[derive(Debug)]
enum BoundSocket {
    Datagrams(UdpSocket),
    Stream(TcpListener),
}

/// A listener in service of a worker; clones share the socket.
#[derive(Clone, Debug)]
pub(super) struct ServedListener {
    /// The transport of the clients.
    pub(super) transport: Transport,
    pub(super) socket: ServedSocket,
}

/// The kinds of sockets: each yields octets of clients in a different way.
#[derive(Clone, Debug)]
pub(super) enum ServedSocket {
    /// Batches of datagrams.
    Datagrams(Arc<Datagrams>),
    /// Connections.
    Stream(Arc<tokio::net::TcpListener>),
}

impl BoundListener {
    /// Binds a socket for clients over `transport`.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub(super) fn bind(
        transport: Transport,
        address: SocketAddr,
        terms: Terms,
    ) -> io::Result<Self> {
        let socket = match transport {
            Transport::Udp | Transport::Quic => {
                BoundSocket::Datagrams(listen::udp(address, terms)?)
            }
            Transport::Tcp | Transport::Tls | Transport::Https => {
                BoundSocket::Stream(listen::tcp(address, terms)?)
            }
        };
        Ok(BoundListener { transport, socket })
    }

    /// A bound socket for datagrams.
    pub(super) fn of_datagrams(transport: Transport, socket: UdpSocket) -> Self {
        BoundListener { transport, socket: BoundSocket::Datagrams(socket) }
    }

    /// A bound listener for connections.
    pub(super) fn of_stream(transport: Transport, socket: TcpListener) -> Self {
        BoundListener { transport, socket: BoundSocket::Stream(socket) }
    }

    /// The transport of the clients.
    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// The listeners of a service manager, each over the transport that the configuration has there.
    ///
    /// # Errors
    /// A socket has no address.
    pub(super) fn given(
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
        config: &Config,
    ) -> io::Result<Vec<Self>> {
        let wanted = config.listeners();
        let datagrams = udp.into_iter().map(BoundSocket::Datagrams);
        let sockets = datagrams.chain(tcp.into_iter().map(BoundSocket::Stream));
        let of_socket = |socket: BoundSocket| {
            let plain = match socket {
                BoundSocket::Datagrams(_) => Transport::Udp,
                BoundSocket::Stream(_) => Transport::Tcp,
            };
            let transport = transport_of_given(plain, socket.address()?, &wanted);
            Ok(BoundListener { transport, socket })
        };
        sockets.map(of_socket).collect()
    }

    /// The local address.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.address()
    }

    /// The same socket for another worker.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        let socket = match &self.socket {
            BoundSocket::Datagrams(socket) => BoundSocket::Datagrams(socket.try_clone()?),
            BoundSocket::Stream(socket) => BoundSocket::Stream(socket.try_clone()?),
        };
        Ok(BoundListener { transport: self.transport, socket })
    }

    /// The listener in service of the worker whose runtime is entered.
    pub(super) fn into_served(self) -> io::Result<ServedListener> {
        let socket = match self.socket {
            BoundSocket::Datagrams(socket) => {
                ServedSocket::Datagrams(Arc::new(Datagrams::new(socket)?))
            }
            BoundSocket::Stream(socket) => {
                ServedSocket::Stream(Arc::new(tokio::net::TcpListener::from_std(socket)?))
            }
        };
        Ok(ServedListener { transport: self.transport, socket })
    }
}

/// The transport of a socket that a service manager has bound at `address`: that of the wanted listener at this address,
/// else an encrypted one that is wanted at this port, else `plain`.
fn transport_of_given(plain: Transport, address: SocketAddr, wanted: &[ListenerSpec]) -> Transport {
    let fitting =
        || wanted.iter().filter(|own| own.transport.has_datagrams() == plain.has_datagrams());
    let has_port =
        |own: &&ListenerSpec| own.transport.is_encrypted() && own.address.port() == address.port();
    let at_address = fitting().find(|own| own.address == address);
    at_address.or_else(|| fitting().find(has_port)).map_or(plain, |own| own.transport)
}

impl BoundSocket {
    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            BoundSocket::Datagrams(socket) => socket.local_addr(),
            BoundSocket::Stream(socket) => socket.local_addr(),
        }
    }
}

impl AsFd for BoundListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            BoundSocket::Datagrams(socket) => socket.as_fd(),
            BoundSocket::Stream(socket) => socket.as_fd(),
        }
    }
}

impl ServedListener {
    /// The local address, if the system tells.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            ServedSocket::Datagrams(socket) => socket.local_address(),
            ServedSocket::Stream(socket) => socket.local_addr().ok(),
        }
    }

    /// Closes the socket and all copies to new datagrams; queries under way are still answered.
    pub(super) fn deafen(&self) {
        if let ServedSocket::Datagrams(socket) = &self.socket {
            socket.deafen();
        }
    }
}

impl AsFd for ServedListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            ServedSocket::Datagrams(socket) => socket.as_fd(),
            ServedSocket::Stream(socket) => socket.as_fd(),
        }
    }
}

/// Listeners at one address.
#[derive(Debug)]
pub(super) struct BoundAddress {
    /// The wanted listeners. None for sockets of a service manager.
    pub(super) wanted: Option<Vec<ListenerSpec>>,
    /// The bound addresses; several for sockets of a service manager.
    pub(super) addresses: Vec<SocketAddr>,
    /// The listeners of each worker.
    pub(super) listeners: Vec<Vec<BoundListener>>,
}

impl BoundAddress {
    /// The listeners of every worker.
    fn all(&self) -> impl Iterator<Item = &BoundListener> {
        self.listeners.iter().flatten()
    }
}

/// The outcome of binding a list of addresses.
#[derive(Debug, Default)]
pub(super) struct BoundAddresses {
    /// Bound addresses.
    pub(super) bound: Vec<BoundAddress>,
    /// Listeners at addresses that this machine does not have yet.
    pub(super) absent: Vec<ListenerSpec>,
    /// Reasons for addresses that are not bound, if no reason to end.
    pub(super) missing: Vec<io::Error>,
    /// An old daemon serves by the same sockets.
    pub(super) with_predecessor: bool,
}

impl BoundAddresses {
    /// Gives the sockets to the user after the change of user: only sockets of one user may share an address, as
    /// sockets before and after a reload may have to.
    pub(super) fn give_to(&self, heir: ServiceUser) {
        let own = self.bound.iter().filter(|address| address.wanted.is_some());
        // Some systems have no owner of a socket, and need none.
        own.flat_map(BoundAddress::all).for_each(|listener| drop(heir.give(listener)));
    }

    /// Lets sockets of this user share the addresses, or no longer.
    pub(super) fn share(&self, shared: bool) {
        let all = self.bound.iter().flat_map(BoundAddress::all);
        all.for_each(|listener| listen::share(listener, shared));
    }

    /// The addresses, or the first reason if none is bound.
    pub(super) fn or_error(mut self) -> io::Result<Self> {
        match self.bound.is_empty() && !self.missing.is_empty() {
            true => Err(self.missing.swap_remove(0)),
            false => Ok(self),
        }
    }
}

/// The kind of a socket for clients over `transport`, in hand-overs.
pub(super) fn descriptor_kind(transport: Transport) -> DescriptorKind {
    match transport {
        Transport::Udp => DescriptorKind::Udp,
        Transport::Tcp => DescriptorKind::Tcp,
        Transport::Tls => DescriptorKind::Tls,
        Transport::Https => DescriptorKind::Https,
        Transport::Quic => DescriptorKind::Quic,
    }
}

/// Warns of tables `[[listen]]`, and of HTTP/3, for which a service manager has not given every socket.
pub(super) fn warn_of_tables_without_socket(given: &[(Transport, SocketAddr)], config: &Config) {
    let remarks = [tables_without_socket(given, config), without_http3(given, config)].concat();
    remarks.iter().for_each(|remark| tracing::warn!("listen: {remark}"));
}

/// Remarks on tables `[[listen]]` with clients or proxies of their own and without a socket among those that a service manager has
/// `given`. DNS over HTTPS has other sockets.
fn tables_without_socket(given: &[(Transport, SocketAddr)], config: &Config) -> Vec<String> {
    let has_key = |table: &ListenConfig| {
        table.allow.is_some() || !table.proxies.is_empty() || table.client_authority.is_some()
    };
    let tables = config.listen.iter().enumerate().filter(|(_, table)| has_key(table));
    let told = tables.filter_map(|(number, table)| {
        let at = table.address.address;
        let has_socket = |transport: &&Transport| {
            **transport == Transport::Https || given.contains(&(**transport, at))
        };
        let transports = table.address.transports.iter();
        let (there, missing): (Vec<&Transport>, Vec<_>) = transports.partition(has_socket);
        let missing = missing.first()?.to_string().to_uppercase();
        let address = &table.address;
        let what = match there.first() {
            None => format!(
                "the service manager gave no socket for {address}: the table holds for none of the sockets"
            ),
            Some(there) => format!(
                "the service manager gave no socket over {missing} for {address}: the table holds over {} alone",
                there.to_string().to_uppercase()
            ),
        };
        let key = match table {
            ListenConfig { allow: Some(_), .. } => "allow",
            ListenConfig { client_authority: Some(_), .. } => "client-authority",
            _ => "proxies",
        };
        Some(config.source.remark(&format!("listen[{number}].{key}"), &what))
    });
    told.collect()
}

/// Remarks on listeners of DNS over HTTPS that lack HTTP/3, since the socket at their port serves several listeners, or a
/// table would not hold there.
fn without_http3(given: &[(Transport, SocketAddr)], config: &Config) -> Vec<String> {
    let quic = config.quic();
    let sockets = || given.iter().filter(|(transport, _)| *transport == Transport::Quic);
    let told = quic.by_address().filter_map(|(at, spoken)| {
        let http3 = spoken.http3.as_ref()?;
        let mut of_port = sockets().map(|(_, socket)| socket).filter(|own| own.port() == at.port());
        let is_spoken = |socket: &SocketAddr| {
            quic.spoken_at(*socket).is_some_and(|other| other.http3.as_ref() == Some(http3))
        };
        let other = of_port.next().filter(|_| !sockets().any(|(_, socket)| is_spoken(socket)))?;
        Some(format!(
            "https://{at} is served without HTTP/3: the service manager gave no socket of UDP for it, but one at \
             {other}, which does not tell listeners and tables apart"
        ))
    });
    told.collect()
}

/// Whether two processes cannot bind both addresses.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let either_is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || either_is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_holds_for_no_socket_of_the_manager_is_told() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        let remarks = |address: &str| {
            let text = format!("[[listen]]\naddress = \"{address}:{port}\"\nallow = []\n");
            let config = Config::parse(&text, "zoners.toml").unwrap();
            let given = BoundListener::given(vec![udp.try_clone().unwrap()], Vec::new(), &config);
            let given = given.unwrap().remove(0);
            tables_without_socket(&[(given.transport(), given.address().unwrap())], &config)
        };
        assert!(remarks("udp://127.0.0.1").is_empty() && remarks("https://0.0.0.0").is_empty());
        let key = "zoners.toml:3:9: listen.allow: the service manager gave no socket";
        for other in ["udp://0.0.0.0", "tls://127.0.0.1"] {
            let expected =
                format!("{key} for {other}:{port}: the table holds for none of the sockets");
            assert_eq!(remarks(other), [expected]);
        }
        let expected =
            format!("{key} over TCP for 127.0.0.1:{port}: the table holds over UDP alone");
        assert_eq!(remarks("127.0.0.1"), [expected]);
    }

    #[test]
    fn http3_for_which_no_socket_of_the_manager_is_good_is_told() {
        let remarks = |socket: &str, text: &str| {
            let config = Config::parse(text, "zoners.toml").unwrap();
            without_http3(&[(Transport::Quic, socket.parse().unwrap())], &config)
        };
        let two = "[server]\nlisten = [\"https://192.0.2.1\", \"https://192.0.2.2\"]\n";
        let told = remarks("[::]:443", two);
        assert_eq!(told.len(), 2);
        let start = "https://192.0.2.1:443 is served without HTTP/3: the service manager gave no socket of UDP for it, \
                     but one at [::]:443, ";
        assert!(told[0].starts_with(start), "{told:?}");
        assert_eq!(remarks("192.0.2.1:443", two).len(), 1, "the other one is told");
        assert_eq!(remarks("[::]:443", "[server]\nlisten = [\"https://192.0.2.1\"]\n"), [""; 0]);
        // The server binds the socket itself.
        assert_eq!(remarks("[::]:853", two), [""; 0]);
    }

    #[test]
    fn a_socket_of_the_manager_has_the_transport_of_its_address_before_that_of_its_port() {
        let text = "[server]\nlisten = [\"tls://192.0.2.1:8853\", \"192.0.2.2:8853\", \"quic://192.0.2.3:8853\"]\n";
        let wanted = Config::parse(text, "zoners.toml").unwrap().listeners();
        let of = |plain, address: &str| {
            transport_of_given(plain, format!("{address}:8853").parse().unwrap(), &wanted)
        };
        for (address, udp, tcp) in [
            ("192.0.2.1", Transport::Quic, Transport::Tls),
            ("192.0.2.2", Transport::Udp, Transport::Tcp),
            ("192.0.2.3", Transport::Quic, Transport::Tls),
            ("0.0.0.0", Transport::Quic, Transport::Tls),
        ] {
            assert_eq!(of(Transport::Udp, address), udp, "{address}");
            assert_eq!(of(Transport::Tcp, address), tcp, "{address}");
        }
        let other = "192.0.2.1:53".parse().unwrap();
        assert_eq!(transport_of_given(Transport::Tcp, other, &wanted), Transport::Tcp);
    }

    #[test]
    fn addresses_collide_if_equal_or_covered_by_the_wildcard() {
        let collide =
            |one: &str, other: &str| collide(one.parse().unwrap(), other.parse().unwrap());
        assert!(collide("127.0.0.1:53", "127.0.0.1:53") && collide("0.0.0.0:53", "127.0.0.1:53"));
        assert!(collide("[::1]:53", "[::]:53"));
        assert!(!collide("127.0.0.1:53", "127.0.0.2:53") && !collide("0.0.0.0:53", "127.0.0.1:54"));
        assert!(!collide("0.0.0.0:53", "[::1]:53"));
    }
}
