//! What is remembered beyond the memory of one process: [`snapshot`] keeps the cache across restarts,
//! [`shared`] lets several nodes know what any of them learned.
//!
//! Whatever comes back may have been changed by anybody, so each piece is [sealed](Seal), and what
//! is not has nothing to say of authenticity.

mod seal;
pub mod shared;
pub mod snapshot;

pub use seal::Seal;
