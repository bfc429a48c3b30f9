//! From a client's question to its answer.
//!
//! Imports every other room. To be read in this order: [`resolver`] (the façade), [`recursion`],
//! [`alias`] (CNAME and DNAME), [`serve_stale`], [`second_level`] (answers of other nodes),
//! [`dns64`] (addresses made for clients without IPv4), [`prefetch`],
//! [`error_reports`], [`detached`] (work that goes on when its client goes away).

pub(crate) mod alias;
pub(crate) mod detached;
pub(crate) mod dns64;
pub(crate) mod error_reports;
pub(crate) mod prefetch;
pub(crate) mod recursion;
pub(crate) mod resolver;
pub(crate) mod second_level;
pub(crate) mod serve_stale;
