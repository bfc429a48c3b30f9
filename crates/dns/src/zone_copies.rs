//! Copies of zones in this process, which answer in place of the servers of a zone.

use std::fmt;

use bytes::Bytes;

use crate::name::Name;
use crate::question::Question;

/// Copies of zones, as the resolver uses them. A copy replies as an authoritative server does, and the resolver treats
/// the reply as that of a server: records out of bailiwick are dropped, and what is signed is validated.
pub trait ZoneCopies: fmt::Debug + Send + Sync {
    /// The reply to a question within `zone`; `None` if the servers of the zone are to be asked.
    fn reply(&self, zone: &Name, question: &Question) -> Option<CopyReply>;
}

/// The reply of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyReply {
    /// A message, with ID 0.
    Message(Bytes),
    /// The zone has no servers but this copy, and the copy may not be used for this reason.
    Unavailable(String),
}
