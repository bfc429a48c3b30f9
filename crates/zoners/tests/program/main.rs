//! The real binary, as a user or a service manager starts it. A single test program, since each program links every
//! crate anew; `cargo test -p zoners --test program daemon::` runs a part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must say so"
)]

#[path = "../../../acme/tests/acme_server/mod.rs"]
#[cfg(target_os = "linux")]
mod acme_server;
mod architecture;
mod circles;
mod common;
mod guide;

/// The commands of a person.
mod command {
    mod administration;
    #[cfg(feature = "demo")]
    mod bench;
    mod cli;
    #[cfg(feature = "demo")]
    mod demo;
    mod import;
    mod lookup;
    mod password;
    mod top;
    mod watch;
    mod why;
}

/// The daemon beside the operating system and clients.
mod daemon {
    mod descriptors;
    mod files;
    mod former;
    #[cfg(target_os = "linux")]
    mod kept_sockets;
    mod lasting;
    mod lists;
    mod local;
    mod log;
    mod policy;
    mod recorders;
    mod restarting;
    #[cfg(target_os = "linux")]
    mod sandbox;
    pub(crate) mod service;
    #[cfg(target_os = "linux")]
    mod service_restarts;
    mod starting;
    #[cfg(target_os = "linux")]
    mod system_dns;
    #[cfg(target_os = "linux")]
    mod tokens;
    mod transferred_lists;
}

/// Where clients are heard.
#[cfg(target_os = "linux")]
mod listening {
    mod acme;
    mod addresses;
    mod behind_proxy;
    mod certificates_over_quic;
    mod client_certificates;
    mod discovery;
    mod encrypted;
    mod forwarded;
    mod http;
    mod http3;
    mod nearby;
    mod own_names;
    mod quic;
    mod reloads;
}

/// Daemons sharing a second level.
mod sharing {
    mod failover;
    mod second_level;
}
