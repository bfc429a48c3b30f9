//! Which keys a zone's records are held against.
//!
//! A zone is trusted if its parent, whom we trust, has DS records for its keys; it is as good as
//! unsigned if the parent proves that it has none. So trust is built from an anchor down, and
//! remembered: proven keys as the zone's DNSKEY RRset, the others as unsigned zones.

use std::pin::Pin;
use std::sync::Arc;

use zoners_cache::InsecureZone;
use zoners_dns::{Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::algorithm;
use zoners_dnssec::chain::{self, Ds, UsableDs};
use zoners_dnssec::dnskey::Dnskey;

use crate::env::single_flight::Turn;
use crate::env::worker::Worker;
use crate::model::answer::{Cause, Unresolved};
use crate::model::context::Context;
use crate::model::settings::Anchor;
use crate::model::trace::Hop;
use crate::model::verdict::{Finding, Reply};
use crate::validate::ds::DsAnswer;
use crate::validate::retry::Tries;
use crate::validate::validation::bogus;

/// What a zone's records are held against.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// These keys.
    Signed(Arc<Vec<Dnskey>>),
    /// Nothing: the zone is as good as unsigned.
    Unsigned,
}

/// The outcome of what leads back to itself, label by label.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Unresolved>> + Send>>;

impl<N: Network> Worker<N> {
    /// What the records of `zone`, the apex of a zone, are held against.
    ///
    /// # Errors
    /// The chain of trust is broken, or cannot be followed now.
    pub(crate) fn trust(&self, zone: &Name, context: &Context) -> Boxed<Trust> {
        let (worker, zone, context) = (self.arc(), zone.clone(), context.clone());
        Box::pin(async move {
            if let Some(trust) = worker.known_trust(&zone) {
                return Ok(trust);
            }
            let context = context.avoiding_nobody();
            let keys = Question::new(zone.clone(), Rtype::DNSKEY);
            let trusts = &worker.shared().trusts;
            match worker.take_turn(trusts, &zone, (&zone, &keys), &context).await {
                Turn::First(lead) => {
                    let trust = worker.build_trust(&zone, &context.leading(lead.id())).await;
                    lead.tell(&trust, &context);
                    trust
                }
                Turn::Next(lead) => {
                    let trust = match worker.known_trust(&zone) {
                        Some(trust) => Ok(trust),
                        None => worker.build_trust(&zone, &context.leading(lead.id())).await,
                    };
                    lead.tell(&trust, &context);
                    trust
                }
                Turn::Told(trust) => trust,
                Turn::Alone => worker.build_trust(&zone, &context).await,
            }
        })
    }

    /// The deepest anchor at or above `name`; none where nothing is to be proven.
    pub(crate) fn anchor_of(&self, name: &Name) -> Option<&Anchor> {
        let settings = self.settings();
        let above = settings.anchors.iter().filter(|anchor| name::is_within(name, &anchor.zone));
        let anchor = above.max_by_key(|anchor| name::depth(&anchor.zone))?;
        let excepted = settings.negative_anchors.iter().any(|zone| {
            name::is_within(name, zone) && name::depth(zone) >= name::depth(&anchor.zone)
        });
        let depth = name::depth(&anchor.zone);
        let excepted =
            excepted || self.shared().negative_anchors.cover(name, depth, self.shared().now());
        let sets_clock = self.shared().clock_doubt.wrong_by().is_some()
            && settings.time_servers.iter().any(|server| name::is_within(name, server));
        (!excepted && !sets_clock).then_some(anchor)
    }

    /// What is known of the unsigned zone that `name` lies in, below the closest anchor: what lies
    /// above an anchor has no say in what is signed below it.
    pub(crate) fn known_unsigned(&self, name: &Name) -> Option<InsecureZone> {
        self.unsigned_below(self.anchor_of(name)?, name)
    }

    fn unsigned_below(&self, anchor: &Anchor, name: &Name) -> Option<InsecureZone> {
        let shared = self.shared();
        shared.cache.insecure_zone(name, name::depth(&anchor.zone), shared.now())
    }

    /// Whether nothing at `name` is to be proven: no anchor counts for it, or it is known to lie in a
    /// zone that is as good as unsigned.
    pub(crate) fn is_taken_as_it_comes(&self, name: &Name) -> bool {
        self.anchor_of(name).is_none_or(|anchor| self.unsigned_below(anchor, name).is_some())
    }

    fn known_trust(&self, zone: &Name) -> Option<Trust> {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        if self.is_taken_as_it_comes(zone) {
            return Some(Trust::Unsigned);
        }
        let cached = cache.rrset(zone, Rtype::DNSKEY, now)?;
        let proven = cached.security == Security::Secure;
        proven.then(|| Trust::Signed(Arc::new(chain::keys(&cached.set))))
    }

    /// Whether an anchor of the configuration tells the keys of the root zone.
    pub(crate) fn has_root_anchor(&self) -> bool {
        self.anchor_of(&name::root()).is_some()
    }

    /// Proves a DNSKEY RRset of the root zone by its anchor.
    ///
    /// # Errors
    /// It is none of its keys.
    pub(crate) async fn prove_root(
        &self,
        set: &RRset,
        context: &Context,
    ) -> Result<(), BogusReason> {
        let anchor = self.anchor_of(&name::root()).ok_or(BogusReason::NoKey)?;
        self.prove_keys(&anchor.zone, set, &Vouched::by(anchor), context).await.map(drop)
    }

    async fn build_trust(&self, zone: &Name, context: &Context) -> Result<Trust, Unresolved> {
        let Some(anchor) = self.anchor_of(zone) else { return Ok(Trust::Unsigned) };
        self.may_prove().await?;
        if anchor.zone == *zone {
            let vouched = Vouched::by(anchor);
            // An anchor that cannot be checked anchors nothing (RFC 4035 section 5.2).
            if vouched.ds.is_empty() && vouched.keys.is_empty() {
                return Ok(Trust::Unsigned);
            }
            return self.vouched_keys(zone, &vouched, context).await.map_err(Unresolved::of_zone);
        }
        match self.vouched_by_parent(zone, context).await {
            // The parent's word may be older than the keys.
            Err(bogus) if bogus.ede.code.is_bogus() && self.forgets_keys(zone) => {
                self.vouched_by_parent(zone, context).await
            }
            trust => trust,
        }
    }

    /// The keys of `zone` that match the DS RRset of the parent.
    async fn vouched_by_parent(&self, zone: &Name, context: &Context) -> Result<Trust, Unresolved> {
        let ds = match self.ds(zone, context).await? {
            DsAnswer::Signed(set) => set,
            DsAnswer::Unsigned => return Ok(Trust::Unsigned),
            DsAnswer::NoCut => {
                let text = format!("{} is no zone of its own", zone.fmt_with_dot());
                return Err(Unresolved::new(Cause::Bogus, text));
            }
        };
        match chain::usable_ds(&ds) {
            UsableDs::Ds(ds) => {
                let vouched = Vouched { ds, keys: Vec::new() };
                self.vouched_keys(zone, &vouched, context).await.map_err(Unresolved::of_zone)
            }
            UsableDs::Unsupported(algorithm) => {
                let ede = match algorithm {
                    Some(number) => {
                        Ede::new(EdeCode(1), format!("{}: {number}", zone.fmt_with_dot()))
                    }
                    None => Ede::new(EdeCode(2), zone.fmt_with_dot().to_string()),
                };
                self.found_unsigned(zone, Some(&ede), ds.ttl, context);
                Ok(Trust::Unsigned)
            }
        }
    }

    /// Notes that `zone` is as good as unsigned.
    pub(crate) fn found_unsigned(
        &self,
        zone: &Name,
        ede: Option<&Ede>,
        ttl: u32,
        context: &Context,
    ) {
        let shared = self.shared();
        shared.cache.insert_insecure_zone(zone, ede, ttl, shared.now());
        context.trace(|| {
            let why = ede.map_or_else(String::new, |ede| format!(" ({ede})"));
            Hop::Note(format!("trust: {} is unsigned{why}", zone.fmt_with_dot()))
        });
    }

    /// Fetches the keys of `zone` and proves them by what is `vouched` for.
    async fn vouched_keys(
        &self,
        zone: &Name,
        vouched: &Vouched,
        context: &Context,
    ) -> Result<Trust, Unresolved> {
        let question = Question::new(zone.clone(), Rtype::DNSKEY);
        let mut tries = Tries::new(self, context);
        loop {
            let reply = tries.next(self, &question).await?;
            let proven = match &reply.finding {
                Finding::Records(sets) => match sets.first() {
                    Some(set) => self.prove_keys(zone, set, vouched, tries.context()).await,
                    None => Err(BogusReason::NoKey),
                },
                _ => Err(BogusReason::NoKey),
            };
            match proven {
                Ok(keys) => {
                    if reply.authoritative {
                        self.hear_proof(reply.from);
                    }
                    return Ok(Trust::Signed(keys));
                }
                Err(reason) => {
                    tries.failed(self, &question, reply.from, bogus(&question, reason))?;
                }
            }
        }
    }

    async fn prove_keys(
        &self,
        zone: &Name,
        set: &RRset,
        vouched: &Vouched,
        context: &Context,
    ) -> Result<Arc<Vec<Dnskey>>, BogusReason> {
        let keys = chain::keys(set);
        let mut entry: Vec<Dnskey> = vouched.keys.clone();
        match chain::entry_points(zone, &vouched.ds, &keys) {
            Ok(points) => entry.extend(points),
            Err(reason) if entry.is_empty() => return Err(reason),
            Err(_) => {}
        }
        let verified = self.verify(set, zone, &entry, context).await?;
        let set = RRset { ttl: set.ttl.min(verified.ttl), ..set.clone() };
        self.keep(&set, &[], Security::Secure);
        context.trace(|| {
            let (zone, count) = (zone.fmt_with_dot(), keys.len());
            Hop::Note(format!("trust: {count} keys of {zone}, vouched for by its parent"))
        });
        Ok(Arc::new(keys))
    }

    /// What is known of a question, or what servers say of it, as it comes.
    pub(crate) async fn raw(
        &self,
        question: &Question,
        context: &Context,
    ) -> Result<Reply, Unresolved> {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        if context.avoided().is_empty()
            && let Some(reply) = self.sought(&question.name, question.rtype).known(cache, now)
        {
            return Ok(reply);
        }
        Ok(*Box::pin(self.iterate(question, context)).await?)
    }
}

/// What vouches for the keys of a zone.
struct Vouched {
    ds: Vec<Ds>,
    keys: Vec<Dnskey>,
}

impl Vouched {
    /// What of an anchor can be checked.
    fn by(anchor: &Anchor) -> Self {
        let known = |key: &&Dnskey| algorithm::is_supported(key.algorithm);
        let ds = anchor.ds.iter().filter(|ds| ds.is_supported()).cloned().collect();
        Vouched { ds, keys: anchor.keys.iter().filter(known).cloned().collect() }
    }
}
