//! What happens to a query, in this order:
//!
//! | stage | where | may answer |
//! |---|---|---|
//! | admit | [`admit`] | what is no query for us |
//! | local data and policy | [`local`] | special-use names |
//! | cache | [`finished`] | what is known |
//! | second level beside recursion | none yet | what another node knows |
//! | recursion | [`zoners_resolver`] | the rest |
//! | policy on the answer | none yet | |
//! | finish | [`finish`] | puts on what differs from client to client |
//!
//! The stages up to the cache are synchronous and take a packet as it lies in the receive buffer;
//! only a miss is handed to the runtime.

mod admit;
mod finish;
mod finished;
mod local;

use std::sync::Arc;

use zoners_dns::packet::Request;
use zoners_dns::{Counter, Network, OptRcode, Question, Transport};
use zoners_resolver::worker::Resolution;
use zoners_resolver::{Trace, Worker};

use crate::config::SpecialUse;
use admit::Admission;
pub use local::Local;

/// What a worker does for clients.
#[derive(Debug)]
pub struct Service<N: Network> {
    worker: Arc<Worker<N>>,
    local: Local,
    /// The number of the configuration; finished answers of another are not used.
    generation: u32,
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

/// An admitted query that the cache cannot answer.
#[derive(Debug)]
pub struct Miss {
    request: Request,
    transport: Transport,
}

impl<N: Network> Service<N> {
    /// A service that resolves with `worker` and answers `special_use` names itself.
    #[must_use]
    pub fn new(worker: Arc<Worker<N>>, special_use: &SpecialUse, generation: u32) -> Self {
        let local = Local::new(special_use, &worker.settings().routes);
        Service { worker, local, generation }
    }

    /// Takes a packet through the synchronous stages.
    pub fn handle(&self, packet: &[u8], transport: Transport) -> Handled {
        self.count(Counter::ClientQueries);
        let request = match admit::admit(packet) {
            Admission::Admitted(request) => request,
            Admission::Drop => {
                self.count(Counter::ClientDropped);
                return Handled::Nothing;
            }
            Admission::Reply(reply) => {
                self.count(Counter::ClientRefused);
                return Handled::Reply(reply);
            }
        };
        if let Some(answer) = self.local.answer(&request.question) {
            self.count(Counter::ClientLocal);
            return Handled::Reply(finish::answer(&request, transport, &answer));
        }
        if let Some(reply) = self.finished(&request, transport) {
            self.count(Counter::ClientCached);
            return Handled::Reply(reply);
        }
        if !request.rd {
            self.count(Counter::ClientRefused);
            return Handled::Reply(finish::not_recursive(&request));
        }
        Handled::Miss(Box::new(Miss { request, transport }))
    }

    /// Takes a miss through recursion.
    pub async fn recurse(&self, miss: Miss, trace: Option<Arc<Trace>>) -> Vec<u8> {
        let Miss { request, transport } = miss;
        match self.worker.resolve(&request.question, trace).await {
            Ok(answer) => {
                self.count(Counter::ClientRecursed);
                finish::answer(&request, transport, &answer)
            }
            Err(unresolved) => {
                self.count(Counter::ClientFailed);
                finish::error(&request, OptRcode::SERVFAIL, Some(&unresolved.ede))
            }
        }
    }

    /// All stages: the reply to a packet, if there is to be one.
    pub async fn answer(&self, packet: &[u8], transport: Transport) -> Option<Vec<u8>> {
        match self.handle(packet, transport) {
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
        match self.local.answer(question) {
            Some(answer) => Ok(Arc::new(answer)),
            None => self.worker.resolve(question, trace).await,
        }
    }

    /// The worker that resolves.
    #[must_use]
    pub fn worker(&self) -> &Arc<Worker<N>> {
        &self.worker
    }

    fn count(&self, counter: Counter) {
        self.worker.counters().count(counter);
    }
}
