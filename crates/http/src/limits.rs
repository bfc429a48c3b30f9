//! Bounds on everything that a client can make grow.

use std::time::Duration;

/// Bounds of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at a time, of all clients together.
    pub connections: usize,
    /// Connections of one client (an IPv4 address, an IPv6 /64). All programs of this machine are one client.
    pub client_connections: usize,
    /// Octets of the head of a request: the request line and the header fields.
    pub head_octets: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// The time from the moment at which a connection is ready for a request until the head of the request is complete;
    /// so an idle connection is closed after this time, too.
    pub head_time: Duration,
    /// Octets of the body of a request.
    pub body_octets: usize,
    /// The time for the body of a request.
    pub body_time: Duration,
    /// A client that takes nothing of a response for this time is disconnected.
    pub write_time: Duration,
    /// Requests of one connection; the last response closes the connection.
    pub requests: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            connections: 128,
            client_connections: 32,
            head_octets: 16 * 1024,
            fields: 64,
            head_time: Duration::from_secs(10),
            // The longest message of DNS.
            body_octets: 65_535,
            body_time: Duration::from_secs(10),
            write_time: Duration::from_secs(10),
            requests: 1000,
        }
    }
}
