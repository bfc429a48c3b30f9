//! The sockets of Zoners, and nothing that knows what a DNS answer means.
//!
//! [`Sockets`] is the real [`zoners_dns::Network`]: a fresh connected UDP socket for each query,
//! TCP connections that are reused. [`listen`] binds what clients reach; [`stream`] frames messages
//! on a stream. This is the only crate that may hold `unsafe`; it needs none yet.

pub mod listen;
pub mod stream;
mod tcp;
mod udp;
mod upstream;

pub use upstream::Sockets;
