//! Answers out of the cache alone.
//!
//! Imports `env` and the rooms below; sends nothing. To be read in this order: [`lookup`] (the answer as it is
//! kept), [`aggressive_nsec`] (an answer made of proven ranges), [`serve_stale`] (an expired answer where no server
//! responds), [`root_key_sentinel`].

pub(crate) mod aggressive_nsec;
pub(crate) mod lookup;
pub(crate) mod root_key_sentinel;
pub(crate) mod store;
