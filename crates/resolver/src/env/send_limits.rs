//! The limits of packets that an outsider can cause, as each step meets the limits.

use zoners_dns::{Counter, Delegation, Endpoint, Network, QueryMode, name};

use crate::env::environment::Env;
use crate::infra::fetch_quotas::{QuotaEnd, QuotaLimit, QuotaLoad, QuotaSlot};
use crate::infra::unproven_addresses::UnprovenPermit;
use crate::model::answer::Unresolved;

impl<N: Network> Env<N> {
    pub(crate) fn usual_of_servers(&self, cut: &Delegation) -> QuotaLimit {
        usual(self.settings().limits.queries_per_server, cut)
    }

    /// Asks for a permit to send a packet, or to open a stream, to an unproven address.
    pub(crate) fn admit_unproven(&self, server: Endpoint) -> UnprovenPermit {
        let (unproven, now) = (&self.shared().unproven, self.shared().now());
        let admission = unproven.admit(server.address.ip(), server.transport, now);
        match admission {
            UnprovenPermit::Admitted { evicted: true } => {
                self.count(Counter::LimitUnprovenAddresses)
            }
            UnprovenPermit::Admitted { evicted: false } => {}
            UnprovenPermit::At(_) => self.count(Counter::InfraUnprovenHeld),
        }
        admission
    }

    /// The slot of a query in the quota of its server.
    pub(crate) fn enter_server(&self, server: Endpoint) -> QuotaSlot {
        let quotas = &self.shared().server_quotas;
        let usual = QuotaLimit { limit: self.settings().limits.queries_per_server, trusted: false };
        quotas.enter(quotas.of_server(server.address.ip()), usual)
    }

    /// A query to a server was not answered. While no query on its uplink is answered, the quota is
    /// not affected.
    pub(crate) fn observe_unanswered(&self, server: Endpoint) {
        let uplink = self.shared().uplinks.to(server.address.ip());
        if uplink.is_silent(self.shared().now()) {
            return;
        }
        let quotas = &self.shared().server_quotas;
        let usual = QuotaLimit { limit: self.settings().limits.queries_per_server, trusted: false };
        quotas.ended(quotas.of_server(server.address.ip()), QuotaEnd::Unanswered, usual);
    }

    /// Whether no server on the uplink of a zone replies, so that the uplink may be down.
    pub(crate) fn is_uplink_silent(&self, cut: &Delegation) -> bool {
        self.shared().uplinks.of(cut).is_silent(self.shared().now())
    }

    fn usual_of_zones(&self, cut: &Delegation) -> QuotaLimit {
        usual(self.settings().limits.questions_per_zone, cut)
    }

    pub(crate) fn zone_load(&self, cut: &Delegation) -> QuotaLoad {
        let quotas = &self.shared().zone_quotas;
        quotas.load(quotas.of_zone(&cut.zone), self.usual_of_zones(cut))
    }

    /// The slot of a question in the quota of its zone.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn enter_zone(&self, cut: &Delegation) -> Result<QuotaSlot, Unresolved> {
        let (quotas, usual) = (&self.shared().zone_quotas, self.usual_of_zones(cut));
        let at = quotas.of_zone(&cut.zone);
        if quotas.load(at, usual) == QuotaLoad::Full {
            self.count(Counter::LimitQuestionsPerZone);
            let zone = cut.zone.fmt_with_dot();
            return Err(Unresolved::overloaded(&format!(
                "too many questions to {zone} are under way"
            )));
        }
        Ok(quotas.enter(at, usual))
    }
}

/// The initial quota of a zone or its servers. Configured servers have none: each question may go to a
/// single server, and unanswered names must not affect the remaining names. Root and top-level servers
/// start at the maximum.
fn usual(limit: u32, cut: &Delegation) -> QuotaLimit {
    let limit = if cut.mode == QueryMode::Iterative { limit } else { 0 };
    QuotaLimit { limit, trusted: name::depth(&cut.zone) <= 1 }
}
