//! Which keys a zone's records are held against.
//!
//! A zone is trusted if the parent is trusted and has DS records for the zone's keys; the zone counts as
//! unsigned if the parent proves that there are none. So trust is built from an anchor down, and cached:
//! proven keys as the DNSKEY RRset of the zone, and unsigned zones.

use std::sync::Arc;

use zoners_dns::{Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security, name};
use zoners_dnssec::chain::{self, Ds, UsableDs};
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::{BogusReason, algorithm};

use crate::ask::interception::{may_prove, observe_proof};
use crate::cached::store::keep_rrset;
use crate::env::environment::Env;
use crate::env::lookups::Boxed;
use crate::model::answer::{Cause, Unresolved};
use crate::model::settings::Anchor;
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::verdict::Finding;
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::{ChainOfTrust, DsAnswer, keep_unsigned};
use crate::validate::ds::ds_of;
use crate::validate::key_refresh::forget_keys_if_due;
use crate::validate::retry::{Retries, fetch_unproven};
use crate::validate::validation::bogus;
use crate::validate::verification::verify;

/// The keys against which the records of `zone` are verified.
///
/// # Errors
/// The chain of trust is broken, or cannot be followed now.
pub(crate) fn trust_of<N: Network>(
    env: &Env<N>,
    zone: &Name,
    step: &Step,
) -> Boxed<'static, Result<ZoneTrust, Unresolved>> {
    let (env, zone, step) = (env.arc(), zone.clone(), step.clone());
    Box::pin(async move {
        if let Some(trust) = known_trust(&env, &zone) {
            return Ok(trust);
        }
        let step = step.for_keys();
        let keys = Question::new(zone.clone(), Rtype::DNSKEY);
        let trusts = &env.shared().zone_keys;
        let work = |leader: Leader<_, _>| lead_trust(&env, &zone, leader);
        let on_cycle = || build_trust(&env, &zone, &step);
        let asked = (&zone, &keys);
        env.lead_or_join(trusts, &zone, asked, &step, work, on_cycle).await.result()
    })
}

async fn lead_trust<N: Network>(
    env: &Env<N>,
    zone: &Name,
    leader: Leader<Name, ZoneTrust>,
) -> Result<ZoneTrust, Unresolved> {
    let known = if leader.is_successor() { known_trust(env, zone) } else { None };
    let trust = match known {
        Some(trust) => Ok(trust),
        None => build_trust(env, zone, leader.step()).await,
    };
    leader.land(&trust);
    trust
}

fn known_trust<N: Network>(env: &Env<N>, zone: &Name) -> Option<ZoneTrust> {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    if env.is_taken_as_it_comes(zone) {
        return Some(ZoneTrust::Unsigned);
    }
    let cached = cache.rrset(zone, Rtype::DNSKEY, now)?;
    let proven = cached.security == Security::Secure;
    proven.then(|| ZoneTrust::Signed(Arc::new(chain::keys(&cached.set))))
}

/// Validates a DNSKEY RRset of the root zone by its anchor.
///
/// # Errors
/// No key matches the anchor.
pub(crate) async fn prove_root<N: Network>(
    env: &Env<N>,
    set: &RRset,
    step: &Step,
) -> Result<(), BogusReason> {
    let anchor = env.anchor_of(&name::root()).ok_or(BogusReason::NoKey)?;
    prove_keys(env, &anchor.zone, set, &KeyVouchers::by(anchor), step).await.map(drop)
}

async fn build_trust<N: Network>(
    env: &Env<N>,
    zone: &Name,
    step: &Step,
) -> Result<ZoneTrust, Unresolved> {
    let Some(anchor) = env.anchor_of(zone) else { return Ok(ZoneTrust::Unsigned) };
    may_prove(env).await?;
    if anchor.zone == *zone {
        let vouched = KeyVouchers::by(anchor);
        // An anchor without a supported algorithm is no anchor (RFC 4035 section 5.2).
        if vouched.ds.is_empty() && vouched.keys.is_empty() {
            return Ok(ZoneTrust::Unsigned);
        }
        return vouched_keys(env, zone, &vouched, step).await.map_err(Unresolved::of_zone);
    }
    match vouched_by_parent(env, zone, step).await {
        // The parent's word may be older than the keys.
        Err(bogus) if bogus.ede.code.is_bogus() && forget_keys_if_due(env, zone) => {
            vouched_by_parent(env, zone, step).await
        }
        trust => trust,
    }
}

/// The keys of `zone` that match the DS RRset of the parent.
async fn vouched_by_parent<N: Network>(
    env: &Env<N>,
    zone: &Name,
    step: &Step,
) -> Result<ZoneTrust, Unresolved> {
    let ds = match ds_of(env, zone, step).await? {
        DsAnswer::Signed(set) => set,
        DsAnswer::Unsigned => return Ok(ZoneTrust::Unsigned),
        DsAnswer::NoCut => {
            let text = format!("{} is no zone of its own", zone.fmt_with_dot());
            return Err(Unresolved::new(Cause::Bogus, text));
        }
    };
    match chain::usable_ds(&ds) {
        UsableDs::Ds(ds) => {
            let vouched = KeyVouchers { ds, keys: Vec::new() };
            vouched_keys(env, zone, &vouched, step).await.map_err(Unresolved::of_zone)
        }
        UsableDs::Unsupported(algorithm) => {
            let ede = match algorithm {
                Some(number) => Ede::new(
                    EdeCode::UNSUPPORTED_DNSKEY_ALGORITHM,
                    format!("{}: {number}", zone.fmt_with_dot()),
                ),
                None => Ede::new(EdeCode::UNSUPPORTED_DS_DIGEST, zone.fmt_with_dot().to_string()),
            };
            keep_unsigned(env, zone, Some(&ede), ds.ttl, step);
            Ok(ZoneTrust::Unsigned)
        }
    }
}

/// Fetches the keys of `zone` and validates them by `vouched`.
async fn vouched_keys<N: Network>(
    env: &Env<N>,
    zone: &Name,
    vouched: &KeyVouchers,
    step: &Step,
) -> Result<ZoneTrust, Unresolved> {
    let question = Question::new(zone.clone(), Rtype::DNSKEY);
    let mut tries = Retries::new(env, step);
    loop {
        let reply = tries.next(env, &question).await?;
        let proven = match &reply.finding {
            Finding::Records(sets) => match sets.first() {
                Some(set) => prove_keys(env, zone, set, vouched, tries.step()).await,
                None => Err(BogusReason::NoKey),
            },
            _ => Err(BogusReason::NoKey),
        };
        match proven {
            Ok(keys) => {
                if reply.authoritative {
                    observe_proof(env, reply.from);
                }
                return Ok(ZoneTrust::Signed(keys));
            }
            Err(reason) => {
                tries.failed(env, &question, reply.from, bogus(&question, reason))?;
            }
        }
    }
}

async fn prove_keys<N: Network>(
    env: &Env<N>,
    zone: &Name,
    set: &RRset,
    vouched: &KeyVouchers,
    step: &Step,
) -> Result<Arc<Vec<Dnskey>>, BogusReason> {
    let keys = chain::keys(set);
    let mut entry: Vec<Dnskey> = vouched.keys.clone();
    match chain::entry_points(zone, &vouched.ds, &keys) {
        Ok(points) => entry.extend(points),
        Err(reason) if entry.is_empty() => return Err(reason),
        Err(_) => {}
    }
    let verified = verify(env, set, zone, &entry, step).await?;
    let set = RRset { ttl: set.ttl.min(verified.ttl), ..set.clone() };
    keep_rrset(env, &set, &[], Security::Secure);
    step.trace(|| {
        let (zone, count) = (zone.fmt_with_dot(), keys.len());
        Hop::Note(format!("trust: {count} keys of {zone}, vouched for by its parent"))
    });
    Ok(Arc::new(keys))
}

/// The DS records or keys that vouch for the keys of a zone.
struct KeyVouchers {
    ds: Vec<Ds>,
    keys: Vec<Dnskey>,
}

impl KeyVouchers {
    /// The usable part of an anchor.
    fn by(anchor: &Anchor) -> Self {
        let known = |key: &&Dnskey| algorithm::is_supported(key.algorithm);
        let ds = anchor.ds.iter().filter(|ds| ds.is_supported()).cloned().collect();
        KeyVouchers { ds, keys: anchor.keys.iter().filter(known).cloned().collect() }
    }
}

impl<N: Network> ChainOfTrust for Env<N> {
    fn trust_of(&self, zone: &Name, step: &Step) -> Boxed<'static, Result<ZoneTrust, Unresolved>> {
        trust_of(self, zone, step)
    }

    fn ds_of(&self, child: &Name, step: &Step) -> Boxed<'static, Result<DsAnswer, Unresolved>> {
        ds_of(self, child, step)
    }
}

/// Fetches the keys of a signed zone at once, to be proven when the parent's keys are.
pub(crate) fn fetch_keys<N: Network>(env: &Env<N>, zone: &Name, step: &Step) {
    let (of_zone, env, step) = (trust_of(env, zone, step), env.arc(), step.for_keys());
    let keys = Question::new(zone.clone(), Rtype::DNSKEY);
    tokio::spawn(of_zone);
    tokio::spawn(async move { fetch_unproven(&env, &keys, &step).await });
}
