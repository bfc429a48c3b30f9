//! The common vocabulary of the crates of Zoners.
//!
//! A thin layer over the [`domain`] crate, so that its generics stay in one place: names,
//! questions, RRsets, messages and EDNS. Hand-written code for the packet path. And the traits
//! between the resolver and the outside: [`Network`] and [`Clock`].
//!
//! This crate does no I/O: no code here opens a socket, reads a clock or sleeps.

pub mod base64;
pub mod canonical;
pub mod checking;
pub mod clock;
pub mod compose;
pub mod counters;
pub mod delegation;
pub mod edns;
pub mod endpoint;
pub mod message;
pub mod name;
pub mod nat64;
pub mod network;
pub mod packet;
pub mod prefix;
pub mod query;
pub mod question;
pub mod random;
pub mod rrset;
pub mod second_level;
pub mod security;
pub mod server_identity;
mod svcparams;
pub mod targets;
pub mod transport;
pub mod zone_copies;
pub mod zone_record;
pub mod zonefile;

pub use canonical::SortKey;
pub use checking::Checking;
pub use clock::{Clock, ClockReading, Moment};
pub use counters::{Counter, CounterGroup, Counters};
pub use delegation::{Delegation, DsStatus, Encryption, NameServer, QueryMode};
pub use domain::base::iana::{Class, Opcode, OptRcode, Rcode, Rtype};
pub use edns::{Ede, EdeCode, Edns, ResponseOpt};
pub use endpoint::Endpoint;
pub use message::{Message, MessageError};
pub use name::{Name, NameSlice};
pub use nat64::Nat64Prefix;
pub use network::{
    ConnectionState, Exchange, ExchangeEvent, HttpFault, IdentityFault, Network, NetworkError,
};
pub use prefix::Prefix;
pub use question::Question;
pub use random::Random;
pub use rrset::{RRset, Records};
pub use second_level::{BoxedFuture, SecondLevel, SecondLevelEntries};
pub use security::Security;
pub use server_identity::{IdentityId, ServerIdentity};
pub use transport::Transport;
pub use zone_copies::{CopyReply, ZoneCopies};
pub use zone_record::ZoneRecord;
