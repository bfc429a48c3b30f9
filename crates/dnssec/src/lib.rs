//! DNSSEC validation (RFC 4033 to 4035, 5155, 6840) as pure functions.
//!
//! [`verify`] checks whether the keys of a zone signed an RRset, [`chain`] whether a DS RRset
//! vouches for keys, [`denial`] whether NSEC or NSEC3 records prove non-existence. No function here
//! sends a query, waits, caches or reads a clock. The caller charges each verification and each
//! hash to its budget.

pub mod algorithm;
pub mod chain;
pub mod denial;
pub mod dnskey;
pub mod nsec;
pub mod nsec3;
pub mod reason;
pub mod rollover;
pub mod rrsig;
mod short_rsa;
pub mod signed_data;
pub mod verify;

pub use reason::BogusReason;

#[cfg(test)]
mod tests;
