//! Hand-written code of the packet path: reading a query, patching an answer, rotating addresses.
//!
//! Other code uses [`crate::message`] and [`crate::compose`]. The functions here run for every
//! packet, and allocate and copy as little as possible.

mod option;
mod order;
mod patch;
mod request;

pub use option::{OPTION_HEAD, add_option};
pub use order::rotate_addresses;
pub(crate) use patch::skip_name;
pub use patch::{ResponsePatch, cut_to_question, ttl_offsets};
pub use request::{ClientEdns, ClientQuery, QueryHeader, UnreadableQuery, is_replayable};
