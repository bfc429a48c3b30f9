//! How this network lets DNS to foreign servers pass.
//!
//! A captive portal or an intercepting resolver answers in the name of every server: with RA and without
//! AA, since it recurses or makes answers up. Other networks answer REFUSED, send ICMP errors, or drop
//! queries. A single server with this behaviour is lame or dead. If several places do, a probe of the root
//! servers finds out.
//!
//! A network has to prove itself: from its first reply on, learned entries are quarantined
//! (`Cache::begin_doubt`) until an authoritative reply is proven by signatures. Quarantined entries
//! are discarded if the network turns out to intercept DNS, or is left without a proof.
//!
//! Replies of configured stubs and forwarders are no evidence here, and neither are those of the
//! local network.

pub(crate) mod evidence;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use zoners_dns::{EdeCode, Moment};

use crate::model::answer::{Cause, Unresolved};

/// Places with hearsay or bogus answers, without a proper reply in between, after which the network
/// is probed. A single root or top-level server suffices.
const FEW_STRANGE: usize = 2;
/// Consecutive places without a useful reply …
const FEW_FAILED: usize = 3;
/// … over this time, if they are merely silent: elsewhere the first reply may be on its way.
const SILENT_FOR: Duration = Duration::from_millis(800);
/// The most places recorded of each kind.
const MOST_PLACES: usize = 8;
/// The interval of probes on a network that blocks DNS, while clients ask …
pub(crate) const EVERY: Duration = Duration::from_secs(1);
/// … on any other network …
const EVERY_IF_OPEN: Duration = Duration::from_secs(2);
/// … and after a proper reply of a server behind an obstacle.
const AT_ONCE: Duration = Duration::from_millis(100);
/// A network that has not proven itself for this time, since no signed name was asked, is probed.
const UNPROVEN_FOR: Duration = Duration::from_secs(10);
/// Silence on a network where servers have replied is an outage, unless it lasts longer than this.
pub(crate) const OUTAGE: Duration = Duration::from_secs(60);

/// The obstacle between this machine and foreign servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A resolver answers in their place.
    Intercepted {
        /// Whether DNSSEC records pass, so that signed names can be proven.
        proves: bool,
    },
    /// Each server answers REFUSED or with a different failure.
    Refused,
    /// The network sends ICMP errors: port closed or host unreachable.
    Rejected,
    /// Nothing comes back.
    Silent,
}

impl Obstacle {
    /// The text for people.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Obstacle::Intercepted { proves: true } => "DNS on this network is intercepted",
            Obstacle::Intercepted { proves: false } => {
                "DNS on this network is intercepted, and nothing that is signed can be proven"
            }
            Obstacle::Refused => "this network refuses DNS to foreign servers",
            Obstacle::Rejected => {
                "this network rejects DNS to foreign servers, or has no way to them"
            }
            Obstacle::Silent => {
                "no foreign server answers: this network blocks DNS, or its uplink is down"
            }
        }
    }

    /// Whether no question to foreign servers is answered.
    #[must_use]
    pub fn is_closed(self) -> bool {
        !matches!(self, Obstacle::Intercepted { .. })
    }

    fn code(self) -> EdeCode {
        match self {
            Obstacle::Intercepted { .. } => EdeCode::DNSKEY_MISSING,
            Obstacle::Refused | Obstacle::Rejected => EdeCode::NETWORK_ERROR,
            Obstacle::Silent => EdeCode::NO_REACHABLE_AUTHORITY,
        }
    }
}

impl Obstacle {
    pub(crate) fn unresolved(self) -> Unresolved {
        let cause = if self.is_closed() { Cause::Silent } else { Cause::BogusZone };
        Unresolved::new(cause, self.says()).with_code(self.code())
    }

    /// The same failure, which tells of the obstacle first.
    pub(crate) fn explains(self, failed: Unresolved) -> Unresolved {
        let Unresolved { cause, mut ede } = failed;
        if !ede.text.starts_with(self.says()) {
            ede.text = format!("{}; {}", self.says(), ede.text);
        }
        Unresolved { cause, ede }
    }
}

/// The state of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkState {
    /// No foreign server has been asked on the network.
    #[default]
    Unknown,
    /// The network has not proven yet that servers themselves answer.
    Doubtful,
    /// The network has proven itself.
    Open,
    /// The network does not let DNS pass unchanged.
    Obstructed(Obstacle),
}

impl NetworkState {
    const ALL: [NetworkState; 8] = [
        NetworkState::Unknown,
        NetworkState::Doubtful,
        NetworkState::Open,
        NetworkState::Obstructed(Obstacle::Intercepted { proves: true }),
        NetworkState::Obstructed(Obstacle::Intercepted { proves: false }),
        NetworkState::Obstructed(Obstacle::Refused),
        NetworkState::Obstructed(Obstacle::Rejected),
        NetworkState::Obstructed(Obstacle::Silent),
    ];
}

/// The result of claiming a probe of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeClaim {
    /// The caller sends the probe.
    Granted,
    /// A probe is under way.
    UnderWay,
    /// The last probe is too recent.
    Refused,
}

/// The interception state of the current network.
#[derive(Debug, Default)]
pub(crate) struct Interception {
    /// The [`NetworkState`], as an index into [`NetworkState::ALL`], read without a lock.
    state: AtomicU8,
    /// Whether `notes` has anything for a proper reply to clear.
    noted: AtomicBool,
    /// When a foreign server last said something useful; 0: none has on this network.
    passed_at: AtomicU64,
    notes: Mutex<EvidenceNotes>,
    /// Notified at the end of a probe.
    sounded: Notify,
}

#[derive(Debug, Default)]
struct EvidenceNotes {
    /// Places with hearsay since the last proper reply.
    hearsay: Vec<IpAddr>,
    /// Places with bogus answers since the last proven answer.
    bogus: Vec<IpAddr>,
    /// Places without a useful reply since the last useful reply …
    failed: Vec<IpAddr>,
    /// … and the time of the first.
    failing_since: Moment,
    sounded_at: Option<Moment>,
    is_sounding: bool,
    /// The start of the doubt.
    doubtful_since: Moment,
    /// How often the network has changed.
    changes: u32,
}

impl Interception {
    /// The state of the network.
    pub(crate) fn state(&self) -> NetworkState {
        let at = usize::from(self.state.load(Ordering::Relaxed));
        NetworkState::ALL.get(at).copied().unwrap_or_default()
    }

    /// The obstacle, if there is one.
    pub(crate) fn obstacle(&self) -> Option<Obstacle> {
        match self.state() {
            NetworkState::Obstructed(obstacle) => Some(obstacle),
            _ => None,
        }
    }

    /// The same, where no question is answered.
    pub(crate) fn closed(&self) -> Option<Obstacle> {
        self.obstacle().filter(|obstacle| obstacle.is_closed())
    }

    /// Whether a resolver answers in the place of servers.
    pub(crate) fn is_intercepted(&self) -> bool {
        self.obstacle().is_some_and(|obstacle| !obstacle.is_closed())
    }

    /// Whether signed names cannot be proven.
    pub(crate) fn is_forged(&self) -> bool {
        self.obstacle() == Some(Obstacle::Intercepted { proves: false })
    }

    /// Whether a server has replied as a resolver does, and none properly since.
    pub(crate) fn has_strange_voices(&self) -> bool {
        self.noted.load(Ordering::Relaxed) && !self.notes.lock().hearsay.is_empty()
    }

    /// Whether servers reply properly, without contrary evidence.
    pub(crate) fn is_beyond_doubt(&self) -> bool {
        self.state() == NetworkState::Open && !self.noted.load(Ordering::Relaxed)
    }

    /// Records a useful reply of a foreign server.
    pub(crate) fn note_passed(&self, now: Moment) {
        self.passed_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Claims a probe of the network if the last one is older than `every`.
    pub(crate) fn claim_probe(&self, every: Duration, now: Moment) -> ProbeClaim {
        let mut notes = self.notes.lock();
        match notes.claim(every, now) {
            true => ProbeClaim::Granted,
            false if notes.is_sounding => ProbeClaim::UnderWay,
            false => ProbeClaim::Refused,
        }
    }

    /// How often the network has changed.
    pub(crate) fn changes(&self) -> u32 {
        self.notes.lock().changes
    }

    /// The end of the probe under way, to be waited for.
    pub(crate) fn probe_ended(&self) -> Notified<'_> {
        self.sounded.notified()
    }

    /// The probe is over, however it ended.
    pub(crate) fn end_probe(&self) {
        self.notes.lock().is_sounding = false;
        self.sounded.notify_waiters();
    }

    fn set(&self, state: NetworkState) {
        let at = NetworkState::ALL.iter().position(|known| *known == state).unwrap_or_default();
        self.state.store(at as u8, Ordering::Relaxed);
    }

    pub(crate) fn passed_at(&self) -> Option<Moment> {
        let at = self.passed_at.load(Ordering::Relaxed);
        (at > 0).then(|| Moment::from_millis(at))
    }
}

impl EvidenceNotes {
    /// Forgets the evidence, except of a probe under way.
    fn forget(&mut self) {
        let EvidenceNotes { is_sounding, changes, .. } = *self;
        *self = EvidenceNotes { is_sounding, changes, ..EvidenceNotes::default() };
    }

    /// Claims a probe of the network if the last one is older than `every`.
    fn claim(&mut self, every: Duration, now: Moment) -> bool {
        let due = self.sounded_at.is_none_or(|at| now.since(at) >= every) && !self.is_sounding;
        if due {
            (self.sounded_at, self.is_sounding) = (Some(now), true);
        }
        due
    }
}

/// Notes a place, unless there are enough.
fn note(places: &mut Vec<IpAddr>, place: IpAddr) {
    if places.len() < MOST_PLACES && !places.contains(&place) {
        places.push(place);
    }
}
