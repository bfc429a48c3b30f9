//! From the question of a client to its answer.
//!
//! Imports all other rooms. To be read in this order: [`recursion`], [`alias`] (CNAME and DNAME), [`second_level`]
//! (answers of other nodes, asked for beside), [`prefetch`], [`error_reports`], [`detached`] (work that goes on
//! when its client goes away).

pub(crate) mod alias;
pub(crate) mod detached;
pub(crate) mod error_reports;
pub(crate) mod prefetch;
pub(crate) mod recursion;
pub(crate) mod resolver;
pub(crate) mod second_level;
pub(crate) mod serve_stale;
