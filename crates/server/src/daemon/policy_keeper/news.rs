//! Lines of the log about lists.

use crate::policy::supply::book::ListRecord;

/// Logs what has changed for a list.
pub(super) fn log_news(name: &str, before: &ListRecord, now: &ListRecord) {
    if let Some(error) = now.error.as_ref().filter(|_| now.error != before.error) {
        let stays = if now.guard.in_force().is_some() { ": the last good copy stays" } else { "" };
        tracing::warn!("policy: list {name}: {error}{stays}");
    }
    if let Some(fault) = now.fault.as_ref().filter(|_| now.fault != before.fault) {
        tracing::warn!("policy: list {name}: the new version is not used: {fault}");
    }
    if before.error.is_some() && now.error.is_none() {
        tracing::info!("policy: list {name}: fetched again");
    }
    let surprise = |record: &ListRecord| record.guard.held().map(|held| held.surprise);
    if let (Some(held), Some(in_force)) = (now.guard.held(), now.guard.in_force())
        && surprise(before) != surprise(now)
    {
        let (from, to) = (in_force.rules, held.version.rules);
        let word = match held.left_s(held.since_s) {
            Some(_) => "comes into force in 24 hours, or",
            None => "comes into force",
        };
        let surprise = held.surprise;
        tracing::warn!(
            "policy: list {name}: {surprise}, from {from} to {to} rules: the former version stays; the new one {word} by \
             `zoners policy accept {name}`"
        );
    }
}
