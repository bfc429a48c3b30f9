//! Endpoints: servers as they are asked.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::server_identity::IdentityId;
use crate::transport::Transport;

/// The port of DNS.
const PORT: u16 = 53;
/// The port of DNS over TLS (RFC 7858 section 3.1).
pub const TLS_PORT: u16 = 853;

/// A server, the transport to it, and the identity that it must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address and port of the server. An authority is known by its port for plain transports over TLS too, so that
    /// all that is known of one server has one address.
    pub address: SocketAddr,
    /// The transport to the server.
    pub transport: Transport,
    /// The identity that the server must prove; `None` over plain transports, and where encryption is opportunistic:
    /// then any server will do (RFC 9539 section 4.6.3.4). Identities have their numbers in
    /// this process alone.
    #[serde(skip)]
    pub identity: Option<IdentityId>,
}

impl Endpoint {
    /// A server that proves no identity.
    #[must_use]
    pub const fn new(address: SocketAddr, transport: Transport) -> Self {
        Endpoint { address, transport, identity: None }
    }

    /// A server at the port of DNS, over UDP.
    #[must_use]
    pub fn udp(address: IpAddr) -> Self {
        Endpoint::new(SocketAddr::new(address, PORT), Transport::Udp)
    }

    /// The same server over another transport.
    #[must_use]
    pub fn over(self, transport: Transport) -> Self {
        Endpoint { transport, ..self }
    }

    /// Where a socket is connected to: port 853 for opportunistic encryption (RFC 9539 section 4.6.1).
    #[must_use]
    pub fn socket_address(self) -> SocketAddr {
        match self.is_opportunistic() && self.address.port() == PORT {
            true => SocketAddr::new(self.address.ip(), TLS_PORT),
            false => self.address,
        }
    }

    /// Whether messages are encrypted for any server that answers at the address.
    #[must_use]
    pub fn is_opportunistic(self) -> bool {
        self.transport.is_encrypted() && self.identity.is_none()
    }

    /// The same server, which must prove an identity.
    #[must_use]
    pub fn identified(self, identity: IdentityId) -> Self {
        Endpoint { identity: Some(identity), ..self }
    }
}

/// By hand, so that an identity costs nothing where there is none.
impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.address, self.transport).hash(state);
        if let Some(identity) = self.identity {
            identity.hash(state);
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.port() == PORT {
            write!(f, "{}", self.address.ip())
        } else {
            write!(f, "{}", self.address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_identity::ServerIdentity;

    #[test]
    fn an_identity_takes_no_room_and_makes_another_endpoint() {
        assert_eq!(size_of::<Endpoint>(), size_of::<SocketAddr>() + 4);
        let plain = Endpoint::udp([192, 0, 2, 1].into());
        let identity =
            ServerIdentity { name: "dns.example".to_owned(), ..ServerIdentity::default() };
        let identified = plain.identified(IdentityId::intern(identity).unwrap());
        assert_ne!(plain, identified);
        assert_eq!(identified.over(Transport::Tcp).identity, identified.identity);
    }

    #[test]
    fn opportunistic_encryption_has_a_port_of_its_own() {
        let plain = Endpoint::udp([192, 0, 2, 1].into());
        assert_eq!(plain.socket_address(), plain.address);
        let opportunistic = plain.over(Transport::Tls);
        assert!(opportunistic.is_opportunistic() && !plain.is_opportunistic());
        assert_eq!(opportunistic.socket_address(), "192.0.2.1:853".parse().unwrap());
        let identity = IdentityId::intern(ServerIdentity::default()).unwrap();
        assert_eq!(opportunistic.identified(identity).socket_address(), plain.address);
    }
}
