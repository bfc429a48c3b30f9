//! The verdicts of DNSSEC (RFC 4033 to 4035, 5155, 6840), as pure functions.
//!
//! [`verify`] says whether a zone's keys signed an RRset, [`chain`] whether a DS RRset vouches for
//! keys, [`denial`] whether NSEC or NSEC3 records prove that something does not exist. Nothing here
//! asks, waits, remembers or reads a clock; whoever calls pays for each verification and each
//! hash out of a budget of its own.

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
