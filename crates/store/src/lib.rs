//! The cache beyond the memory of one process: [`snapshot`] keeps the cache across restarts,
//! [`shared`] is the second level that several nodes share.
//!
//! A file or a Redis server may have been changed by a third party, so each piece is [sealed](Seal).
//! The DNSSEC status of entries counts only under a valid seal.

mod seal;
pub mod shared;
pub mod snapshot;

pub use seal::Seal;
