//! The hand-written octets of the packet path: reading a question, patching an answer, changing the
//! order of its addresses.
//!
//! Everything else goes through [`crate::message`] and [`crate::compose`]; these run on every
//! packet, so they neither allocate nor copy more than they must.

mod order;
mod patch;
mod request;

pub use order::rotate_addresses;
pub(crate) use patch::skip_name;
pub use patch::{ResponsePatch, cut_to_question, ttl_offsets};
pub use request::{ClientEdns, ClientQuery, QueryHeader, UnreadableQuery};
