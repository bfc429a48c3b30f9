//! The vocabulary of the resolver: values for every room, without a network and without a cache.
//!
//! Imports no other room. To be read in this order: [`settings`], [`budget`] (limits of a client query),
//! [`client_context`] and [`step`] (the context of each step), [`verdict`] (the meaning of a reply), [`answer`] (the
//! end of a question), [`trace`] (the steps between), [`flights`] (single flight).

pub(crate) mod alias_link;
pub(crate) mod answer;
pub(crate) mod asking;
pub(crate) mod budget;
pub(crate) mod client_context;
pub(crate) mod flights;
pub(crate) mod hop_log;
pub(crate) mod settings;
pub(crate) mod shared_work;
pub(crate) mod step;
pub(crate) mod sync;
pub(crate) mod trace;
pub(crate) mod verdict;
pub(crate) mod zone_trust;
