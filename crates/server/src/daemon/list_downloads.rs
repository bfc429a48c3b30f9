//! The thread that downloads lists: names are resolved and connections wait here, and no worker does.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zoners_dns::{Clock, Network, Random};
use zoners_http::TlsClient;
use zoners_net::Sockets;
use zoners_resolver::Resolver;

use crate::clock::SystemClock;
use crate::policy::supply::download::{DownloadOutcome, ListDownload};
use crate::policy::supply::schedule::{DownloadSchedule, DownloadTerms};
use crate::policy::supply::texts::TextStore;

/// Ends of downloads on the way to the main thread.
const MAX_ENDS: usize = 16;
/// The longest sleep: a jump of the clock is noticed within this time.
const MAX_SLEEP: Duration = Duration::from_secs(3600);

/// The way to the thread of the downloads, which begins with the first list.
#[derive(Debug)]
pub(super) struct ListDownloads<N: Network = Arc<Sockets>> {
    store: Arc<TextStore>,
    random: Random,
    orders: Option<mpsc::UnboundedSender<DownloadOrder<N>>>,
    ends: (mpsc::Sender<DownloadEnd>, mpsc::Receiver<DownloadEnd>),
    /// The lists of the last order.
    lists: Vec<(ListDownload, DownloadTerms)>,
    resolver: Option<Resolver<N>>,
}

/// The end of a download.
#[derive(Debug)]
pub(super) struct DownloadEnd {
    /// The identifier of the list.
    pub(super) list: String,
    pub(super) outcome: DownloadOutcome,
}

/// An order to the thread.
#[derive(Debug)]
enum DownloadOrder<N: Network> {
    /// Download these lists, and no further lists, from time to time.
    Configure(Vec<(ListDownload, DownloadTerms)>),
    /// Resolve names by this resolver. The network may have changed.
    Resolve(Resolver<N>),
    /// Download these lists now.
    Hasten(Vec<String>),
}

impl<N: Network> ListDownloads<N> {
    pub(super) fn new(store: Arc<TextStore>, random: Random) -> Self {
        let ends = mpsc::channel(MAX_ENDS);
        ListDownloads { store, random, orders: None, ends, lists: Vec::new(), resolver: None }
    }

    /// Downloads these lists, and no further lists, from time to time.
    pub(super) fn configure(&mut self, lists: Vec<(ListDownload, DownloadTerms)>) {
        let is_same = |(one, other): (&(ListDownload, _), &(ListDownload, DownloadTerms))| {
            let (one_terms, other_terms): (&DownloadTerms, _) = (&one.1, &other.1);
            one.0 == other.0 && one_terms.every_s == other_terms.every_s
        };
        if lists.len() == self.lists.len() && lists.iter().zip(&self.lists).all(is_same) {
            return;
        }
        self.lists.clone_from(&lists);
        self.order(DownloadOrder::Configure(lists));
    }

    /// Resolves names by this resolver. Lists that have failed are downloaded soon, as the network may have changed.
    pub(super) fn resolve_by(&mut self, resolver: Resolver<N>) {
        self.resolver = Some(resolver.clone());
        if self.orders.is_some() {
            self.order(DownloadOrder::Resolve(resolver));
        }
    }

    /// Downloads these lists now.
    pub(super) fn hasten(&mut self, lists: Vec<String>) {
        self.order(DownloadOrder::Hasten(lists));
    }

    /// The next end of a download. Safe to cancel and call again.
    pub(super) async fn end(&mut self) -> DownloadEnd {
        match self.ends.1.recv().await {
            Some(end) => end,
            // A sender lives here, too.
            None => std::future::pending().await,
        }
    }

    fn order(&mut self, order: DownloadOrder<N>) {
        if self.orders.is_none() {
            match self.start() {
                Ok(orders) => self.orders = Some(orders),
                Err(error) => return tracing::error!("policy: lists are not downloaded: {error}"),
            }
        }
        if let Some(orders) = &self.orders {
            // The thread ends with the daemon.
            let _ = orders.send(order);
        }
    }

    fn start(&self) -> io::Result<mpsc::UnboundedSender<DownloadOrder<N>>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (send, orders) = mpsc::unbounded_channel();
        let thread = DownloadThread {
            store: self.store.clone(),
            random: self.random.clone(),
            ends: self.ends.0.clone(),
            lists: BTreeMap::new(),
            schedule: DownloadSchedule::default(),
            resolver: self.resolver.clone(),
        };
        let run = move || runtime.block_on(thread.run(orders));
        std::thread::Builder::new().name("lists".into()).spawn(run)?;
        Ok(send)
    }
}

/// The state of the thread.
struct DownloadThread<N: Network> {
    store: Arc<TextStore>,
    random: Random,
    ends: mpsc::Sender<DownloadEnd>,
    lists: BTreeMap<String, ListDownload>,
    schedule: DownloadSchedule,
    resolver: Option<Resolver<N>>,
}

impl<N: Network> DownloadThread<N> {
    /// Downloads lists as they are due, until the daemon ends.
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<DownloadOrder<N>>) {
        let mut under_way = JoinSet::new();
        loop {
            self.begin(&mut under_way);
            let wait = self.schedule.wait_s(wall_s()).filter(|_| self.resolver.is_some());
            let wait =
                wait.map_or(MAX_SLEEP, |seconds| Duration::from_secs(seconds).min(MAX_SLEEP));
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                Some(ended) = under_way.join_next() => {
                    let Ok(end) = ended else {
                        // The panic hook has reported a panic of a download.
                        if under_way.is_empty() {
                            self.schedule.fail_all(wall_s(), self.random.bits());
                        }
                        continue;
                    };
                    if !self.note(end).await {
                        return;
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Begins the downloads that are due. The authorities of the system are read for each round, and dropped after, since
    /// they take a megabyte.
    fn begin(&mut self, under_way: &mut JoinSet<DownloadEnd>) {
        let Some(resolver) = &self.resolver else { return };
        let mut tls = None;
        for list in self.schedule.begin(wall_s()) {
            let Some(download) = self.lists.get(&list).cloned() else { continue };
            if tls.is_none() {
                tls = Some(TlsClient::with_system_roots());
            }
            let tls = match &tls {
                Some(Ok(tls)) => Some(tls.clone()),
                Some(Err(why)) => {
                    tracing::warn!("policy: lists come without TLS alone: {why}");
                    None
                }
                None => None,
            };
            let (resolver, store) = (resolver.clone(), self.store.clone());
            under_way.spawn(async move {
                let outcome = download.run(&resolver, tls.as_ref(), &store).await;
                DownloadEnd { list, outcome }
            });
        }
    }

    fn take(&mut self, order: DownloadOrder<N>) {
        let now_s = wall_s();
        match order {
            DownloadOrder::Configure(lists) => {
                let (downloads, terms): (Vec<_>, Vec<_>) = lists.into_iter().unzip();
                self.schedule.configure(terms, now_s, self.random.bits());
                self.lists = downloads
                    .into_iter()
                    .map(|download| (download.list.clone(), download))
                    .collect();
            }
            DownloadOrder::Resolve(resolver) => {
                self.resolver = Some(resolver);
                self.schedule.network_changed(now_s);
            }
            DownloadOrder::Hasten(lists) => {
                for list in lists {
                    self.schedule.hasten(Some(&list), now_s);
                }
            }
        }
    }

    /// Schedules the next download of the list, and hands the end over; false once the daemon ends.
    async fn note(&mut self, end: DownloadEnd) -> bool {
        let (is_success, wanted_s) = match &end.outcome {
            DownloadOutcome::Failed(_, wanted_s) => (false, *wanted_s),
            DownloadOutcome::Unchanged | DownloadOutcome::Copied(..) => (true, None),
        };
        self.schedule.end(&end.list, is_success, wanted_s, wall_s(), self.random.bits());
        if let (DownloadOutcome::Copied(_, validators), Some(list)) =
            (&end.outcome, self.lists.get_mut(&end.list))
        {
            list.validators.clone_from(validators);
        }
        self.ends.send(end).await.is_ok()
    }
}

fn wall_s() -> u64 {
    SystemClock.wall_seconds()
}
