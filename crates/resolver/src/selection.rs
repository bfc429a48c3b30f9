//! Server selection: the choice of the next server of a zone by estimated latency.
//!
//! Imports `env`, `infra` and `model`. To be read in this order: [`candidates`], then [`server_report`], which
//! tells the operator why a server is used or not.

pub(crate) mod addresses;
pub(crate) mod candidates;
pub(crate) mod server_report;
