//! DNS over QUIC (RFC 9250), for clients and with servers, and DNS over HTTP/3 for clients (RFC 9114): each query has a
//! stream of its own.
//!
//! [`QuicServer`] is a state machine without socket and clock: datagrams and moments go in, queries and datagrams come
//! out. So a worker drives all connections of a socket between two system calls, and answers of one turn to one client
//! share packets. QUIC itself is `quinn-proto`; the driver of `quinn` would take a task and locks for each connection.
//!
//! Whatever a client can make grow has a limit here: handshakes, connections, streams, octets of queries that are not
//! whole, and octets of responses that a client does not take.

mod asked;
pub(crate) mod client;
mod close_code;
mod connection;
mod deadlines;
mod http3_streams;
mod message_pieces;
mod outbox;
mod server;
mod stream_read;
mod stream_write;
mod terms;
#[cfg(test)]
mod tests;
mod transport;

pub use asked::Asked;
pub use close_code::CloseCode;
pub use message_pieces::{MAX_QUERY, MessageFault, MessagePieces};
pub use outbox::Outbox;
pub use server::{MAX_CONNECTIONS, QuicQuery, QuicServer, QuicStream, Reception};
pub use terms::QuicTerms;
