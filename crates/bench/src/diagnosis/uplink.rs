//! An uplink that loses packets, or with a high RTT to every server.

use std::collections::BTreeMap;

use super::{Diagnosis, ENOUGH_QUERIES, LOSSY, Suspect, TargetRun};
use crate::nameservers::Nameserver;
use crate::statistics::quantile;

/// RTT to the nearest servers, in milliseconds, above which the uplink itself is slow.
const FAR: f64 = 100.0;

/// Loss: of the uplink if every provider loses packets, of a provider if only that provider does.
pub(super) fn lost(now: &TargetRun) -> Vec<Diagnosis> {
    let judged = |server: &&Nameserver| server.is_alive();
    let waited_for = |server: &Nameserver| server.answered + server.lost;
    let alive = || now.nameservers.iter().filter(judged);
    let asked: usize = alive().map(waited_for).sum();
    let lost: usize = alive().map(|server| server.lost).sum();
    let share = lost as f64 / asked.max(1) as f64;
    if asked < ENOUGH_QUERIES || share < LOSSY {
        return Vec::new();
    }
    let mut by_provider = BTreeMap::<&str, (usize, usize)>::new();
    for server in alive() {
        let (asked, lost) = by_provider.entry(server.provider()).or_default();
        *asked += waited_for(server);
        *lost += server.lost;
    }
    let mut by_provider: Vec<(&str, usize, usize)> =
        by_provider.into_iter().map(|(name, (asked, lost))| (name, asked, lost)).collect();
    by_provider.sort_by_key(|(_, _, lost)| std::cmp::Reverse(*lost));
    let losing = by_provider.iter().filter(|(_, _, lost)| *lost > 0).count();
    let percent = share * 100.0;
    match by_provider.first() {
        Some((name, of, most)) if 2 * most > lost && by_provider.len() > 1 => vec![Diagnosis {
            suspect: Suspect::Provider((*name).to_owned()),
            says: format!("{name} loses packets: {most} of {of} queries to it were lost."),
            evidence: vec![format!(
                "Of {} queries to {} other providers, {} were lost.",
                asked - of,
                by_provider.len() - 1,
                lost - most
            )],
        }],
        _ => vec![Diagnosis {
            suspect: Suspect::Uplink,
            says: format!(
                "The uplink loses packets: {percent:.1} % of the queries to nameservers."
            ),
            evidence: vec![format!(
                "{lost} of {asked} queries to servers that otherwise answer were lost, on the way to \
                 {losing} of {} providers; no provider has most of the losses.",
                by_provider.len()
            )],
        }],
    }
}

/// An uplink on which every server is far.
pub(super) fn far(now: &TargetRun) -> Option<Diagnosis> {
    let mut least: Vec<f64> = now.nameservers.iter().filter_map(|server| server.least_ms).collect();
    least.sort_unstable_by(f64::total_cmp);
    let near = quantile(&least, 0.1);
    if least.len() < 10 || near < FAR {
        return None;
    }
    let mut evidence =
        vec![format!("Of {} nameservers, the nearest tenth are {near:.0} ms away.", least.len())];
    evidence
        .extend(now.gateway_ms.map(|gateway| format!("The first router is {gateway:.1} ms away.")));
    let says = format!("The uplink is slow: no nameserver is nearer than {:.0} ms.", least[0]);
    Some(Diagnosis { suspect: Suspect::Uplink, says, evidence })
}
