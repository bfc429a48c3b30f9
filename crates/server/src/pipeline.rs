//! What happens to a query, in this order:
//!
//! | stage | where | may answer |
//! |---|---|---|
//! | admit | [`admit`] | what is no query for us |
//! | local data and policy | [`local`], [`any`] | records of our own, special-use names, the type ANY |
//! | cache | [`finished`] | what is known |
//! | second level beside recursion | none yet | what another node knows |
//! | recursion | [`zoners_resolver`] | the rest |
//! | policy on the answer | none yet | |
//! | finish | [`finish`] | puts on what differs from client to client |
//!
//! The stages up to the cache are synchronous and take a packet as it lies in the receive buffer;
//! only a miss is handed to the runtime.

mod admit;
mod any;
mod cookies;
mod finish;
mod finished;
mod local;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use zoners_dns::packet::Request;
use zoners_dns::{Counter, Ede, EdeCode, Network, OptRcode, Question, Transport};
use zoners_resolver::worker::Resolution;
use zoners_resolver::{Answer, Trace, Worker};

use crate::config::{Any, Config};
use crate::places::{Place, Places};
use admit::{Access, Admission};
use cookies::Cookie;
pub use cookies::Cookies;
pub use local::Local;

/// What a worker does for clients.
#[derive(Debug)]
pub struct Service<N: Network> {
    worker: Arc<Worker<N>>,
    access: Access,
    local: Arc<Local>,
    any: Any,
    /// Places for the queries that wait for others.
    waiting: Places,
    /// The number of the configuration; finished answers of another are not used.
    generation: u32,
}

/// Who sent a packet, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address that it came from.
    pub address: IpAddr,
    /// How it came.
    pub transport: Transport,
}

impl Client {
    /// A client on this machine.
    #[must_use]
    pub fn local(transport: Transport) -> Self {
        Client { address: Ipv4Addr::LOCALHOST.into(), transport }
    }
}

/// What came of the synchronous stages.
#[derive(Debug)]
pub enum Handled {
    /// The reply, ready to be sent.
    Reply(Vec<u8>),
    /// Nothing is to be sent.
    Nothing,
    /// Others must be asked; see [`Service::recurse`].
    Miss(Box<Miss>),
}

/// A query with all that its reply depends on.
#[derive(Debug)]
struct Query {
    request: Request,
    client: Client,
    cookie: Cookie,
}

/// An admitted query that the cache cannot answer.
#[derive(Debug)]
pub struct Miss {
    query: Query,
    /// The client's place among those who wait; this machine's own clients need none.
    _place: Option<Place>,
}

impl<N: Network> Service<N> {
    /// A service that resolves with `worker` and otherwise does as `config` says, of which
    /// `local` was made; `generation` is its number.
    #[must_use]
    pub fn new(
        worker: Arc<Worker<N>>,
        config: &Config,
        local: Arc<Local>,
        cookies: Cookies,
        generation: u32,
    ) -> Self {
        let access = Access::new(&config.server, cookies);
        let waiting = Places::new(usize::MAX, config.server.waiting_per_client);
        Service { worker, access, local, any: config.server.any, waiting, generation }
    }

    /// Takes a packet through the synchronous stages.
    pub fn handle(&self, packet: &[u8], client: Client) -> Handled {
        self.count(Counter::ClientQueries);
        let now = self.worker.shared().clock.wall_seconds();
        let query = match self.access.admit(packet, client, now) {
            Admission::Admitted(query) => query,
            Admission::Drop => {
                self.count(Counter::ClientDropped);
                return Handled::Nothing;
            }
            Admission::Reply(reply) => {
                self.count(Counter::ClientRefused);
                return Handled::Reply(reply);
            }
        };
        if let Some(answer) = self.own_answer(&query.request.question) {
            self.count(Counter::ClientLocal);
            return Handled::Reply(finish::answer(&query, &answer));
        }
        if let Some(reply) = self.finished(&query) {
            self.count(Counter::ClientCached);
            return Handled::Reply(reply);
        }
        if !query.request.rd {
            self.count(Counter::ClientRefused);
            return Handled::Reply(finish::not_recursive(&query));
        }
        let place = match client.address.to_canonical().is_loopback() {
            true => None,
            false => match self.waiting.take(client.address) {
                None => return self.too_many(&query),
                place => place,
            },
        };
        Handled::Miss(Box::new(Miss { query, _place: place }))
    }

    /// Takes a miss through recursion.
    pub async fn recurse(&self, miss: Miss, trace: Option<Arc<Trace>>) -> Vec<u8> {
        let Miss { query, _place } = miss;
        match self.worker.resolve(&query.request.question, trace).await {
            Ok(answer) => {
                self.count(Counter::ClientRecursed);
                finish::answer(&query, &answer)
            }
            Err(unresolved) => {
                self.count(Counter::ClientFailed);
                finish::error(&query, OptRcode::SERVFAIL, Some(&unresolved.ede))
            }
        }
    }

    /// All stages: the reply to a packet, if there is to be one.
    pub async fn answer(&self, packet: &[u8], client: Client) -> Option<Vec<u8>> {
        match self.handle(packet, client) {
            Handled::Reply(reply) => Some(reply),
            Handled::Nothing => None,
            Handled::Miss(miss) => Some(self.recurse(*miss, None).await),
        }
    }

    /// Answers a question that came by no packet: local data first, then cache and recursion.
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn look_up(&self, question: &Question, trace: Option<Arc<Trace>>) -> Resolution {
        match self.own_answer(question) {
            Some(answer) => Ok(Arc::new(answer)),
            None => self.worker.resolve(question, trace).await,
        }
    }

    /// The number of the configuration that it does as.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The worker that resolves.
    #[must_use]
    pub fn worker(&self) -> &Arc<Worker<N>> {
        &self.worker
    }

    /// The reply to a client of whom too many queries wait already.
    fn too_many(&self, query: &Query) -> Handled {
        self.count(Counter::ClientWaitingFull);
        self.count(Counter::ClientFailed);
        let ede = Ede::new(EdeCode::OTHER, "too many of your queries are waiting");
        Handled::Reply(finish::error(query, OptRcode::SERVFAIL, Some(&ede)))
    }

    /// What is answered without asking anyone.
    fn own_answer(&self, question: &Question) -> Option<Answer> {
        let any = (self.any == Any::Minimal).then(|| any::minimal(question)).flatten();
        self.local.answer(question).or(any)
    }

    /// Counts something that happened on the way of a client to here.
    pub(crate) fn count(&self, counter: Counter) {
        self.worker.counters().count(counter);
    }
}
