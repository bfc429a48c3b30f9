//! Endpoints: servers as they are asked.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::server_identity::IdentityId;
use crate::transport::Transport;

/// A server, the transport to it, and the identity that it must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address and port of the server.
    pub address: SocketAddr,
    /// The transport to the server.
    pub transport: Transport,
    /// The identity that the server must prove; `None` over plain transports. Identities have their numbers in
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
        Endpoint::new(SocketAddr::new(address, 53), Transport::Udp)
    }

    /// The same server over another transport.
    #[must_use]
    pub fn over(self, transport: Transport) -> Self {
        Endpoint { transport, ..self }
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
        if self.address.port() == 53 {
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
}
