//! The first state of the daemon: a valid configuration, and nothing of the machine taken.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoners_dns::Network;
use zoners_host::networks::{NetworkFacts, ProgramUse};
use zoners_host::origin::ProcessOrigin;
use zoners_host::service_manager::descriptor_store::StoredSocket;
use zoners_host::service_manager::{self, GivenSockets};
use zoners_net::descriptors::Descriptors;
use zoners_store::shared::SharedCacheConfig;

use super::allotment::Allotment;
use super::bound::Bound;
use super::generation::{Core, Generation};
use super::http::{BoundHttp, HttpPlace};
use super::kept_sockets::KeptSockets;
use super::listeners::BoundListener;
use super::signals::Signals;
use super::state_folder::StateFolder;
use super::take_over::TakenOver;
use super::{Snapshot, bind, control_socket, privileges, sandbox};
use crate::config::{AddressSpec, Config, ConfigError, ListOrigin, ListenAddress};
use crate::log::Log;
use crate::pipeline::Service;
use crate::validate::Scope;

/// A daemon with a valid configuration, or a resolver without a daemon.
#[derive(Debug)]
pub struct Configured {
    core: Core,
    generation: Generation,
    second_level: Option<SharedCacheConfig>,
    log: Option<Log>,
    /// The control socket of the old daemon, which hands over.
    predecessor: Option<PathBuf>,
}

impl Configured {
    /// For look-ups in this process.
    ///
    /// # Errors
    /// The faults of the configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Configured::within(Scope::Contents, config, None)
    }

    /// For a daemon; a reload reads `file` again.
    ///
    /// # Errors
    /// The faults of the configuration, and everything that this machine lacks.
    pub fn for_daemon(config: Config, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        Configured::within(Scope::Start, config, file)
    }

    fn within(scope: Scope, config: Config, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut core = Core::new(&config, file)?;
        if scope == Scope::Start {
            core.networks = Arc::new(NetworkFacts::read(ProgramUse::Forbidden));
        }
        let (generation, second_level) = Generation::new(&core, config, scope, 0)?;
        generation.bind_links(&core);
        Ok(Configured { core, generation, second_level, log: None, predecessor: None })
    }

    /// Lets `log` write to standard error once the sandbox is closed, and counts lost lines.
    #[must_use]
    pub fn logging_to(self, log: Log) -> Self {
        Configured { log: Some(log), ..self }
    }

    /// Takes sockets, state folder and control socket of the daemon with the control socket at `predecessor`, which
    /// serves on until [`Running::confirm_take_over`](super::Running::confirm_take_over).
    #[must_use]
    pub fn taking_over(self, predecessor: Option<PathBuf>) -> Self {
        Configured { predecessor, ..self }
    }

    /// Serves on a free port, without state folder, control socket and HTTP service: all of these belong to a running
    /// daemon.
    #[must_use]
    pub fn rehearsing(mut self) -> Self {
        let config = &mut self.generation.config;
        config.server.listen = Some(vec![ListenAddress::plain((Ipv4Addr::LOCALHOST, 0).into())]);
        config.listen = Vec::new();
        config.server.http = Vec::new();
        config.server.control = Some(PathBuf::new());
        config.server.state = None;
        config.cache.persist = false;
        config.network.portal_probes = Vec::new();
        // Lists that the daemon has would be downloaded again.
        config.policy.list.retain(|list| matches!(list.origin(), ListOrigin::File(_)));
        self
    }

    /// The service of one worker, for a caller with a runtime.
    #[must_use]
    pub fn service(&self) -> Snapshot {
        let allotment = Allotment::of_process(self.generation.config.server.threads);
        let descriptors = Descriptors::new(allotment.servers);
        self.service_over(self.generation.network(&self.core, &descriptors, &Arc::default()))
    }

    /// The service of one worker over a network of the caller.
    #[must_use]
    pub fn service_over<N: Network + Clone>(&self, network: N) -> Service<N> {
        self.generation.service(&self.core, network, &Arc::default())
    }

    /// Takes everything that the daemon needs of the machine, and gives up the other rights. The order matters: signal
    /// handlers come before anything slow, root binds sockets and makes folders, and the sandbox comes last, before
    /// there is a second thread.
    ///
    /// # Errors
    /// An address cannot be bound (the error names the address and the owner of the port); a running daemon has the
    /// state folder; the process cannot become the configured user; or a sandbox is required and cannot be had.
    pub fn bind(self) -> io::Result<Bound> {
        let Configured { core, mut generation, second_level, log, predecessor } = self;
        let origin = ProcessOrigin::of_process();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Most signals end a process without a handler.
        let signals = {
            let _entered = runtime.enter();
            Signals::listen()?
        };
        generation.log_remarks(None);
        let config = &generation.config;
        let heir = privileges::heir(config)?;
        let GivenSockets { udp, tcp, stored } = service_manager::sockets()?;
        let given = BoundListener::given(udp, tcp, config)?;
        let (taken, kept) = match predecessor {
            Some(control) => take_over(&control)?,
            None => take_from_store(stored, config, !given.is_empty())?,
        };
        let TakenOver { predecessor, listeners, http, control, lock } = taken;
        let serves = AddressSpec::addresses(&config.listeners());
        let state = StateFolder::take(config, &serves, heir, lock.as_ref())?;
        if lock.is_some() && state.is_none() && config.cache.persist {
            let text = "the old daemon keeps the cache across restarts, and the new one could not";
            return Err(io::Error::other(text));
        }
        let (addresses, instead) = bind::bind(config, is_on_trial(&core), &given, listeners)?;
        let side_effect = bind::side_effect(&addresses);
        let http = BoundHttp::all(&HttpPlace::all(config), config, http)?;
        let control = control_socket::bind(config, heir, control.as_ref())?;
        privileges::raise_descriptors();
        if let Some(heir) = heir {
            addresses.give_to(heir);
        }
        sandbox::become_user(config, core.file.as_deref())?;
        if heir.is_some() {
            generation.trust_tracked_keys();
            log_unreadable_files(&core, &generation);
        }
        let allotment = Allotment::of_process(generation.config.server.threads);
        allotment.log_if_scarce();
        let cache_folder = state.as_ref().and_then(|state| state.of_cache(&generation.config));
        let needs = sandbox::needs(
            &generation.config,
            core.file.as_deref(),
            control.as_ref(),
            state.as_ref().map(StateFolder::path),
            second_level.as_ref(),
        );
        // Read once, before the ways are closed: the identifier of this start of the machine, and the data by which
        // the clock is read without a system call (vdso(7)).
        let _ = (super::keeper::boot(), core.shared.now());
        let sandbox = Arc::new(sandbox::enter(generation.config.server.sandbox, needs)?);
        Ok(Bound {
            core,
            generation,
            second_level,
            log,
            runtime,
            signals,
            addresses,
            http,
            instead,
            side_effect,
            state,
            cache_folder,
            control,
            allotment,
            sandbox,
            origin,
            predecessor,
            kept,
        })
    }
}

/// Everything of the old daemon with this control socket.
fn take_over(control: &Path) -> io::Result<(TakenOver, KeptSockets)> {
    let (taken, stored) = TakenOver::from(control)?;
    Ok((taken, KeptSockets::of_predecessor(stored)))
}

/// The sockets that the service manager kept; `given`: whether the manager has bound sockets for clients.
fn take_from_store(
    stored: Vec<StoredSocket>,
    config: &Config,
    given: bool,
) -> io::Result<(TakenOver, KeptSockets)> {
    let (kept, sockets) = KeptSockets::sort(stored, config, given);
    Ok((TakenOver::of_store(sockets)?, kept))
}

/// Whether a person tries the daemon at a terminal, with nothing configured: then any port is better than none.
fn is_on_trial(core: &Core) -> bool {
    let at_terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
    core.file.is_none() && at_terminal && !service_manager::has_started_this()
}

/// Logs the files that root could read and the new user cannot.
fn log_unreadable_files(core: &Core, generation: &Generation) {
    let config = &generation.config;
    let user = config.server.user.as_deref().unwrap_or_default();
    for (key, path) in config.files(core.file.as_deref()) {
        if let Err(error) = File::open(path) {
            let path = path.display();
            tracing::warn!("reload: {key}: {path}: {error}: a reload will read it as {user}");
        }
    }
}
