//! Answers out of the cache alone.
//!
//! Imports `env` and the rooms below; sends nothing. To be read in this order: [`lookup`] (the
//! cached answer), [`aggressive_nsec`] (an answer synthesised from proven ranges),
//! [`root_key_sentinel`], [`answer_path`] (servers, for policies) and [`store`] (writing the cache).

pub(crate) mod aggressive_nsec;
pub(crate) mod answer_path;
pub(crate) mod lookup;
pub(crate) mod root_key_sentinel;
pub(crate) mod store;
