//! Asking a server in another way after a reply that says no more than that it did not like the query.

use zoners_cache::{EchoEvidence, Evidence};
use zoners_dns::{Counter, Message, Network};

use super::matching::{chokes_on_edns, wants_cookie};
use super::outstanding::Turn;
use super::{Asked, Query};
use crate::env::worker::Worker;

impl<N: Network> Worker<N> {
    /// Asks with the cookie that came along, if that is what is wanted; else, if the server may have choked
    /// on it, without a cookie and then without EDNS. Each of these once.
    pub(super) async fn go_on(&self, query: &Query<'_>, mut reply: Box<Message>) -> Asked {
        if wants_cookie(&reply) {
            reply = self.show_cookie(query).await?;
        }
        if chokes_on_edns(&reply) && self.has_cookie(query) {
            self.count(Counter::UpstreamCookieFallbacks);
            reply = self.ask_anew(&Query { cookie: false, ..*query }).await?;
            if !chokes_on_edns(&reply) {
                self.learn_of(query.endpoint, EchoEvidence::CookieMissing);
            }
        }
        if chokes_on_edns(&reply) {
            self.count(Counter::UpstreamEdnsFallbacks);
            reply = self.ask_anew(&Query { edns: false, ..*query }).await?;
            if !chokes_on_edns(&reply) {
                self.shared().teach(query.endpoint, Evidence::PlainOnly);
            }
        }
        Ok(reply)
    }

    /// Asks once more, with the cookie of the last reply. Where that does not do either, TCP needs none
    /// (RFC 7873 section 5.3); and where there is no TCP, the server may do without.
    async fn show_cookie(&self, query: &Query<'_>) -> Asked {
        self.count(Counter::UpstreamBadcookie);
        let reply = self.ask_anew(query).await?;
        if !wants_cookie(&reply) {
            return Ok(reply);
        }
        self.learn_of(query.endpoint, EchoEvidence::CookieMissing);
        let without = Query { cookie: false, ..*query };
        match self.carry_out(&without.over_tcp(), &mut None).await {
            Ok(reply) => Ok(reply),
            Err(_) => self.ask_anew(&without).await,
        }
    }

    fn has_cookie(&self, query: &Query<'_>) -> bool {
        let shared = self.shared();
        self.shows_cookie(query, &shared.cache.server(query.endpoint, shared.now()).echo)
    }

    async fn ask_anew(&self, query: &Query<'_>) -> Asked {
        match self.outstanding(query.asking, query.endpoint) {
            Turn::Send(mut lead) => self.carry_out(query, &mut lead).await,
            Turn::Wait(follow) => self.wait_with(query, follow).await,
        }
    }
}
