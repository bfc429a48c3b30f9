//! Both ends of a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::connection_tls::ConnectionTls;

/// The addresses at both ends of a connection, the names of the client, and TLS between.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionEnds {
    /// The address of the client.
    pub(crate) client: SocketAddr,
    /// The names in the certificate of the client.
    pub(crate) client_names: Arc<[String]>,
    /// TLS of the connection, if there is any.
    pub(crate) tls: Option<Arc<ConnectionTls>>,
    /// The address of this machine.
    pub(crate) local: IpAddr,
}

impl ConnectionEnds {
    /// Whether the client must connect anew, as another configuration of TLS is in force.
    pub(crate) fn are_outdated(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| !tls.is_in_force())
    }
}
