//! Linux.

pub(crate) mod attributes;
pub(crate) mod clock;
pub(crate) mod file_watch;
pub mod installation;
pub(crate) mod interfaces;
pub(crate) mod machine;
mod neighbours;
mod netlink;
pub(crate) mod network;
pub(crate) mod networks;
pub(crate) mod paths;
pub(crate) mod ports;
pub(crate) mod privileges;
pub(crate) mod resolvers;
pub mod system_dns;
