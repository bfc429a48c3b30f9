//! The providers of the names: a resolver without visible upstream queries is asked for the nameservers after the
//! measurement.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zoners_bench::Stop;
use zoners_bench::nameservers::provider;
use zoners_dns::Name;

use super::server::{MAX_NAMESERVER_QUESTIONS, ServerTarget};
use crate::output::eprintln;

/// Names whose nameservers are asked for; further names have no provider.
const MOST_NAMES: usize = 5_000;
/// Names under way at a time.
const AT_ONCE: usize = 8;
/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The provider of each name, empty if unknown; `rate` limits the questions per second. Ends early
/// on request.
pub(super) async fn providers(
    server: &ServerTarget,
    names: &Arc<[Name]>,
    rate: f64,
    stop: &Stop,
) -> Vec<String> {
    let seconds = |names: usize| {
        Duration::from_secs_f64((names * MAX_NAMESERVER_QUESTIONS) as f64 / rate.max(1.0))
    };
    let gap = seconds(AT_ONCE);
    let in_all = seconds(names.len().min(MOST_NAMES)).as_secs() + 1;
    eprintln!("asking who serves the names, which takes up to {in_all} s");
    let mut workers = JoinSet::new();
    for first in 0..AT_ONCE {
        let (server, names, stop) = (server.clone(), names.clone(), stop.clone());
        workers.spawn(async move {
            let mut found = Vec::new();
            for at in (first..names.len().min(MOST_NAMES)).step_by(AT_ONCE) {
                if stop.is_stopped() {
                    break;
                }
                let asked = timeout(PATIENCE, server.nameservers(&names[at]));
                let servers = asked.await.unwrap_or_default();
                found.push((at, most_common(&servers)));
                sleep(gap).await;
            }
            found
        });
    }
    let mut providers = vec![String::new(); names.len()];
    for (at, provider) in workers.join_all().await.into_iter().flatten() {
        providers[at] = provider;
    }
    providers
}

/// The most frequent provider of `servers`, the first of several.
fn most_common(servers: &[Name]) -> String {
    let mut of: Vec<String> = servers
        .iter()
        .map(|server| provider(&server.to_string().to_ascii_lowercase()).to_owned())
        .collect();
    of.sort_unstable();
    let groups = of.chunk_by(|one, other| one == other);
    let most = groups.rev().max_by_key(|group| group.len());
    most.and_then(|group| group.first().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    #[test]
    fn the_provider_of_most_servers_is_taken() {
        let servers = |names: &[&str]| {
            let names: Vec<Name> = names.iter().filter_map(|name| name::parse(name).ok()).collect();
            most_common(&names)
        };
        assert_eq!(servers(&["ns1.b.test", "ns2.B.test", "ns1.a.test"]), "b.test");
        assert_eq!(servers(&["ns1.b.test", "ns1.a.test"]), "a.test");
        assert_eq!(servers(&[]), "");
    }
}
