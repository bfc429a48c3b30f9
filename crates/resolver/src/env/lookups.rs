//! The look-ups that a step needs of the rooms above its own.
//!
//! A race needs the address of a nameserver, a probe of the network the proof of the root's keys, the walk down
//! needs keys and answers beside. These rooms know the trait; [`crate::resolve`] implements it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use zoners_dns::{Name, Question, RRset};
use zoners_dnssec::BogusReason;

use crate::env::shared::Landed;
use crate::model::answer::{Answer, Unresolved};
use crate::model::context::Context;

/// Whose word on a nameserver's address will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressSource {
    /// A parent's, as glue.
    Glue,
    /// Only that of the zone that the name lies in.
    OwnZone,
}

/// What a look-up found: the server, as an index into its delegation's, and its addresses.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) server: usize,
    pub(crate) addresses: Vec<SocketAddr>,
    /// They are a parent's word.
    pub(crate) by_glue: bool,
}

pub(crate) type Lookup = Pin<Box<dyn Future<Output = Found> + Send>>;

/// A look-up that leads back to the room that asks for it, so that its future is boxed.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What rooms above provide.
pub(crate) trait Lookups {
    /// Looks up the addresses of the nameserver `name`, which has the index `server` in its delegation.
    ///
    /// # Errors
    /// The client query has no look-ups left, or is nested too deep.
    fn look_up_addresses(
        &self,
        server: usize,
        name: &Name,
        source: AddressSource,
        context: &Context,
    ) -> Result<Lookup, Unresolved>;

    /// Answers a question of our own, aliases and all.
    fn answer_question(
        &self,
        question: Question,
        context: Context,
    ) -> Boxed<'static, Landed<Answer>>;

    /// Reports to the agent of the zone, if the zone has one, that `question` failed validation (RFC 9567).
    fn report_failure(&self, question: &Question, unresolved: &Unresolved, context: &Context);

    /// Fetches and proves the keys of a signed zone, beside the question at hand.
    fn fetch_keys(&self, zone: &Name, context: &Context);

    /// Proves a DNSKEY RRset of the root zone by its trust anchor.
    fn prove_root_keys<'a>(
        &'a self,
        keys: &'a RRset,
        context: &'a Context,
    ) -> Boxed<'a, Result<(), BogusReason>>;
}
