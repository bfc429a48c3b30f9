//! Clients: programs that send questions.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use zoners_dns::Transport;

/// The sender of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The source address.
    pub address: IpAddr,
    /// The transport of the packet.
    pub transport: Transport,
    /// The identity that the transport has established; `None` over plain transports.
    pub identity: Option<ClientIdentity>,
    /// The clients who are served at the listener.
    pub access: AccessList,
    /// The address of this machine that the client has asked, where the transport tells.
    pub asked: Option<IpAddr>,
}

/// The number of a list of clients who are served: that of `server.allow`, or that of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessList(pub(crate) u8);

impl AccessList {
    /// `server.allow`
    pub const SERVER: AccessList = AccessList(0);
}

/// The time for which an idle connection of a client stays open, unless there are many (RFC 7766 section 6.2.3). To
/// begin anew costs a client of TLS more. `None` where a transport of its own says so, or has no connections.
#[must_use]
pub const fn idle_timeout(transport: Transport) -> Option<Duration> {
    match transport {
        Transport::Tcp => Some(Duration::from_secs(10)),
        Transport::Tls => Some(Duration::from_secs(30)),
        Transport::Udp | Transport::Https | Transport::Quic => None,
    }
}

/// The number of a client identity of the configuration, such as a TLS server name, the path of a DoH template or
/// a client certificate. A name that is not configured has no number, so that no outsider makes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIdentity(pub NonZeroU16);

impl Client {
    /// A client without an identity.
    #[must_use]
    pub fn new(address: IpAddr, transport: Transport) -> Self {
        Client { address, transport, identity: None, access: AccessList::SERVER, asked: None }
    }

    /// A client on this machine.
    #[must_use]
    pub fn local(transport: Transport) -> Self {
        Client::new(Ipv4Addr::LOCALHOST.into(), transport)
    }

    /// The same client, with the identity that the transport has established, if there is one.
    #[must_use]
    pub fn known_as(self, identity: Option<ClientIdentity>) -> Self {
        Client { identity, ..self }
    }

    /// The same client at a listener with a list of its own.
    #[must_use]
    pub(crate) fn within(self, access: AccessList) -> Self {
        Client { access, ..self }
    }

    /// The same client, which has asked this address of the machine.
    #[must_use]
    pub(crate) fn asking(self, asked: Option<IpAddr>) -> Self {
        Client { asked, ..self }
    }

    /// Whether the address is proven: by the transport, or because it lies on this machine.
    pub(crate) fn is_certain(&self) -> bool {
        self.transport.verifies_address() || self.address.to_canonical().is_loopback()
    }
}
