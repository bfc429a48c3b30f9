//! The sockets of Zoners; this crate knows nothing about the meaning of DNS messages.
//!
//! [`Sockets`] is the real [`zoners_dns::Network`]: a fresh connected UDP socket for each query, and a pool of reused
//! connections over TCP, TLS, HTTPS and QUIC. [`listen`] binds the sockets for clients, [`datagrams`] carries UDP in
//! batches, [`stream`] frames messages on a stream, [`quic`] has the connections of DNS over QUIC, [`proxy_header`]
//! reads the client that a load balancer names. [`held`] bounds the memory of streams, [`descriptors`] the number of
//! open sockets, [`client_slots`] the share of each client. The only `unsafe` of the project is in
//! `datagrams::batched`.

pub mod client_slots;
pub mod datagrams;
pub mod descriptors;
mod failure;
mod fragments;
pub mod held;
mod link_binding;
pub mod listen;
mod nat64;
mod needs;
mod observer;
mod pool;
pub mod proxy_header;
pub mod quic;
mod sources;
pub mod stream;
mod udp;
mod upstream;

pub use link_binding::{LinkBinding, LinkBindings};
pub use needs::needs;
pub use observer::UpstreamObserver;
pub use udp::PORTS;
pub use upstream::{ObservedExchange, Sockets};

/// An address of the loopback interface from which no packet leaves by itself. Linux has every address of 127/8 there;
/// other systems have one alone, and tests there show less.
#[cfg(test)]
const SECOND_LOOPBACK: &str = if cfg!(target_os = "linux") { "127.0.0.7" } else { "127.0.0.1" };
