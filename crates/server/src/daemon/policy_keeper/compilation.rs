//! The compilation of lists, on a thread of its own.

use tokio::sync::oneshot;
use zoners_dns::Counter;
use zoners_host::background;

use super::news::log_news;
use super::{CompilationEnd, PolicyKeeper, wall_s};
use crate::config::{ListOrigin, PolicyConfig};
use crate::daemon::generation::Core;
use crate::policy::build::{self, BuiltPolicy, PolicyBuild};
use crate::policy::supply::book::{ListRecord, id_of};

impl PolicyKeeper {
    /// Compiles the lists, if there is news and no compilation is under way.
    pub(super) fn compile_news(&mut self, core: &Core, config: &PolicyConfig) {
        if config.list.is_empty() || self.under_way.is_some() {
            return;
        }
        let now_s = wall_s();
        let has_other_texts = self.sources != Some(build::digest(config, &self.book));
        let zones = &core.transferred;
        let work = build::work(config, &self.book, zones, now_s);
        let has_news = build::has_news(config, &self.book, zones, now_s);
        if !(has_news || has_other_texts && self.has_texts(config)) || self.work == Some(work) {
            return;
        }
        let random = &core.shared.random;
        let key = [random.bits(), random.bits()];
        let (folder, store) = (self.folder.clone(), self.store.clone());
        let (config, book, zones) = (config.clone(), self.book.clone(), zones.clone());
        let (send, done) = oneshot::channel();
        let compile = move || {
            background::begin();
            let folder = folder.as_deref();
            let (config, store, zones) = (&config, &store, &zones);
            let build = PolicyBuild { config, folder, store, zones, key, now_s };
            // The daemon may have ended.
            let _ = send.send(build.run(book).map(Box::new));
        };
        match std::thread::Builder::new().name("policy".into()).spawn(compile) {
            Ok(_) => {
                (self.under_way, self.work) = (Some(done), Some(work));
                self.counters.count(Counter::PolicyCompilations);
            }
            Err(error) => tracing::error!("policy: the system gives no thread: {error}"),
        }
    }

    /// Whether there is a text to be compiled, or a policy whose texts are gone from the configuration.
    fn has_texts(&self, config: &PolicyConfig) -> bool {
        let now_s = wall_s();
        let is_had = |record: &ListRecord| record.wanted(now_s).is_some();
        let had = config.list.iter().any(|list| self.book.of(list).is_some_and(is_had));
        had || self.shelf.has_policy()
            || self.work.is_none()
                && config.list.iter().any(|list| matches!(list.origin(), ListOrigin::File(_)))
    }

    /// Takes a compiled policy; false if the lists in force stay.
    pub(super) fn end_compilation(
        &mut self,
        core: &Core,
        config: &PolicyConfig,
        built: CompilationEnd,
    ) -> bool {
        let BuiltPolicy { compiled, sources, mut book, remarks } = match built {
            Ok(built) => *built,
            Err(why) => {
                tracing::error!("policy: {why}");
                self.fetch_lost_copies();
                return false;
            }
        };
        for list in &config.list {
            let id = id_of(list);
            let (Some(record), Some(decided)) = (self.book.record(&id), book.record(&id)) else {
                continue;
            };
            let before = record.clone();
            record.take_decisions(decided.clone(), &list.origin());
            log_news(&list.name, &before, record);
        }
        self.save();
        remarks.iter().for_each(|remark| tracing::warn!("policy: {remark}"));
        if self.sources.replace(sources) == Some(sources) {
            return false;
        }
        let rules: u64 = compiled.lists().iter().map(|list| u64::from(list.rules)).sum();
        tracing::info!("policy: lists in force: {}, rules: {rules}", compiled.lists().len());
        core.policies.put(compiled);
        true
    }

    /// Downloads lists again whose copies are gone, as after a hand has cleaned the state folder.
    fn fetch_lost_copies(&mut self) {
        let mut lost = Vec::new();
        for record in self.book.records_mut() {
            let had = record.newest.is_some();
            record.forget_lost_copies(&self.store);
            lost.extend((had && record.newest.is_none()).then(|| record.id.clone()));
        }
        if !lost.is_empty() {
            self.downloads.hasten(lost);
        }
    }
}

/// Ends with the compilation under way. Safe to cancel and call again.
pub(super) async fn end(
    under_way: &mut Option<oneshot::Receiver<CompilationEnd>>,
) -> CompilationEnd {
    let Some(receiver) = under_way else { return std::future::pending().await };
    let built = receiver.await;
    *under_way = None;
    built.unwrap_or_else(|_| Err("the thread that compiled the lists ended".to_owned()))
}
