//! A query on its way through the stages.

use zoners_cache::AnswerKey;
use zoners_dns::packet::{ClientQuery, QueryHeader};
use zoners_dns::{ClockReading, Question};
use zoners_net::client_slots::ClientSlot;
use zoners_resolver::Lack;

use super::cookies::Cookie;
use super::group::ClientGroup;
use super::redirect::Redirect;
use crate::client::Client;

/// An admitted query, which lies in the packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    pub(super) request: ClientQuery<'a>,
    pub(super) client: Client,
    pub(super) cookie: Cookie,
}

/// An admitted query that the cache cannot answer.
#[derive(Debug)]
pub struct Miss {
    pub(super) question: Question,
    pub(super) lack: Lack,
    /// Aliases before the target that is to be resolved.
    pub(super) redirect: Option<Box<Redirect>>,
    pub(super) head: QueryHeader,
    pub(super) client: Client,
    pub(super) group: ClientGroup,
    pub(super) cookie: Cookie,
    pub(super) received: ClockReading,
    pub(super) slot: ClientSlot,
}

impl Query<'_> {
    /// The key of the finished answer for a group of clients.
    pub(super) fn answer_key(&self, group: ClientGroup) -> AnswerKey {
        let head = &self.request.head;
        AnswerKey {
            rtype: self.request.rtype,
            dnssec_ok: head.dnssec_ok(),
            compact_ok: head.compact_ok(),
            checking: head.checking(),
            group: group.0,
        }
    }

    /// Whether the client's address is proven: by its transport or by a cookie.
    pub(super) fn is_certain(&self) -> bool {
        self.client.is_certain() || self.cookie.is_known()
    }
}

impl Miss {
    /// The query again, which lies in the miss.
    pub(super) fn query(&self) -> Query<'_> {
        let Question { name, rtype, class } = &self.question;
        let (name, rtype, class) = (name.for_slice(), *rtype, *class);
        let request = ClientQuery { head: self.head, name, rtype, class, cookie: None };
        Query { request, client: self.client, cookie: self.cookie }
    }
}
