//! macOS: the differences from the BSDs.

pub(crate) mod clock;
pub(crate) mod dynamic_store;
pub(crate) mod machine;
pub(crate) mod programs;
pub(crate) mod resolvers;

pub(crate) use crate::bsd::{
    attributes, file_watch, interfaces, network, networks, paths, ports, privileges,
};
