//! The worst names, providers and servers of a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use zoners_api::{
    HistoryFill, TroubleCause, TroubleEntry, TroubleReport, VerdictCause, VerdictReport,
};
use zoners_dns::{Name, Rtype};

use crate::record::ResolutionRecord;
use crate::report::millis;
use crate::surroundings::{SURROUNDING_SECONDS, Surroundings};
use crate::verdict::judge;

/// An answer is slow from this time on.
const SLOW: Duration = Duration::from_millis(250);
/// Entries of each list.
const MAX_ENTRIES: usize = 10;
/// Records of a stretch of this many seconds share their surroundings.
const STRETCH_SECONDS: u64 = SURROUNDING_SECONDS;

/// Which questions are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Questions with a late answer.
    Slow,
    /// Questions without an answer.
    Failed,
}

impl TroubleKind {
    fn has_hurt(self, record: &ResolutionRecord) -> bool {
        match self {
            TroubleKind::Slow => !record.has_failed() && record.took >= SLOW,
            TroubleKind::Failed => record.has_failed(),
        }
    }
}

/// The questions that a name, a provider or a server has hurt.
#[derive(Default)]
struct Hurt {
    questions: u64,
    clients: BTreeSet<IpAddr>,
    worst: Duration,
    verdict: Option<VerdictReport>,
}

impl Hurt {
    fn add(&mut self, record: &ResolutionRecord, verdict: &VerdictReport) {
        self.questions += 1;
        self.clients.insert(record.client);
        if self.verdict.is_none() || record.took > self.worst {
            self.worst = record.took;
            self.verdict = Some(verdict.clone());
        }
    }

    fn entry(self, name: String) -> TroubleEntry {
        let (cause, text) = match self.verdict {
            Some(verdict) => (verdict.cause, verdict.text),
            None => (VerdictCause::Unknown, String::new()),
        };
        TroubleEntry {
            name,
            questions: self.questions,
            clients: self.clients.len() as u64,
            worst_ms: millis(self.worst),
            cause,
            text,
        }
    }
}

type HurtByName = BTreeMap<String, Hurt>;

/// The worst of these records, which come from the last `seconds`, in any order.
#[must_use]
pub fn ranking(
    records: &[ResolutionRecord],
    trouble: TroubleKind,
    seconds: u64,
    history: HistoryFill,
) -> TroubleReport {
    let (mut names, mut providers, mut servers) =
        (HurtByName::new(), HurtByName::new(), HurtByName::new());
    let mut causes = BTreeMap::<VerdictCause, u64>::new();
    let mut clients = BTreeSet::new();
    let mut count = 0;
    for (record, verdict) in judged(records, trouble) {
        count += 1;
        clients.insert(record.client);
        *causes.entry(verdict.cause).or_default() += 1;
        let name = record.name.fmt_with_dot().to_string();
        names.entry(name).or_default().add(record, &verdict);
        if let Some(accused) = &verdict.accused {
            providers.entry(accused.clone()).or_default().add(record, &verdict);
        }
        for server in useless_servers(record) {
            servers.entry(server).or_default().add(record, &verdict);
        }
    }
    let causes = causes.into_iter().map(|(cause, questions)| TroubleCause { cause, questions });
    let mut causes: Vec<TroubleCause> = causes.collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.questions));
    TroubleReport {
        failures: trouble == TroubleKind::Failed,
        seconds,
        questions: records.iter().filter(|record| !record.is_plain_hit()).count() as u64,
        hurt: count,
        clients: clients.len() as u64,
        names: worst(names),
        providers: worst(providers),
        servers: worst(servers),
        causes,
        history,
    }
}

/// The hurt records with their verdicts. Records of a stretch of time share their surroundings.
fn judged(
    records: &[ResolutionRecord],
    trouble: TroubleKind,
) -> Vec<(&ResolutionRecord, VerdictReport)> {
    let mut stretches = BTreeMap::<u64, Vec<&ResolutionRecord>>::new();
    for record in records {
        stretches.entry(record.received_s / STRETCH_SECONDS).or_default().push(record);
    }
    stretches.values_mut().for_each(|records| records.sort_by_key(|record| record.received_s));
    let mut judged = Vec::new();
    let mut known = HashMap::<(&Name, Rtype), VerdictReport>::new();
    for (at, records) in &stretches {
        let hurt: Vec<&&ResolutionRecord> =
            records.iter().filter(|record| trouble.has_hurt(record)).collect();
        if hurt.is_empty() {
            continue;
        }
        let near = at.saturating_sub(1)..=at + 1;
        let near = stretches.range(near).flat_map(|(_, records)| records.iter().copied());
        let around = Surroundings::of(near);
        for record in hurt {
            let key = (&record.name, record.rtype);
            // A remembered failure has the cause of the failure that is remembered.
            let earlier = known.get(&key).filter(|_| !record.has_asked()).cloned();
            let verdict = earlier.unwrap_or_else(|| judge(record, &around));
            if record.has_asked() {
                known.insert(key, verdict.clone());
            }
            judged.push((*record, verdict));
        }
    }
    judged
}

/// The servers without a useful reply, by name and address.
fn useless_servers(record: &ResolutionRecord) -> BTreeSet<String> {
    let asked = record.hops.iter().filter_map(|hop| hop.asked());
    let useless = asked.filter(|(_, end)| end.is_faulty() || end.is_silent());
    let text = |(server, _): (&crate::ServerRecord, _)| match server.name.is_root() {
        true => server.address.ip().to_string(),
        false => format!("{} {}", server.name, server.address.ip()),
    };
    useless.map(text).collect()
}

/// The entries that hurt most.
fn worst(hurt: HurtByName) -> Vec<TroubleEntry> {
    let mut entries: Vec<TroubleEntry> =
        hurt.into_iter().map(|(name, hurt)| hurt.entry(name)).collect();
    entries.sort_by(|one, other| {
        (other.questions, other.worst_ms)
            .partial_cmp(&(one.questions, one.worst_ms))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    entries.truncate(MAX_ENTRIES);
    entries
}

#[cfg(test)]
mod tests;
