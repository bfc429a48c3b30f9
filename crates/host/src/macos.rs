//! macOS: the differences from the BSDs.

pub(crate) mod clock;

pub(crate) use crate::bsd::{attributes, interfaces, machine, network, paths, ports, privileges};
