//! Bounds of the service. A client can make nothing else grow.

use std::time::Duration;

/// Bounds of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections of a client (an IPv4 address, an IPv6 /64). The programs of this machine are one client.
    pub client_connections: usize,
    /// Connections of clients without access; these take none of the connections of served clients.
    pub strangers: usize,
    /// Connections of a client without access.
    pub client_strangers: usize,
    /// Octets of the head of a request: the request line and the header fields.
    pub head_octets: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// The time from the last response, or from the start of the connection, to the complete head of a request. An idle
    /// connection is closed after this time, too.
    pub head_time: Duration,
    /// Octets of the body of a request.
    pub body_octets: usize,
    /// The time for the body of a request.
    pub body_time: Duration,
    /// The time without progress of a response, after which the client is disconnected; over HTTP/2: the time in which a
    /// client must take a response as a whole.
    pub write_time: Duration,
    /// Bound on the octets of untaken HTTP/2 responses of a site; beyond, the connection with the most is closed.
    pub untaken_octets: usize,
    /// Requests of a connection of HTTP/1.1; the last response closes the connection.
    pub requests: usize,
    /// The time for a TLS handshake.
    pub handshake_time: Duration,
    /// Requests of a connection of HTTP/2 under way at a time.
    pub streams: u32,
    /// Streams that a client of HTTP/2 has reset and that were not looked at yet; with more, the connection is closed.
    pub resets: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            connections: 128,
            client_connections: 32,
            strangers: 64,
            client_strangers: 2,
            head_octets: 16 * 1024,
            fields: 64,
            head_time: Duration::from_secs(10),
            // The longest message of DNS.
            body_octets: 65_535,
            body_time: Duration::from_secs(10),
            write_time: Duration::from_secs(10),
            untaken_octets: 8 << 20,
            requests: 1000,
            handshake_time: Duration::from_secs(5),
            streams: 64,
            resets: 20,
        }
    }
}
