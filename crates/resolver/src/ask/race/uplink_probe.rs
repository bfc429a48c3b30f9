//! Uplink probe: tells silent servers from an offline uplink or a broken path.
//!
//! If only a dead zone is asked, the two look alike. So the last responder on the same uplink and
//! path is asked the same question again, beside the race: any reply shows that uplink and path
//! work.

use std::net::SocketAddr;

use zoners_dns::{Counter, Endpoint, Network, Question, Rtype, name};

use super::Race;
use crate::ask::exchange::attempt;
use crate::infra::last_responder::LastReply;
use crate::infra::reachability::Family;
use crate::model::asking::UpstreamQuery;
use crate::model::step::Step;
use crate::selection::candidates::Attempt;

impl<N: Network> Race<'_, N> {
    /// Probes the last responder, if no server replies any more and it takes no part in this race.
    pub(super) fn probe_uplink_if_silent(&self) {
        if !self.env.settings().probe_uplink {
            return;
        }
        let shared = self.env.shared();
        let (now, uplink) = (shared.now(), shared.uplinks.of(self.cut));
        let foreign = shared.uplinks.is_internet(uplink);
        if !shared.probe_pause.is_over(now) {
            return;
        }
        // A server of this race is being asked already.
        let may_ask =
            |last_responder: &LastReply| !self.candidates.has(last_responder.server.address);
        let another = |family| if foreign { self.root_server(family) } else { None };
        let mut last_responders = Vec::new();
        if uplink.is_silent(now) {
            last_responders.extend(uplink.last_responder().claim(now, may_ask, || another(None)));
        }
        if foreign {
            last_responders
                .extend(shared.reachability.claim_probes_of_last_responders(now, may_ask, another));
        }
        // One reply clears each path it belongs to.
        last_responders.sort_by_key(|last_responder| last_responder.server);
        last_responders.dedup_by_key(|last_responder| last_responder.server);
        if !last_responders.is_empty() {
            shared.probe_pause.begin(now);
        }
        last_responders
            .into_iter()
            .for_each(|last_responder| self.probe_last_responder(last_responder));
    }

    /// A root server outside this race, if the root is asked at all.
    fn root_server(&self, family: Option<Family>) -> Option<LastReply> {
        let settings = self.env.settings();
        if settings.route(&name::root()).is_some() {
            return None;
        }
        let may_ask = |address: &&SocketAddr| {
            let ip = address.ip();
            settings.has_family(ip)
                && family.is_none_or(|family| family.has(ip))
                && !self.candidates.has(**address)
        };
        let all = settings.root.servers.iter().flat_map(|server| &server.addresses);
        let own: Vec<&SocketAddr> = all.filter(may_ask).collect();
        let at = self.env.shared().random.below(own.len() as u64) as usize;
        let (address, transport) = (**own.get(at)?, settings.root.transport);
        let question = Question::new(name::root(), Rtype::NS);
        let asking = UpstreamQuery { question, recursion_desired: false, retry: true };
        Some(LastReply { server: Endpoint::new(address, transport), asking })
    }

    /// Repeats the question that the server has answered before.
    fn probe_last_responder(&self, LastReply { server, asking }: LastReply) {
        self.env.count(Counter::UpstreamProbes);
        let probe = Attempt::alone(server, "to see whether the uplink is down");
        let asking = UpstreamQuery { retry: true, ..asking };
        // The probe serves every question, so no question pays: a probe that is not sent would
        // count as silence.
        let step = Step::without_client(self.env.settings().limits);
        let exchange = attempt(self.env.arc(), asking, probe, step);
        if !exchange.joined {
            // There are few probes.
            self.env.stragglers().adopt(exchange.report, usize::MAX);
        }
    }
}
