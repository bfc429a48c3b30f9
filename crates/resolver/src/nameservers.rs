//! Addresses of nameservers that came without glue.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use zoners_dns::{Counter, Name, Network, Question, RRset, Rtype};

use crate::answer::Unresolved;
use crate::context::Context;
use crate::worker::Worker;

/// What a look-up found: the server, as an index into its delegation's, and its addresses.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) server: usize,
    pub(crate) addresses: Vec<SocketAddr>,
}

pub(crate) type Lookup = Pin<Box<dyn Future<Output = Found> + Send>>;

impl<N: Network> Worker<N> {
    /// Looks up the addresses of the nameserver `name`: IPv4 first, IPv6 if there are none.
    ///
    /// # Errors
    /// The client query has no look-ups left, or is nested too deep.
    pub(crate) fn look_up(
        self: &Arc<Self>,
        server: usize,
        name: &Name,
        context: &Context,
    ) -> Result<Lookup, Unresolved> {
        let limits = &self.settings().limits;
        let context = context.nested(limits).inspect_err(|_| self.count(Counter::LimitDepth))?;
        context.budget.charge_lookup().map_err(|exhausted| {
            self.count(exhausted.0);
            exhausted.unresolved()
        })?;
        let (worker, name) = (self.clone(), name.clone());
        Ok(Box::pin(async move {
            let mut addresses = Vec::new();
            for rtype in [Rtype::A, Rtype::AAAA] {
                let wanted =
                    if rtype == Rtype::A { worker.settings().ipv4 } else { worker.settings().ipv6 };
                if wanted && addresses.is_empty() {
                    addresses = worker.addresses_of(&name, rtype, &context).await;
                }
            }
            addresses.truncate(worker.settings().limits.addresses_per_server);
            Found { server, addresses }
        }))
    }

    async fn addresses_of(
        self: &Arc<Self>,
        name: &Name,
        rtype: Rtype,
        context: &Context,
    ) -> Vec<SocketAddr> {
        let question = Question::new(name.clone(), rtype);
        let Ok(answer) = self.question(question, context.clone()).await else { return Vec::new() };
        let found = answer.answer.iter().flat_map(RRset::addresses);
        let may_ask = |address: &std::net::IpAddr| {
            let may = self.settings().may_ask(*address);
            if !may {
                self.count(Counter::AddressRefused);
            }
            may
        };
        found.filter(may_ask).map(|address| SocketAddr::new(address, 53)).collect()
    }
}
