//! The walk from the deepest known zone cut down to the zone with the answer.
//!
//! Imports `ask`, `cached` and the rooms below. To be read in this order: [`zone_cut`] (the start), [`iteration`] (the
//! walk), [`minimise`] (QNAME minimisation), [`nameservers`] (addresses of nameservers without glue), [`priming`].

pub(crate) mod iteration;
pub(crate) mod minimise;
pub(crate) mod nameservers;
pub(crate) mod priming;
pub(crate) mod zone_cut;
