//! Keeps the lists of the policy current: takes over changed files and downloads, and compiles the lists on a thread of
//! its own, at the start and whenever the configuration or a text changes. One compilation is under way at a time, and
//! the next compilation has the latest texts.

mod answers;
mod compilation;
mod news;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use zoners_dns::{Clock, Counter, Counters};
use zoners_host::networks::hardware_neighbours;
use zoners_net::Sockets;
use zoners_resolver::Resolver;

use super::generation::{Core, Generation};
use super::list_downloads::{DownloadEnd, ListDownloads};
use super::list_requests::{self, ListCaller, ListRequest, ListRequests};
use super::operator_rules::RuleAnswer;
use crate::clock::SystemClock;
use crate::config::{HardwareAddress, ListOrigin, PolicyConfig};
use crate::policy::build::{self, BuiltPolicy, SourcesDigest};
use crate::policy::operator_rule_file::OperatorRuleFile;
use crate::policy::pause_file::PauseFile;
use crate::policy::shelf::PolicyShelf;
use crate::policy::supply::SuppliedList;
use crate::policy::supply::book::{ListBook, id_of};
use crate::policy::supply::download::{DownloadOutcome, ListDownload};
use crate::policy::supply::schedule::DownloadTerms;
use crate::policy::supply::texts::TextStore;
use news::log_news;

/// How often the files are looked at, at most.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// How often the table of neighbours is looked at, at most. macOS is asked by programs.
const NEIGHBOURS_INTERVAL: Duration = match cfg!(target_os = "linux") {
    true => Duration::from_secs(1),
    false => Duration::from_secs(30),
};

/// The outcome of a compilation: a policy, or the reason why there is none.
pub(super) type CompilationEnd = Result<Box<BuiltPolicy>, String>;

/// What the lists or the policy in force have to be looked at for.
pub(super) enum PolicyChange {
    /// A compilation has ended.
    Compiled(CompilationEnd),
    /// A pause has begun, or was ended.
    Paused,
    /// A download has ended.
    Downloaded(DownloadEnd),
    /// A person asks for a list.
    Requested(ListRequest),
    /// A schedule begins or ends.
    Scheduled,
}

/// The texts and the compilation of lists.
#[derive(Debug)]
pub(super) struct PolicyKeeper {
    /// The state folder; without one, texts and compiled lists lie in memory.
    folder: Option<PathBuf>,
    pause_file: Option<PauseFile>,
    rule_file: Option<OperatorRuleFile>,
    store: Arc<TextStore>,
    book: ListBook,
    downloads: ListDownloads,
    /// The texts of the policy in force.
    sources: Option<SourcesDigest>,
    /// The work of the last compilation, which is not done twice.
    work: Option<SourcesDigest>,
    under_way: Option<oneshot::Receiver<CompilationEnd>>,
    looked: Instant,
    neighbours_looked: Option<Instant>,
    shelf: Arc<PolicyShelf>,
    requests: (ListRequests, mpsc::Receiver<ListRequest>),
    callers: Vec<ListCaller>,
    /// Outcomes that callers get once the rules of the operator are in force.
    rule_answers: Vec<RuleAnswer>,
    counters: Arc<Counters>,
}

impl PolicyKeeper {
    /// Puts the compiled file of an earlier start into force, if its lists are those of now. This takes some 20 ms for a
    /// million names; other lists are compiled once clients are served.
    pub(super) fn begin(folder: Option<&Path>, core: &Core, generation: &mut Generation) -> Self {
        let store = Arc::new(TextStore::new(folder));
        let mut keeper = PolicyKeeper {
            folder: folder.map(Path::to_owned),
            pause_file: None,
            rule_file: None,
            book: ListBook::read(folder),
            downloads: ListDownloads::new(store.clone(), core.shared.random.clone()),
            store,
            sources: None,
            work: None,
            under_way: None,
            looked: Instant::now(),
            neighbours_looked: None,
            shelf: core.policies.clone(),
            requests: list_requests::requests(),
            callers: Vec::new(),
            rule_answers: Vec::new(),
            counters: Arc::default(),
        };
        let has_pauses = keeper.restore_pauses(core);
        let has_rules = keeper.restore_operator_rules();
        let has_moved = keeper.look_at_neighbours(core, &generation.config.policy);
        if has_moved || has_pauses || has_rules {
            generation.renew_policy(core);
        }
        let config = &generation.config.policy;
        if config.list.is_empty() {
            return keeper;
        }
        keeper.book.configure(&config.list);
        keeper.book.records_mut().for_each(|record| record.forget_lost_copies(&keeper.store));
        keeper.store.sweep(&keeper.book.used());
        let sources = build::digest(config, &keeper.book);
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

    /// The way of requests from the control socket.
    pub(super) fn requests(&self) -> ListRequests {
        self.requests.0.clone()
    }

    /// The figures of lists.
    pub(super) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Resolves the names of list servers by this resolver. Failed downloads are tried again soon.
    pub(super) fn resolve_by(&mut self, resolver: Resolver<Arc<Sockets>>) {
        self.downloads.resolve_by(resolver);
    }

    /// Looks at the files after a while.
    pub(super) fn look_sometimes(&mut self, core: &Core, config: &PolicyConfig) {
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.look(core, config);
        }
    }

    /// Compiles the lists, if there is news and no compilation is under way; downloads the configured lists.
    pub(super) fn look(&mut self, core: &Core, config: &PolicyConfig) {
        self.looked = Instant::now();
        self.book.configure(&config.list);
        self.downloads.configure(downloads(config, &self.book));
        self.compile_news(core, config);
        let supply = SuppliedList::all(config, &self.book, &core.transferred);
        self.shelf.put_supply(supply);
        self.answer_callers();
        self.rule_answers.drain(..).for_each(RuleAnswer::send);
    }

    /// Looks at the table of neighbours after a while, if groups name clients by hardware address; true if the addresses
    /// of these clients have changed.
    pub(super) fn look_at_neighbours(&mut self, core: &Core, config: &PolicyConfig) -> bool {
        let wanted = config.hardware_clients();
        let is_recent = |looked: &Instant| looked.elapsed() < NEIGHBOURS_INTERVAL;
        if wanted.is_empty() || self.neighbours_looked.as_ref().is_some_and(is_recent) {
            return false;
        }
        self.neighbours_looked = Some(Instant::now());
        let neighbours = hardware_neighbours().into_iter();
        let neighbours: Vec<_> = neighbours
            .map(|known| (known.address, HardwareAddress(known.hardware_address)))
            .collect();
        core.policies.observe_clients(&neighbours, &wanted, core.shared.now())
    }

    /// Takes the pauses that an earlier daemon has kept; true if there are any.
    fn restore_pauses(&mut self, core: &Core) -> bool {
        let Some((file, pauses)) = self.folder.as_deref().map(PauseFile::open) else {
            return false;
        };
        self.pause_file = Some(file);
        core.policies.restore_pauses(pauses, core.shared.clock.read())
    }

    /// Takes the rules of the operator that an earlier daemon has kept; true if there are any.
    fn restore_operator_rules(&mut self) -> bool {
        let opened = self.folder.as_deref().map(OperatorRuleFile::open);
        let Some((file, rules)) = opened else { return false };
        self.rule_file = Some(file);
        let has_rules = !rules.is_empty();
        if has_rules {
            tracing::info!("policy: {} rules of the operator in force", rules.len());
            self.shelf.put_operator_rules(Arc::new(rules));
        }
        has_rules
    }

    /// Keeps the pauses for the next daemon.
    fn keep_pauses(&self, core: &Core) {
        let Some(file) = &self.pause_file else { return };
        let pauses = core.policies.pauses(core.shared.clock.read());
        if let Err(error) = file.write(&pauses) {
            tracing::warn!("policy: pauses are not kept for a restart: {error}");
        }
    }

    /// The next change; `left` is the time until a schedule begins or ends. Safe to cancel and call again.
    pub(super) async fn change(&mut self, left: Option<Duration>) -> PolicyChange {
        let shelf = self.shelf.clone();
        let under_way = &mut self.under_way;
        tokio::select! {
            biased;
            built = compilation::end(under_way) => PolicyChange::Compiled(built),
            () = shelf.pauses_changed() => PolicyChange::Paused,
            end = self.downloads.end() => PolicyChange::Downloaded(end),
            Some(request) = self.requests.1.recv() => PolicyChange::Requested(request),
            () = after(left) => PolicyChange::Scheduled,
        }
    }

    /// Takes in a change; true if the policy is to be made anew.
    pub(super) fn take(
        &mut self,
        change: PolicyChange,
        core: &Core,
        generation: &Generation,
    ) -> bool {
        let config = &generation.config.policy;
        match change {
            PolicyChange::Compiled(built) => self.end_compilation(core, config, built),
            PolicyChange::Paused => {
                self.keep_pauses(core);
                true
            }
            PolicyChange::Scheduled => true,
            PolicyChange::Downloaded(end) => {
                self.end_download(config, end);
                false
            }
            PolicyChange::Requested(ListRequest::Rule(request)) => {
                self.change_rule(core, generation, request)
            }
            PolicyChange::Requested(ListRequest::Update { list, caller }) => {
                self.update(core, config, list.as_deref(), caller);
                false
            }
            PolicyChange::Requested(ListRequest::Accept { list, caller }) => {
                self.accept(config, &list, caller);
                false
            }
        }
    }

    fn end_download(&mut self, config: &PolicyConfig, end: DownloadEnd) {
        let DownloadEnd { list: id, outcome } = end;
        self.callers.iter_mut().for_each(|caller| caller.note_end(&id));
        self.counters.count(Counter::PolicyDownloads);
        let (Some(record), Some(list)) =
            (self.book.record(&id), config.list.iter().find(|list| id_of(list) == id))
        else {
            return;
        };
        let (now_s, before) = (wall_s(), record.clone());
        match outcome {
            DownloadOutcome::Unchanged => record.note_success(now_s),
            DownloadOutcome::Copied(digest, validators) => {
                record.note_copy(digest, validators);
                record.note_success(now_s);
            }
            DownloadOutcome::Failed(why, _) => {
                self.counters.count(Counter::PolicyDownloadsFailed);
                record.note_failure(&why, now_s);
            }
        }
        log_news(&list.name, &before, record);
        self.save();
    }

    /// Writes the book, and removes copies without a version.
    fn save(&self) {
        self.book.write(self.folder.as_deref());
        // A compilation reads the copies of its book.
        if self.under_way.is_none() {
            self.store.sweep(&self.book.used());
        }
    }
}

/// The downloads of a configuration.
fn downloads(config: &PolicyConfig, book: &ListBook) -> Vec<(ListDownload, DownloadTerms)> {
    let lists = config.list.iter().filter_map(|list| {
        let ListOrigin::Address(url) = list.origin() else { return None };
        let record = book.of(list)?;
        let download = ListDownload {
            list: record.id.clone(),
            url,
            form: list.form(),
            max_octets: list.max_size,
            validators: record.validators(),
        };
        Some((download, record.terms(list.refresh.into())))
    });
    lists.collect()
}

fn wall_s() -> u64 {
    SystemClock.wall_seconds()
}

/// Ends after a time, or never.
async fn after(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
