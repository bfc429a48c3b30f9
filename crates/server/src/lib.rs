//! The daemon: the configuration, the pipeline of a query, and the workers.
//!
//! [`config`] reads the file, [`pipeline`] takes a query from its first octet to the last octet of
//! its response, [`daemon`] runs workers over real sockets, [`control`] serves the control socket, [`history`] keeps past resolutions.
//! The pipeline is generic over the network, so tests drive the same code over a simulated network.

// The log may be stalled; direct output would wait.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod client;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
mod dnstap;
pub mod doh;
pub mod events;
pub mod history;
mod kept_file;
pub mod latency;
pub mod log;
pub mod nearby;
pub mod network_routes;
pub mod pipeline;
pub mod policy;
pub mod report;
mod resolved_hosts;
pub mod root_keys;
pub mod validate;
mod zones;

pub use client::Client;
pub use clock::SystemClock;
pub use config::Config;
pub use log::Log;
pub use pipeline::Service;
