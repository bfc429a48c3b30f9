//! The running daemon: workers, each a thread with a runtime and listeners of its own, and what
//! the operating system asks of it meanwhile.
//!
//! A configuration becomes one immutable [`Service`] for each worker. Reloading makes new ones and
//! swaps them in; what is under way goes on with the old.

mod bind;
mod connections;
mod overseer;
mod owner;
mod tcp;
mod udp;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use zoners_cache::Cache;
use zoners_dns::{Counters, Network, Random};
use zoners_net::Sockets;
use zoners_resolver::{Shared, Worker};

use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::control::{Control, default_path};
use crate::pipeline::{Cookies, Local, Service};
pub use bind::Bound;
pub(crate) use overseer::Overseer;

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
    file: Option<PathBuf>,
    generation: u32,
    cookies: Cookies,
}

/// A worker that runs.
struct Running {
    current: Current<Arc<Sockets>>,
    network: Arc<Sockets>,
    counters: Arc<Counters>,
    thread: JoinHandle<io::Result<()>>,
}

impl Daemon {
    /// Prepares what the configuration says; `file` is where it came from, to be read again when
    /// the daemon is told to.
    ///
    /// # Errors
    /// The configuration names something that cannot be had.
    pub fn new(config: Config, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        Local::new(&config.local, &config.settings()?.routes)?;
        let random = Random::from_system().map_err(ConfigError::plain)?;
        let hash_key = [random.bits(), random.bits()];
        let cache = Cache::new(config.cache.size.0, config.ttl_limits(), hash_key);
        let cookies = Cookies::new(&random);
        let shared = Shared::new(cache, Arc::new(SystemClock), random);
        Ok(Daemon { shared, config, file, generation: 0, cookies })
    }

    /// The service of one worker, for a caller with a runtime of its own.
    ///
    /// # Errors
    /// A file that the configuration names cannot be read any more.
    pub fn service(&self) -> Result<Snapshot, ConfigError> {
        let network = Arc::new(Sockets::new(self.shared.random.clone()));
        self.snapshot(&network, &Arc::default())
    }

    fn snapshot(
        &self,
        network: &Arc<Sockets>,
        counters: &Arc<Counters>,
    ) -> Result<Snapshot, ConfigError> {
        let settings = Arc::new(self.config.settings()?);
        let worker = Worker::new(self.shared.clone(), network.clone(), settings, counters.clone());
        Service::new(worker, &self.config, self.cookies, self.generation)
    }

    /// Serves until told to stop (SIGTERM, SIGINT). SIGHUP reads the configuration again. `ready`
    /// is called once clients are heard.
    ///
    /// # Errors
    /// An address cannot be bound, told with the address and who has it, or a worker ended.
    pub fn serve(mut self, ready: impl FnOnce(&Bound)) -> io::Result<()> {
        let (bound, listeners) = bind::bind(&self.config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopping) = watch::channel(false);
        let mut workers = Vec::new();
        for (number, listeners) in listeners.into_iter().enumerate() {
            let network = Arc::new(Sockets::new(self.shared.random.clone()));
            let counters = Arc::<Counters>::default();
            let snapshot = self.snapshot(&network, &counters).map_err(io::Error::other)?;
            let current = Arc::new(ArcSwap::from_pointee(snapshot));
            let (serving, stopping) = (current.clone(), stopping.clone());
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || worker::run(serving, listeners, stopping))?;
            workers.push(Running { current, network, counters, thread });
        }
        let control = {
            let _entered = runtime.enter();
            self.control()?
        };
        ready(&bound);
        tell_manager(&[NotifyState::Ready]);
        runtime.block_on(self.attend(&workers, bound, control))?;
        tell_manager(&[NotifyState::Stopping]);
        let _ = stop.send(true);
        for worker in workers {
            worker.thread.join().map_err(|_| io::Error::other("a worker thread panicked"))??;
        }
        Ok(())
    }

    /// The control socket: the configured one must be had, that of the system's choice may fail.
    fn control(&self) -> io::Result<Option<Control>> {
        match self.config.server.control.as_deref() {
            Some(path) if path.as_os_str().is_empty() => Ok(None),
            Some(path) => Control::bind(path).map(Some),
            None => Ok(Control::bind(&default_path())
                .inspect_err(|error| tracing::info!("no control socket: {error}"))
                .ok()),
        }
    }

    /// Does what signals ask for until one asks for the end.
    async fn attend(
        &mut self,
        workers: &[Running],
        bound: Bound,
        control: Option<Control>,
    ) -> io::Result<()> {
        let counters = workers.iter().map(|worker| worker.counters.clone()).collect();
        let own = self.service().map_err(io::Error::other)?;
        let overseer = Arc::new(Overseer::new(own, counters, bound));
        let conversing = async {
            match &control {
                Some(control) => control.serve(overseer.clone()).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(conversing);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let mut hosts_before = self.hosts_changed();
        loop {
            tokio::select! {
                biased;
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                _ = hangup.recv() => self.reload(workers, &overseer),
                () = &mut conversing => {}
                _ = tick.tick() => {
                    let hosts = self.hosts_changed();
                    if hosts != hosts_before {
                        hosts_before = hosts;
                        self.reload(workers, &overseer);
                    }
                    if workers.iter().any(|worker| worker.thread.is_finished()) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// When the hosts file last changed, if one is configured and there.
    fn hosts_changed(&self) -> Option<SystemTime> {
        let path = self.config.local.hosts.as_ref()?;
        std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
    }

    /// Reads the configuration again. One that is wrong changes nothing.
    fn reload(&mut self, workers: &[Running], overseer: &Overseer) {
        let Some(file) = self.file.clone() else {
            tracing::warn!("told to reload, but started without a configuration file");
            return;
        };
        let reload = Config::load(&file).and_then(|config| {
            let renewed = Daemon {
                shared: self.shared.clone(),
                config,
                file: Some(file.clone()),
                generation: self.generation + 1,
                cookies: self.cookies,
            };
            let snapshot = |worker: &Running| renewed.snapshot(&worker.network, &worker.counters);
            let snapshots = workers.iter().map(snapshot).collect::<Result<Vec<_>, _>>()?;
            let own = renewed.service()?;
            Ok((renewed, snapshots, own))
        });
        match reload {
            Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
            Ok((renewed, snapshots, own)) => {
                overseer.renew(own);
                for (worker, snapshot) in workers.iter().zip(snapshots) {
                    worker.current.store(Arc::new(snapshot));
                }
                let restart = needs_restart(&self.config, &renewed.config);
                *self = renewed;
                tracing::info!("reloaded {}", file.display());
                if !restart.is_empty() {
                    tracing::warn!("changed, but needs a restart: {}", restart.join(", "));
                }
            }
        }
    }
}

/// Serves on one address of this machine, over whatever network `service` asks, until interrupted.
/// `ready` is told the address once clients are heard.
///
/// # Errors
/// The address cannot be bound.
pub fn serve_on<N: Network>(
    service: Service<N>,
    address: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let listeners = bind::bind_one(address)?;
    ready(listeners.address()?);
    let (stop, stopping) = watch::channel(false);
    let current = Arc::new(ArcSwap::from_pointee(service));
    let thread = std::thread::spawn(move || worker::run(current, listeners, stopping));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    let _ = stop.send(true);
    thread.join().map_err(|_| io::Error::other("the worker thread panicked"))?
}

/// Keys whose change a reload cannot bring into force.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("server.listen", old.server.listen != new.server.listen),
        ("server.control", old.server.control != new.server.control),
        ("server.threads", old.server.threads != new.server.threads),
        ("cache", old.cache != new.cache),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

/// Tells systemd, if it started us; nothing is lost where it did not.
fn tell_manager(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager was not told: {error}");
    }
}
