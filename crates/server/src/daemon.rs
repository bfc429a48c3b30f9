//! The running daemon: workers, each a thread with a runtime and listeners of its own, and what
//! the operating system asks of it meanwhile.
//!
//! A configuration becomes one immutable [`Service`] for each worker. Reloading makes new ones and
//! swaps them in; what is under way goes on with the old.

mod allotment;
mod at_work;
mod attend;
mod bind;
mod connections;
mod first_recursion;
mod keeper;
mod lasting;
mod listeners;
mod listening;
mod overseer;
mod owner;
mod privileges;
mod pulse;
mod reload;
mod rollover;
mod sandbox;
mod shed;
mod signals;
mod start;
mod state;
mod surroundings;
mod tcp;
mod udp;
mod wake;
mod worker;

use std::fmt;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use zoners_cache::Cache;
use zoners_dns::{Counters, Network, Random};
use zoners_files::ServiceUser;
use zoners_host::paths::runtime::control_sockets;
use zoners_host::service_manager;
use zoners_net::Sockets;
use zoners_net::descriptors::Descriptors;
use zoners_resolver::{Settings, Shared, Worker};
use zoners_sandbox::Sandbox;
use zoners_store::shared::{SharedCache, SharedCacheConfig};

use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::control::Control;
use crate::log::Log;
use crate::nearby::Nearby;
use crate::pipeline::{Cookies, Rules, Service};
use crate::prepared::Prepared;
use allotment::Allotment;
use connections::ConnectionShares;
pub use first_recursion::FirstRecursion;
pub use listening::ListenStatus;
use listening::Listening;
pub(crate) use overseer::Overseer;
use pulse::Activity;
use reload::HostsSeen;
use signals::Signals;
pub use start::check_start;
use state::State;
use worker::WorkerLink;

/// What a worker serves clients with, replaced as a whole by a reload.
pub type Snapshot = Service<Arc<Sockets>>;
type Current<N> = Arc<ArcSwap<Service<N>>>;

/// What is under way when the daemon is told to stop is finished, but not for longer than this.
const FINISH: Duration = Duration::from_millis(1500);

/// What all workers of a process need.
#[derive(Debug)]
pub struct Daemon {
    shared: Arc<Shared>,
    config: Config,
    /// Made of `config` once, so that all workers do as the same files say.
    settings: Arc<Settings>,
    rules: Arc<Rules>,
    /// Which clients are nearby, as `rules` have it.
    nearby: Nearby,
    /// Felt by all workers.
    activity: Arc<Activity>,
    /// What the TCP connections of all workers share.
    shares: ConnectionShares,
    /// What the sockets to servers of all workers share.
    descriptors: Arc<Descriptors>,
    /// Told when a worker ends before it is told to.
    ended: Arc<Notify>,
    /// When the hosts file that `rules` were made of had changed last.
    hosts_seen: Option<HostsSeen>,
    file: Option<PathBuf>,
    cookies: Cookies,
    /// What is to be shared with other nodes, and with which; taken when it is begun.
    terms: Option<SharedCacheConfig>,
    /// What is shared with other nodes, once it serves.
    second_level: Option<Arc<SharedCache>>,
    /// Where it listens, once it serves.
    listening: Listening,
    /// What it has given up, once it serves.
    sandbox: Arc<Sandbox>,
    /// Where its log goes, if that is ours to see to.
    log: Option<Log>,
    /// Told whether recursion works, once that is known after the start.
    on_first_recursion: OnFirstRecursion,
}

/// What is done once it is known whether recursion works.
struct OnFirstRecursion(Box<dyn FnOnce(&FirstRecursion) + Send>);

impl Default for OnFirstRecursion {
    fn default() -> Self {
        OnFirstRecursion(Box::new(FirstRecursion::log))
    }
}

impl fmt::Debug for OnFirstRecursion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnFirstRecursion")
    }
}

/// A worker that runs.
struct WorkerThread {
    current: Current<Arc<Sockets>>,
    network: Arc<Sockets>,
    counters: Arc<Counters>,
    link: WorkerLink,
    thread: JoinHandle<io::Result<()>>,
}

/// Told of when it is dropped, even by a panic: a worker has ended.
struct EndNotice(Arc<Notify>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Daemon {
    /// Prepares what the configuration says; `file` is where it came from, to be read again when
    /// the daemon is told to.
    ///
    /// # Errors
    /// The configuration names something that cannot be had.
    pub fn new(config: Config, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let random = Random::from_system().map_err(ConfigError::plain)?;
        let hash_key = [random.bits(), random.bits()];
        let cache = Cache::new(config.cache.size.0, config.ttl_limits(), hash_key);
        let cookies = Cookies::new(&random);
        let shared = Shared::new(cache, Arc::new(SystemClock), random);
        Daemon::with(shared, cookies, config, file, 0)
    }

    /// What `config` makes of it, with all that was learned and the secret kept.
    fn with(
        shared: Arc<Shared>,
        cookies: Cookies,
        config: Config,
        file: Option<PathBuf>,
        generation: u32,
    ) -> Result<Self, ConfigError> {
        let hosts_seen = reload::hosts_seen(&config);
        let Prepared { mut settings, local, second_level: terms } = config.prepare()?;
        let tracked = Daemon::state(&config).filter(|_| !privileges::will_be_dropped(&config));
        if let Some(tracked) = tracked.and_then(|folder| rollover::read(&folder)) {
            rollover::apply(&mut settings, &tracked);
        }
        let settings = Arc::new(settings);
        let rules = Rules::with(&config, local, cookies.clone(), &shared.random, generation);
        let nearby = surroundings::nearby();
        let rules = Arc::new(rules.near(&config, &nearby.prefixes));
        let (activity, ended) = (Arc::default(), Arc::default());
        let allotment = Allotment::of_process(config.server.threads);
        Ok(Daemon {
            shared,
            config,
            settings,
            rules,
            nearby,
            activity,
            shares: ConnectionShares::new(allotment.clients),
            descriptors: Descriptors::new(allotment.servers),
            ended,
            hosts_seen,
            file,
            cookies,
            terms,
            second_level: None,
            listening: Listening::default(),
            sandbox: Arc::default(),
            log: None,
            on_first_recursion: OnFirstRecursion::default(),
        })
    }

    /// The same, which lets `log` write to standard error once it serves, and tells what was lost.
    #[must_use]
    pub fn logging_to(self, log: Log) -> Self {
        Daemon { log: Some(log), ..self }
    }

    /// The same, which tells `tell` whether recursion works from here; otherwise the log is told.
    #[must_use]
    pub fn telling_first_recursion(
        self,
        tell: impl FnOnce(&FirstRecursion) + Send + 'static,
    ) -> Self {
        Daemon { on_first_recursion: OnFirstRecursion(Box::new(tell)), ..self }
    }

    /// The service of one worker, for a caller with a runtime of its own.
    #[must_use]
    pub fn service(&self) -> Snapshot {
        self.service_over(self.network())
    }

    /// The same, for a caller who sees to the network too.
    #[must_use]
    pub fn service_over<N: Network>(&self, network: N) -> Service<N> {
        self.snapshot(network, &Arc::default())
    }

    /// The sockets of a worker.
    fn network(&self) -> Arc<Sockets> {
        let sources = self.config.resolver.source_addresses.clone();
        let random = self.shared.random.clone();
        Arc::new(Sockets::within(self.descriptors.clone(), random, sources))
    }

    fn snapshot<N: Network>(&self, network: N, counters: &Arc<Counters>) -> Service<N> {
        let (shared, settings) = (self.shared.clone(), self.settings.clone());
        let worker = Worker::new(shared, network, settings, counters.clone());
        Service::new(worker, self.rules.clone())
    }

    /// Serves until told to stop (SIGTERM, SIGINT). SIGHUP reads the configuration again. `ready`
    /// is called once clients are heard.
    ///
    /// # Errors
    /// An address cannot be bound, told with the address and who has it; the user to become is
    /// none; or a worker ended.
    pub fn serve(mut self, ready: impl FnOnce(&ListenStatus)) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Heard from before anything that takes time, since most signals would end the process else.
        let signals = {
            let _entered = runtime.enter();
            Signals::listen()?
        };
        self.tell_remarks(None);
        // What takes root is done first, for the user that it becomes then.
        let heir = privileges::heir(&self.config)?;
        let state = State::take(&self.config, &self.config.listens().addresses, heir)?;
        let (places, instead) = bind::bind(&self.config, self.is_on_trial())?;
        bind::check_sources(&self.config.resolver.source_addresses)?;
        let control = self.control(heir)?;
        privileges::raise_descriptors();
        if let Some(heir) = heir {
            places.give_to(heir);
        }
        self.become_user()?;
        if heir.is_some() {
            self.trust_what_was_seen();
            self.tell_what_is_out_of_reach();
        }
        let allotment = Allotment::of_process(self.config.server.threads);
        allotment.tell();
        self.shares = ConnectionShares::new(allotment.clients);
        self.descriptors = Descriptors::new(allotment.servers);
        let cache_folder = state.as_ref().map(|state| state.folder.clone());
        let cache_folder = cache_folder.filter(|_| self.config.cache.persist);
        self.sandbox = Arc::new(self.enter_sandbox(control.as_ref(), cache_folder.as_deref())?);
        if let Some(log) = &self.log {
            log.begin(io::stderr())?;
        }
        let mut keeper = cache_folder.and_then(|folder| self.keeper(folder));
        self.second_level = self.share()?;
        let numbers = 0..self.config.server.threads;
        let workers = numbers.map(|number| self.work(number)).collect::<io::Result<Vec<_>>>()?;
        let links = workers.iter().map(|worker| worker.link.clone()).collect();
        self.listening = Listening::begin(places, links, state)?;
        let bound = ListenStatus { instead, ..self.listening.bound() };
        ready(&bound);
        service_manager::notify_ready();
        runtime.block_on(self.attend(&workers, bound, control, signals, keeper.as_mut()))?;
        service_manager::notify_stopping();
        self.listening.leave();
        for WorkerThread { link, thread, .. } in workers {
            drop(link);
            thread.join().map_err(|_| io::Error::other("a worker thread panicked"))??;
        }
        if let Some(keeper) = keeper {
            keeper.finish(&self.settings);
        }
        Ok(())
    }

    /// Whether this is a first try at a terminal, with nothing configured: then any port is better than none.
    fn is_on_trial(&self) -> bool {
        let at_terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        self.file.is_none() && at_terminal && !service_manager::has_started_this()
    }

    /// Lets a worker run.
    fn work(&self, number: usize) -> io::Result<WorkerThread> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (link, assignments) = WorkerLink::of(&runtime);
        let network = self.network();
        let counters = Arc::<Counters>::default();
        let current = Arc::new(ArcSwap::from_pointee(self.snapshot(network.clone(), &counters)));
        let (serving, activity) = (current.clone(), self.activity.clone());
        let shares = self.shares.clone();
        let ending = EndNotice(self.ended.clone());
        let thread =
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                let _ending = ending;
                worker::run(&runtime, serving, assignments, activity, shares)
            })?;
        Ok(WorkerThread { current, network, counters, link, thread })
    }

    /// The control socket: the configured one must be had, that of the system's choice may fail.
    fn control(&self, heir: Option<ServiceUser>) -> io::Result<Option<Control>> {
        match self.config.server.control.as_deref() {
            Some(path) if path.as_os_str().is_empty() => Ok(None),
            Some(path) => Control::bind(path, heir).map(Some),
            None => Ok(Control::bind_first(&control_sockets(None), heir)),
        }
    }
}

/// Serves on a port of this machine, 0 for any that is free, over whatever network `service` asks,
/// until interrupted. `ready` is told the addresses once clients are heard.
///
/// # Errors
/// The port cannot be bound, or `ready` failed.
pub fn serve_on<N: Network>(
    service: Service<N>,
    port: u16,
    ready: impl FnOnce(&[SocketAddr]) -> io::Result<()>,
) -> io::Result<()> {
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (link, assignments) = WorkerLink::of(&own);
    let mut listening = Listening::begin(bind::bind_port(port)?, vec![link], None)?;
    ready(&listening.bound().addresses)?;
    let current = Arc::new(ArcSwap::from_pointee(service));
    let thread = std::thread::spawn(move || {
        let shares = ConnectionShares::new(Allotment::of_process(1).clients);
        worker::run(&own, current, assignments, Arc::default(), shares)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    listening.leave();
    thread.join().map_err(|_| io::Error::other("the worker thread panicked"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_is_noticed() {
        let ended = Arc::<Notify>::default();
        let ending = EndNotice(ended.clone());
        let worker = std::thread::spawn(move || {
            let _ending = ending;
            assert!(std::env::args().count() == 0, "as a worker might");
        });
        ended.notified().await;
        assert!(worker.join().is_err());
    }
}
