//! Look-ups that lower rooms need from upper rooms.
//!
//! A race needs the address of a nameserver, a network probe the proof of the root keys, the walk
//! down needs keys and nested answers. The lower rooms know this trait; [`crate::resolve`]
//! implements it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use zoners_dns::{Name, Question, RRset};
use zoners_dnssec::BogusReason;

use crate::env::shared::SharedResult;
use crate::model::answer::{Answer, Unresolved};
use crate::model::step::Step;

/// The acceptable sources of a nameserver's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressSource {
    /// A parent's, as glue.
    Glue,
    /// Only the zone of the name.
    OwnZone,
}

/// The result of a look-up: the index of the nameserver in the delegation, and the addresses.
#[derive(Debug)]
pub(crate) struct FoundAddresses {
    pub(crate) server: usize,
    pub(crate) addresses: Vec<SocketAddr>,
    /// Whether the addresses are the parent's glue.
    pub(crate) by_glue: bool,
}

pub(crate) type AddressLookup = Pin<Box<dyn Future<Output = FoundAddresses> + Send>>;

/// A recursive look-up, whose future is boxed.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Look-ups provided by upper rooms.
pub(crate) trait Lookups {
    /// Looks up the addresses of the nameserver `name`, which has the index `server` in its
    /// delegation.
    ///
    /// # Errors
    /// The client query has no look-ups left, or is nested too deep.
    fn look_up_addresses(
        &self,
        server: usize,
        name: &Name,
        source: AddressSource,
        step: &Step,
    ) -> Result<AddressLookup, Unresolved>;

    /// Answers a question of our own, aliases included.
    fn answer_question(
        &self,
        question: Question,
        step: Step,
    ) -> Boxed<'static, SharedResult<Answer>>;

    /// Reports to the agent of the zone, if any, that `question` failed validation (RFC 9567).
    fn report_failure(&self, question: &Question, unresolved: &Unresolved, step: &Step);

    /// Fetches and proves the keys of a signed zone, beside the question at hand.
    fn fetch_keys(&self, zone: &Name, step: &Step);

    /// Validates a DNSKEY RRset of the root zone by the trust anchor.
    fn prove_root_keys<'a>(
        &'a self,
        keys: &'a RRset,
        step: &'a Step,
    ) -> Boxed<'a, Result<(), BogusReason>>;
}
