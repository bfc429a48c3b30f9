//! The sockets of Zoners, and nothing that knows what a DNS answer means.
//!
//! [`Sockets`] is the real [`zoners_dns::Network`]: a fresh connected UDP socket for each query,
//! TCP connections that are reused. [`listen`] binds what clients reach, [`datagrams`] carries
//! theirs in batches, [`stream`] frames messages on a stream, [`held`] bounds what streams keep, [`descriptors`] how many
//! sockets are open at a time. The only `unsafe` of the project is in `datagrams::batched`.

pub mod datagrams;
pub mod descriptors;
mod fragments;
pub mod held;
pub mod listen;
mod needs;
mod sources;
pub mod stream;
mod tcp;
mod udp;
mod upstream;

pub use needs::needs;
pub use udp::PORTS;
pub use upstream::Sockets;
