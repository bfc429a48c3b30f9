//! Clients: programs that send questions.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

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
}

/// The number of a client identity of the configuration, such as a TLS server name, the path of a DoH template or
/// a client certificate. A name that is not configured has no number, so that no outsider makes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIdentity(pub NonZeroU16);

impl Client {
    /// A client without an identity.
    #[must_use]
    pub fn new(address: IpAddr, transport: Transport) -> Self {
        Client { address, transport, identity: None }
    }

    /// A client on this machine.
    #[must_use]
    pub fn local(transport: Transport) -> Self {
        Client::new(Ipv4Addr::LOCALHOST.into(), transport)
    }

    /// The same client with an identity.
    #[must_use]
    pub fn identified(self, identity: ClientIdentity) -> Self {
        Client { identity: Some(identity), ..self }
    }

    /// Whether the address is proven: by the transport, or because it lies on this machine.
    pub(crate) fn is_certain(&self) -> bool {
        self.transport.verifies_address() || self.address.to_canonical().is_loopback()
    }
}
