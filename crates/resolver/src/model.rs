//! The vocabulary of the resolver: values that all rooms share, without a network and without a cache.
//!
//! Imports no other room. To be read in this order: [`settings`], [`budget`] and [`context`] (what a client
//! query brings along), [`verdict`] (what a reply says of a question), [`answer`] (how a question ends),
//! [`trace`] (what happened on the way), [`flights`] (look-ups that others wait for).

pub(crate) mod alias_link;
pub(crate) mod answer;
pub(crate) mod asking;
pub(crate) mod budget;
pub(crate) mod context;
pub(crate) mod flights;
pub(crate) mod settings;
pub(crate) mod shared_work;
pub(crate) mod sync;
pub(crate) mod trace;
pub(crate) mod verdict;
pub(crate) mod zone_trust;
