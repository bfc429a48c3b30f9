//! Figures and messages for monitoring programs, as octets: metrics in the formats of Prometheus ([`metrics`]), and copies
//! of messages as dnstap ([`dnstap`]).
//!
//! The crate opens nothing, reads no clock and knows no DNS: the daemon gathers the figures, and carries the octets.

pub mod dnstap;
pub mod metrics;
mod protobuf;
