//! Events of the service, for counters.

use zoners_net::proxy_header::ProxyFault;

/// An event of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpEvent {
    /// A request was answered, by a handler or with a refusal.
    Request,
    /// The request just counted was refused for host, origin, path, method or body, before a handler saw the request.
    Refused,
    /// A connection was closed because the octets were no HTTP or no TLS, or the head of a request exceeded a limit.
    Malformed,
    /// A connection was closed because a request did not come in time, or a response was not taken in time.
    TimedOut,
    /// A connection of HTTP/2 was closed, because the untaken responses of all connections exceeded `untaken_octets`.
    UntakenClosed,
    /// A proxy named the client of a connection.
    Proxied,
    /// A connection of a proxy was closed without a client.
    ProxyFault(ProxyFault),
    /// A TLS handshake was completed.
    Handshake,
    /// A TLS handshake failed.
    HandshakeFailed,
    /// A TLS handshake was not completed in time.
    HandshakeTimedOut,
    /// A connection was closed at once: the limit of all, of the client or of clients without access was reached, or
    /// clients without access get no reply.
    ConnectionRefused,
}
