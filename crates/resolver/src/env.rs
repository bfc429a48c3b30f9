//! The environment of each step: the network, the shared state, settings and counters.
//!
//! Imports `infra` and `model`. To be read in this order: [`environment`], [`shared`],
//! [`single_flight`] (one look-up for identical questions), [`admission`] (the most recursions),
//! [`stragglers`] (queries that go on after their race) and [`lookups`] (look-ups of upper rooms).

pub(crate) mod admission;
pub(crate) mod clock_skew;
pub(crate) mod environment;
pub(crate) mod interception;
pub(crate) mod key_refreshes;
pub(crate) mod lookups;
pub(crate) mod negative_anchors;
pub(crate) mod prefetch_ledger;
pub(crate) mod report_agents;
pub(crate) mod send_limits;
pub(crate) mod shared;
pub(crate) mod single_flight;
pub(crate) mod stragglers;
pub(crate) mod trust_anchors;
