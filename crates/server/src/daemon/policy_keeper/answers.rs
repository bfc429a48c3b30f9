//! Requests of people about lists.

use super::PolicyKeeper;
use crate::config::{ListOrigin, PolicyConfig, PolicyListConfig};
use crate::daemon::generation::Core;
use crate::daemon::list_requests::{ListCaller, ListRequest};
use crate::policy::supply::book::id_of;

impl PolicyKeeper {
    /// Begins what a person asks for.
    pub(super) fn answer(&mut self, core: &Core, config: &PolicyConfig, request: ListRequest) {
        let find = |name: &str| {
            let found = config.list.iter().find(|list| list.name == name);
            found.ok_or_else(|| {
                let known: Vec<&str> = config.list.iter().map(|list| &*list.name).collect();
                format!("there is no list {name:?}; there are {}", known.join(", "))
            })
        };
        match request {
            ListRequest::Update { list, caller } => {
                let lists = match list.as_deref().map(find).transpose() {
                    Ok(None) => config.list.iter().collect(),
                    Ok(Some(list)) => vec![list],
                    // A caller that went away needs no reply.
                    Err(why) => return drop(caller.send(Err(why))),
                };
                for list in &lists {
                    // The primary is asked soon, and a new version comes by itself.
                    list.zone.iter().for_each(|apex| core.notify_inbox.ring(apex));
                }
                let is_address =
                    |list: &&PolicyListConfig| matches!(list.origin(), ListOrigin::Address(_));
                let ids: Vec<String> = lists.into_iter().filter(is_address).map(id_of).collect();
                if !ids.is_empty() {
                    self.downloads.hasten(ids.clone());
                }
                self.callers.push(ListCaller::new(ids, caller));
            }
            ListRequest::Accept { list, caller } => {
                let accepted = find(&list).and_then(|found| {
                    let record = self.book.record(&id_of(found));
                    let is_waiting = record.is_some_and(|record| record.guard.accept());
                    is_waiting
                        .then_some(())
                        .ok_or_else(|| format!("no version of list {list} waits"))
                });
                if let Err(why) = accepted {
                    return drop(caller.send(Err(why)));
                }
                tracing::info!("policy: list {list}: the version that waited is accepted");
                self.save();
                self.callers.push(ListCaller::new(Vec::new(), caller));
            }
        }
    }

    /// Answers callers after their downloads and the compilation.
    pub(super) fn answer_callers(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        for caller in self.callers.extract_if(.., |caller| caller.is_done()) {
            caller.answer();
        }
    }
}
