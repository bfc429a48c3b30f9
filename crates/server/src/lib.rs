//! The daemon: what is configured, what happens to a query, and the workers that do it.
//!
//! [`config`] reads the file, [`pipeline`] takes a query from its first octet to the reply's last,
//! [`daemon`] runs workers over real sockets, [`control`] is how a person
//! speaks to it. The pipeline is generic over the network, so tests
//! drive the very same code over a simulated one.

// A log may be stalled; what writes to it directly would wait.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod client;
mod client_slots;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod events;
pub mod log;
pub mod nearby;
pub mod pipeline;
pub mod report;
pub mod root_keys;
pub mod validate;

pub use client::Client;
pub use clock::SystemClock;
pub use config::Config;
pub use log::Log;
pub use pipeline::Service;
