//! The threads of the workers, each with a service in force.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use zoners_dns::Counters;
use zoners_net::Sockets;
use zoners_net::descriptors::Descriptors;
use zoners_resolver::Resolver;

use super::allotment::Allotment;
use super::connections::ConnectionShares;
use super::generation::{Core, Generation};
use super::pulse::Activity;
use super::worker::{self, WorkerLink};
use super::{Current, Snapshot};
use crate::events::QueryEvents;
use crate::latency::QueryLatencies;

/// The workers of the daemon.
pub(super) struct Workers {
    threads: Vec<WorkerThread>,
    /// What clients over HTTPS are answered with, on the thread of the HTTP service.
    https: Served,
    /// Descriptors for the upstream sockets of the workers.
    descriptors: Arc<Descriptors>,
    /// Descriptors for the TCP connections of clients.
    pub(super) client_descriptors: Arc<Semaphore>,
    /// Notified by each worker when clients ask.
    pub(super) activity: Arc<Activity>,
    /// Notified when a worker ends too early.
    pub(super) ended: Arc<Notify>,
}

/// A running worker.
struct WorkerThread {
    served: Served,
    link: WorkerLink,
    thread: JoinHandle<io::Result<()>>,
}

/// The service in force of a thread, and the parts of this service alone.
#[derive(Clone)]
struct Served {
    current: Current<Arc<Sockets>>,
    network: Arc<Sockets>,
    counters: Arc<Counters>,
}

impl Served {
    fn new(core: &Core, generation: &Generation, descriptors: &Arc<Descriptors>) -> Self {
        let counters = Arc::<Counters>::default();
        let network = generation.network(core, descriptors, &counters);
        let service = generation.service(core, network.clone(), &counters);
        Served { current: Arc::new(ArcSwap::from_pointee(service)), network, counters }
    }
}

/// Notifies when dropped, even by a panic: a worker has ended.
struct EndNotice(Arc<Notify>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Workers {
    /// Starts as many workers as are configured. No worker has listeners yet.
    ///
    /// # Errors
    /// The system gives no thread, or no runtime for a thread.
    pub(super) fn start(
        core: &Core,
        generation: &Generation,
        allotment: Allotment,
    ) -> io::Result<Self> {
        let shares = ConnectionShares::new(allotment.clients);
        let descriptors = Descriptors::new(allotment.servers);
        let mut workers = Workers {
            threads: Vec::new(),
            https: Served::new(core, generation, &descriptors),
            descriptors,
            client_descriptors: shares.descriptors(),
            activity: Arc::default(),
            ended: Arc::default(),
        };
        for number in 0..generation.config.server.threads {
            let worker = workers.start_one(number, core, generation, shares.clone())?;
            workers.threads.push(worker);
        }
        Ok(workers)
    }

    fn start_one(
        &self,
        number: usize,
        core: &Core,
        generation: &Generation,
        shares: ConnectionShares,
    ) -> io::Result<WorkerThread> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (link, assignments) = WorkerLink::of(&runtime);
        let served = Served::new(core, generation, &self.descriptors);
        let (serving, activity) = (served.current.clone(), self.activity.clone());
        let terms = (shares, core.tls.clone());
        let notice = EndNotice(self.ended.clone());
        let thread =
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                let _notice = notice;
                worker::run(&runtime, serving, assignments, activity, terms)
            })?;
        Ok(WorkerThread { served, link, thread })
    }

    /// The handles by which workers get addresses.
    pub(super) fn links(&self) -> Vec<WorkerLink> {
        self.threads.iter().map(|worker| worker.link.clone()).collect()
    }

    /// The runtimes, which a watchdog looks at.
    pub(super) fn runtimes(&self) -> Vec<Handle> {
        self.threads.iter().map(|worker| worker.link.runtime.clone()).collect()
    }

    /// The service for clients over HTTPS.
    pub(super) fn https(&self) -> Current<Arc<Sockets>> {
        self.https.current.clone()
    }

    /// What each thread serves, the threads of the workers first.
    fn served(&self) -> impl Iterator<Item = &Served> {
        self.threads.iter().map(|worker| &worker.served).chain([&self.https])
    }

    /// The counters of each worker.
    pub(super) fn counters(&self) -> Vec<Arc<Counters>> {
        self.served().map(|served| served.counters.clone()).collect()
    }

    /// The events of each worker, which stay the same over reloads.
    pub(super) fn events(&self) -> Vec<Arc<QueryEvents>> {
        self.served().map(|served| served.current.load().events().clone()).collect()
    }

    /// The times from query to response of each worker, which stay the same over reloads.
    pub(super) fn latencies(&self) -> Vec<Arc<QueryLatencies>> {
        self.served().map(|served| served.current.load().latencies().clone()).collect()
    }

    /// A service for look-ups of the daemon itself.
    pub(super) fn look_up_service(&self, core: &Core, generation: &Generation) -> Snapshot {
        let network = self.look_up_network(core, generation);
        generation.service(core, network, &Arc::default())
    }

    /// A resolver for a thread of the daemon itself, with sockets of its own.
    pub(super) fn look_up_resolver(
        &self,
        core: &Core,
        generation: &Generation,
    ) -> Resolver<Arc<Sockets>> {
        self.look_up_service(core, generation).worker().clone()
    }

    /// Upstream sockets for look-ups of the daemon itself, within the descriptors of the workers.
    pub(super) fn look_up_network(&self, core: &Core, generation: &Generation) -> Arc<Sockets> {
        generation.network(core, &self.descriptors, &Arc::default())
    }

    /// Puts a generation into force. Queries under way end with the old one.
    pub(super) fn put_in_force(&self, core: &Core, generation: &Generation) {
        let nat64 = generation.config.nat64_prefix();
        for worker in self.served() {
            // A network may tell its prefix long after the start.
            worker.network.set_nat64(nat64);
            worker.network.set_tls(generation.client_tls.clone());
            let service = generation.service(core, worker.network.clone(), &worker.counters);
            let service = service.continuing(&worker.current.load());
            worker.current.store(Arc::new(service));
        }
    }

    /// Puts new rules of the same generation into force.
    pub(super) fn put_rules_in_force(&self, generation: &Generation) {
        for worker in self.served() {
            let service = worker.current.load().with_rules(generation.rules.clone());
            worker.current.store(Arc::new(service));
        }
    }

    /// Closes idle upstream sockets: after a move to another network the peers may be gone.
    pub(super) fn renew_sockets(&self) {
        self.served().for_each(|served| served.network.renew());
    }

    /// Waits for the end of every worker, which needs every further link dropped.
    ///
    /// # Errors
    /// A worker panicked or ended with an error.
    pub(super) fn join(self) -> io::Result<()> {
        for WorkerThread { link, thread, .. } in self.threads {
            drop(link);
            thread.join().map_err(|_| io::Error::other("a worker thread panicked"))??;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_is_noticed() {
        let ended = Arc::<Notify>::default();
        let notice = EndNotice(ended.clone());
        let worker = std::thread::spawn(move || {
            let _notice = notice;
            assert!(std::env::args().count() == 0, "as a worker might");
        });
        ended.notified().await;
        assert!(worker.join().is_err());
    }
}
