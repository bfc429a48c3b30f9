//! The hand-written octets of the packet path: reading a question, patching an answer.
//!
//! Everything else goes through [`crate::message`] and [`crate::compose`]; these two run on every
//! packet, so they neither allocate nor copy more than they must.

mod patch;
mod request;

pub use patch::{Patch, ttl_offsets};
pub use request::{ClientEdns, Head, Request, Unreadable};
