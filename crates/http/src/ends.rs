//! Both ends of a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The addresses at both ends of a connection, and the names of the client.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionEnds {
    /// The address of the client.
    pub(crate) client: SocketAddr,
    /// The names in the certificate of the client.
    pub(crate) client_names: Arc<[String]>,
    /// The address of this machine.
    pub(crate) local: IpAddr,
}
