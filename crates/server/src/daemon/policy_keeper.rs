//! Compiles the lists of the policy on a thread of its own, at the start and whenever the configuration or a file changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::generation::{Core, Generation};
use crate::config::PolicyConfig;
use crate::policy::build::{self, BuiltPolicy, SourcesDigest};
use crate::policy::shelf::PolicyShelf;

/// How often the files are looked at, at most.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// The outcome of a compilation: a policy, or the reason why there is none.
pub(super) type CompilationEnd = Result<Box<BuiltPolicy>, String>;

/// What the policy in force has to be made anew for.
pub(super) enum PolicyChange {
    /// A compilation has ended.
    Compiled(CompilationEnd),
    /// A pause has begun, or was ended.
    Paused,
}

/// The compilation of lists.
#[derive(Debug)]
pub(super) struct PolicyKeeper {
    /// The state folder; without one, compiled lists lie in memory.
    folder: Option<PathBuf>,
    /// The sources of the last compilation, under way or ended.
    sources: Option<SourcesDigest>,
    under_way: Option<oneshot::Receiver<CompilationEnd>>,
    looked: Instant,
    shelf: Arc<PolicyShelf>,
}

impl PolicyKeeper {
    /// Puts the compiled file of an earlier start into force, if its lists are those of now. This takes some 20 ms for a
    /// million names; other lists are compiled once clients are served.
    pub(super) fn begin(folder: Option<&Path>, core: &Core, generation: &mut Generation) -> Self {
        let folder = folder.map(Path::to_owned);
        let (sources, under_way, looked) = (None, None, Instant::now());
        let shelf = core.policies.clone();
        let mut keeper = PolicyKeeper { folder, sources, under_way, looked, shelf };
        let config = &generation.config.policy;
        if config.list.is_empty() {
            return keeper;
        }
        let sources = build::digest(config);
        match keeper.folder.as_deref().map(|folder| build::open(folder, sources)) {
            Some(Ok(compiled)) => {
                tracing::info!("policy: {} names in force", compiled.names());
                core.policies.put(compiled);
                keeper.sources = Some(sources);
                generation.renew_policy(core);
            }
            Some(Err(why)) => tracing::debug!("policy: the compiled file is not used: {why}"),
            None => {}
        }
        keeper
    }

    /// Looks at the files after a while.
    pub(super) fn look_sometimes(&mut self, core: &Core, config: &PolicyConfig) {
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.look(core, config);
        }
    }

    /// Compiles the lists, if their sources have changed and no compilation is under way.
    pub(super) fn look(&mut self, core: &Core, config: &PolicyConfig) {
        self.looked = Instant::now();
        if config.list.is_empty() || self.under_way.is_some() {
            return;
        }
        let sources = build::digest(config);
        if self.sources == Some(sources) {
            return;
        }
        let random = &core.shared.random;
        let key = [random.bits(), random.bits()];
        let (folder, config) = (self.folder.clone(), config.clone());
        let (send, done) = oneshot::channel();
        let work = move || {
            let built = build::compile(&config, folder.as_deref(), key);
            // The daemon may have ended.
            let _ = send.send(built.map(Box::new));
        };
        match std::thread::Builder::new().name("policy".into()).spawn(work) {
            Ok(_) => (self.under_way, self.sources) = (Some(done), Some(sources)),
            Err(error) => tracing::error!("policy: the system gives no thread: {error}"),
        }
    }

    /// The next change. Safe to cancel and call again.
    pub(super) async fn change(&mut self) -> PolicyChange {
        let shelf = self.shelf.clone();
        tokio::select! {
            biased;
            built = self.done() => PolicyChange::Compiled(built),
            () = shelf.pauses_changed() => PolicyChange::Paused,
        }
    }

    /// Ends with the compilation under way. Safe to cancel and call again.
    async fn done(&mut self) -> CompilationEnd {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let built = under_way.await;
        self.under_way = None;
        built.unwrap_or_else(|_| Err("the thread that compiled the lists ended".to_owned()))
    }

    /// Takes a compiled policy; false if the lists in force stay. Lists in force stay if one of the new ones cannot be
    /// used: the last good list is better than none.
    pub(super) fn end(&self, core: &Core, built: CompilationEnd) -> bool {
        let built = match built {
            Ok(built) => built,
            Err(why) => {
                tracing::error!("policy: {why}");
                return false;
            }
        };
        let BuiltPolicy { compiled, faults, left_out } = *built;
        faults.iter().for_each(|fault| tracing::warn!("policy: {fault}"));
        if left_out > 0 && core.policies.has_policy() {
            tracing::error!(
                "policy: the lists in force stay, as {left_out} of the new ones cannot be used"
            );
            return false;
        }
        let rules: u64 = compiled.lists().iter().map(|list| u64::from(list.rules)).sum();
        tracing::info!("policy: {rules} rules of {} lists in force", compiled.lists().len());
        core.policies.put(compiled);
        true
    }
}
