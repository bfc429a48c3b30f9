//! Hand-written code of the packet path: reading a query, patching an answer, rotating addresses.
//!
//! Other code uses [`crate::message`] and [`crate::compose`]. The functions here run for every
//! packet, and allocate and copy as little as possible.

mod option;
mod order;
mod patch;
mod records;
mod request;

pub use crate::edns::OPTION_HEAD;
pub use option::add_option;
pub use order::rotate_addresses;
pub use patch::{ResponsePatch, cut_to_question, subtract_age, ttl_offsets};
pub(crate) use records::skip_name;
pub use request::{
    ClientEdns, ClientQuery, QueryHeader, UnreadableQuery, asks_for_keepalive, is_replayable,
};
