//! DNSSEC validation.
//!
//! Imports `env` and the rooms below. To be read in this order: [`validation`], [`trust`] and
//! [`ds`] (keys, built from a trust anchor down), [`verification`] (signatures, charged to the
//! budget), [`retry`] (a different server after bogus data), [`key_refresh`] (keys that changed
//! before their TTL ended).

pub(crate) mod chain;
pub(crate) mod ds;
pub(crate) mod key_refresh;
pub(crate) mod retry;
pub(crate) mod trust;
pub(crate) mod validation;
pub(crate) mod verification;
