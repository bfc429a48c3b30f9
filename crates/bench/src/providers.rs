//! The providers of the names: the operators of their nameservers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::baseline::SavedRun;
use crate::figures::Summary;
use crate::nameservers::{Nameserver, provider};
use crate::sample::Sample;
use crate::statistics::{quantile, weighted_median};
use crate::target::{Came, Part};
use crate::time_parts::stretches;

/// A provider, and the results of the queries to its nameservers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// The domain of its nameservers.
    pub name: String,
    /// Nameservers of the provider that were asked.
    pub servers: usize,
    /// Names of the list that the provider serves.
    pub domains: usize,
    /// Queries sent to its servers.
    pub asked: usize,
    /// Queries that were answered.
    pub answered: usize,
    /// Queries that timed out.
    pub lost: usize,
    /// The median RTT to its servers, in milliseconds, weighted by the number of replies.
    pub rtt_ms: Option<f64>,
    /// The time that first asks waited for the provider in total, in milliseconds; 0 where the
    /// trace shows no hops.
    pub waited_ms: f64,
    /// The median time of the first asks of its names, in milliseconds, without failures.
    pub cold_ms: Option<f64>,
}

/// The provider of each name of the list, as far as the hops of `samples` show; empty where
/// unknown.
#[must_use]
pub fn of_names<'a>(
    names: usize,
    samples: impl Iterator<Item = &'a Sample>,
    met: &[Nameserver],
) -> Vec<String> {
    let owner: BTreeMap<&str, &str> =
        met.iter().map(|server| (server.address.as_str(), server.provider())).collect();
    let mut of_names = vec![String::new(); names];
    for sample in samples {
        let answers = sample.hops.iter().filter(|hop| hop.came == Came::Answer);
        let from_it = answers.filter(|hop| hop.part == Part::Provider);
        let last = from_it.max_by_key(|hop| hop.until_us);
        if let Some(hop) = last
            && let Some(own) = of_names.get_mut(sample.name as usize)
        {
            let by_address =
                owner.get(hop.address.as_str()).copied().filter(|name| !name.is_empty());
            by_address.unwrap_or_else(|| provider(&hop.server)).clone_into(own);
        }
    }
    of_names
}

/// The providers of the names that `target` was asked for, the longest waits first.
#[must_use]
pub fn of_target(record: &SavedRun, target: u16, summary: &Summary) -> Vec<Provider> {
    let met = record.nameservers.get(usize::from(target)).map_or(&[][..], Vec::as_slice);
    let mut providers = BTreeMap::<&str, Provider>::new();
    let mut rtts = BTreeMap::<&str, Vec<(f64, usize)>>::new();
    let mut owners = BTreeMap::<&str, &str>::new();
    for server in met {
        owners.insert(&server.address, server.provider());
        let provider = providers.entry(server.provider()).or_default();
        provider.servers += 1;
        provider.asked += server.asked;
        provider.answered += server.answered;
        provider.lost += server.lost;
        let rtt = server.p50_ms.map(|rtt| (rtt, server.answered));
        rtts.entry(server.provider()).or_default().extend(rtt);
    }
    let mut colds = BTreeMap::<&str, Vec<f64>>::new();
    for domain in &summary.domains {
        let Some(name) = record.providers.get(domain.name as usize) else { continue };
        if domain.cold.count > 0 && !name.is_empty() {
            providers.entry(name).or_default().domains += 1;
            let good = (domain.cold.failed == 0).then_some(domain.cold.mean);
            colds.entry(name).or_default().extend(good);
        }
    }
    for sample in record.first_asks(target) {
        for stretch in stretches(sample) {
            let Some(hop) = stretch.hop.map(|at| &sample.hops[at]) else { continue };
            let Some(owner) = owners.get(hop.address.as_str()) else { continue };
            if let Some(provider) = providers.get_mut(owner) {
                provider.waited_ms += (stretch.until_us - stretch.from_us) as f64 / 1000.0;
            }
        }
    }
    let finish = |(name, provider): (&str, Provider)| Provider {
        name: name.to_owned(),
        rtt_ms: rtts.get_mut(name).and_then(|rtts| weighted_median(rtts)),
        cold_ms: colds.get_mut(name).filter(|millis| !millis.is_empty()).map(|millis| {
            millis.sort_unstable_by(f64::total_cmp);
            quantile(millis, 0.5)
        }),
        ..provider
    };
    let mut providers: Vec<Provider> =
        providers.into_iter().filter(|(name, _)| !name.is_empty()).map(finish).collect();
    providers.sort_by(|one, other| other.waited_ms.total_cmp(&one.waited_ms));
    providers
}
