//! The keys of the root zone, tracked from one rollover to the next (RFC 5011).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zoners_dns::{Name, Question, Rtype, Security, name};
use zoners_dnssec::rollover::observe;
use zoners_dnssec::verify::ValidationTime;
use zoners_resolver::Settings;

use super::overseer::Overseer;
use super::tracked_keys;
use crate::config::Config;

/// The first look at the keys comes once the start is over.
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// The shortest time until the next look, and until the next try.
const MIN_INTERVAL: Duration = Duration::from_secs(3600);
/// The longest time until the next look (RFC 5011 section 2.3).
const MAX_INTERVAL: Duration = Duration::from_secs(15 * 24 * 3600);

/// Looks at the keys of the root zone now and then, until a key changes; if configured, signals the trusted keys to
/// the root servers each time.
pub(super) fn follow(overseer: Arc<Overseer>, config: &Config) -> impl Future<Output = ()> + use<> {
    follow_in(overseer, tracked_keys::folder(config), config.dnssec.signal_anchors)
}

async fn follow_in(overseer: Arc<Overseer>, folder: Option<PathBuf>, signal: bool) {
    let Some(folder) = folder else { return std::future::pending().await };
    let mut wait = FIRST_LOOK;
    loop {
        tokio::time::sleep(wait).await;
        if signal && let Some(name) = signal_name(overseer.service().worker().settings()) {
            let question = Question::new(name, Rtype::NULL);
            // The reply carries no information.
            let _ = overseer.service().worker().resolve(&question, None).await;
        }
        match look(&overseer, &folder).await {
            Ok((true, _)) => return,
            Ok((false, next)) => wait = next,
            Err(error) => {
                tracing::warn!(
                    "trust anchor: the keys of the root zone cannot be tracked: {error}"
                );
                wait = MIN_INTERVAL;
            }
        }
    }
}

/// The name by which a resolver signals the trusted keys of the root zone (RFC 8145 section 5.1).
fn signal_name(settings: &Settings) -> Option<Name> {
    let root = settings.anchors.iter().find(|anchor| anchor.zone.is_root())?;
    let keys = root.keys.iter().map(|key| key.tag);
    let tags: BTreeSet<u16> = root.ds.iter().map(|ds| ds.key_tag).chain(keys).collect();
    let label: String = tags.iter().map(|tag| format!("-{tag:04x}")).collect();
    name::parse(&format!("_ta{label}")).ok()
}

/// Tracks the keys of the root zone: whether a key has changed, and the time until the next look.
async fn look(overseer: &Overseer, folder: &Path) -> Result<(bool, Duration), String> {
    let service = overseer.service();
    let worker = service.worker();
    let question = Question::new(name::root(), Rtype::DNSKEY);
    let answer = worker.resolve(&question, None).await.map_err(|error| error.to_string())?;
    let proven = (answer.security == Security::Secure).then(|| answer.answer.first()).flatten();
    let set = proven.ok_or("the DNSKEY RRset is not proven")?;
    let settings = worker.settings();
    let now = worker.shared().clock.wall_seconds();
    let time = ValidationTime { now: settings.validation_date.unwrap_or(now), skew: settings.skew };
    let mut tracked = tracked_keys::read(folder).unwrap_or_default();
    let before = tracked.clone();
    let roots = || settings.anchors.iter().filter(|anchor| anchor.zone.is_root());
    observe(&mut tracked, set, time, |key| {
        roots().any(|anchor| {
            anchor.keys.iter().any(|own| own.key == key.key)
                || anchor.ds.iter().any(|ds| ds.matches_key(&anchor.zone, key))
        })
    });
    let changed = tracked != before;
    if changed {
        tracked_keys::write(folder, &tracked)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        for key in &tracked {
            tracing::info!("trust anchor: key {} of the root zone: {:?}", key.key.tag, key.state);
        }
    }
    let half = Duration::from_secs(u64::from(set.ttl) / 2);
    Ok((changed, half.clamp(MIN_INTERVAL, MAX_INTERVAL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_names_the_key_tags_of_the_trust_anchors() {
        let settings = Config::default().settings().unwrap();
        assert_eq!(signal_name(&settings).unwrap().to_string(), "_ta-4f66-9728");
    }
}
