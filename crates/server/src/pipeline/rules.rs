//! What one configuration says of clients, the same for all workers.

use std::net::IpAddr;
use std::sync::Arc;

use zoners_dns::{Delegation, Prefix, Random};

use super::admit::Access;
use super::cookies::Cookies;
use super::local::Local;
use super::rates::Rates;
use crate::client_slots::ClientSlots;
use crate::config::{Any, Config, ConfigError, RRsetOrder};

/// Made of a configuration once, and never changed. Clones share what is counted.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) access: Access,
    pub(super) rates: Rates,
    pub(super) local: Arc<Local>,
    pub(super) any: Any,
    pub(super) order: RRsetOrder,
    /// Slots for the queries that wait for others.
    pub(super) waiting: ClientSlots,
    /// Of these, how many one client may take.
    pub(super) waiting_per_client: usize,
    /// The number of the configuration; finished answers of another are not used.
    pub(super) generation: u32,
}

impl Rules {
    /// What `config` says; `generation` is its number. Special-use names that one of `routes` leads to are
    /// not answered here. The secret of the cookies outlives a configuration.
    ///
    /// # Errors
    /// A local record is wrong.
    pub fn new(
        config: &Config,
        routes: &[Delegation],
        cookies: Cookies,
        random: &Random,
        generation: u32,
    ) -> Result<Self, ConfigError> {
        let local = Local::new(config, routes)?;
        Ok(Rules::with(config, local, cookies, random, generation))
    }

    /// The same, with local data that was read before.
    pub(crate) fn with(
        config: &Config,
        local: Local,
        cookies: Cookies,
        random: &Random,
        generation: u32,
    ) -> Self {
        let server = &config.server;
        let hash_key = || [random.bits(), random.bits()];
        Rules {
            access: Access::new(server, cookies, hash_key()),
            rates: Rates::new(server, hash_key()),
            local: Arc::new(local),
            any: server.any,
            order: server.rrset_order,
            waiting: ClientSlots::new(server.waiting),
            waiting_per_client: server.waiting_per_client,
            generation,
        }
    }

    /// The same rules, made of the same `config`, where the clients nearby are these.
    #[must_use]
    pub fn near(&self, config: &Config, nearby: &[Prefix]) -> Self {
        let access = self.access.near(&config.server.allow, nearby);
        let rates = self.rates.near(&config.server.unlimited, nearby);
        Rules { access, rates, ..self.clone() }
    }

    /// The prefixes of the clients that are served.
    #[must_use]
    pub fn allow(&self) -> &[Prefix] {
        self.access.allow()
    }

    /// What is answered here.
    pub(crate) fn local(&self) -> &Local {
        &self.local
    }

    /// Whether clients with this address are served.
    pub(crate) fn serves(&self, address: IpAddr) -> bool {
        self.access.allows(address)
    }

    /// Whether clients that are not served are told so.
    pub(crate) fn tells_strangers(&self) -> bool {
        self.access.tells_strangers()
    }

    /// Queries that wait for others.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.taken()
    }

    /// The number of the configuration.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }
}
