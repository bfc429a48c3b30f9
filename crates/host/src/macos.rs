//! macOS: what Darwin does in another way than the BSDs.

pub(crate) mod clock;

pub(crate) use crate::bsd::{interfaces, machine, network, paths, ports, privileges};
