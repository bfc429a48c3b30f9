//! How this network lets DNS to foreign servers pass.
//!
//! A captive portal, or a resolver that a network puts in their place, answers in the name of every
//! server: with RA and without AA, since it recurses or makes things up. Other networks answer REFUSED, send
//! word that ports are closed, or let nothing through at all. One server that does so is lame or dead. Where
//! several places do, a probe of the root servers tells what it is.
//!
//! A network has to prove itself: from the first reply on it, what is learned is doubtful
//! (`Cache::begin_doubt`), until an authority says something that signatures vouch for. What was learned in
//! doubt is taken back when the network turns out to intercept DNS, and when it is left without having
//! proven itself.
//!
//! What configured stubs and forwarders say is no evidence here, as little as what lies in the local network.

pub(crate) mod evidence;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use zoners_dns::{EdeCode, Moment};

use crate::model::answer::{Cause, Unresolved};

/// So many places that answer as resolvers do, or whose answers are bogus, and none in between that does as
/// it should: then the network is sounded. One of the root or a top-level domain will do.
const FEW_STRANGE: usize = 2;
/// So many in a row of which none says anything useful …
const FEW_FAILED: usize = 3;
/// … for so long, if all that they do is stay silent: elsewhere the first reply is on its way.
const SILENT_FOR: Duration = Duration::from_millis(800);
/// Places that are remembered of each kind, at most.
const MOST_PLACES: usize = 8;
/// A network that lets nothing pass is sounded so often, while clients ask …
pub(crate) const EVERY: Duration = Duration::from_secs(1);
/// … and any other so often, however strange what servers say is …
const EVERY_IF_OPEN: Duration = Duration::from_secs(2);
/// … and this soon again where a server behind an obstacle speaks as it should.
const AT_ONCE: Duration = Duration::from_millis(100);
/// A network that has not proven itself for so long, since nothing that is asked for is signed, is sounded.
const UNPROVEN_FOR: Duration = Duration::from_secs(10);
/// Where servers answered before on this network, silence is an outage, unless it lasts longer than this.
pub(crate) const OUTAGE: Duration = Duration::from_secs(60);

/// What stands between us and foreign servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A resolver answers in their place.
    Intercepted {
        /// DNSSEC passes: what is signed can be proven.
        proves: bool,
    },
    /// They answer REFUSED, or with another failure, all of them.
    Refused,
    /// The network sends word that their ports are closed, or that there is no way to them.
    Rejected,
    /// Nothing comes back.
    Silent,
}

impl Obstacle {
    /// What a person is told.
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
                "no foreign server answers: this network blocks DNS, or its line is down"
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

/// What is known of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkState {
    /// No foreign server was asked on it.
    #[default]
    Unknown,
    /// It has yet to prove that servers themselves answer.
    Doubtful,
    /// It has.
    Open,
    /// It does not let DNS pass as it is.
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

/// What is known of the network that this machine is on.
#[derive(Debug, Default)]
pub(crate) struct Passage {
    /// The [`NetworkState`], as a place in [`NetworkState::ALL`], to be read without waiting.
    state: AtomicU8,
    /// Whether there is something in `notes` that a proper reply wipes out.
    noted: AtomicBool,
    /// When a foreign server last said something useful; 0: none has on this network.
    passed_at: AtomicU64,
    notes: Mutex<Notes>,
    /// Rung when a sounding has come to its end.
    sounded: Notify,
}

#[derive(Debug, Default)]
struct Notes {
    /// Places that answered as a resolver does since one answered as it should.
    hearsay: Vec<IpAddr>,
    /// Places with bogus answers since one was proven.
    bogus: Vec<IpAddr>,
    /// Places that said nothing useful since one did …
    failed: Vec<IpAddr>,
    /// … the first of them then.
    failing_since: Moment,
    sounded_at: Option<Moment>,
    is_sounding: bool,
    /// Since when it is doubtful who answers.
    doubtful_since: Moment,
    /// How often the network has changed.
    changes: u32,
}

impl Passage {
    /// What is known of the network.
    pub(crate) fn state(&self) -> NetworkState {
        let at = usize::from(self.state.load(Ordering::Relaxed));
        NetworkState::ALL.get(at).copied().unwrap_or_default()
    }

    /// What stands between us and foreign servers.
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

    /// Whether nothing that is signed can be proven.
    pub(crate) fn is_forged(&self) -> bool {
        self.obstacle() == Some(Obstacle::Intercepted { proves: false })
    }

    /// Whether a server has answered as a resolver does, and none since as it should.
    pub(crate) fn has_strange_voices(&self) -> bool {
        self.noted.load(Ordering::Relaxed) && !self.notes.lock().hearsay.is_empty()
    }

    /// Whether servers answer as they should, and nothing was noted that says otherwise.
    pub(crate) fn is_beyond_doubt(&self) -> bool {
        self.state() == NetworkState::Open && !self.noted.load(Ordering::Relaxed)
    }

    /// Notes that a foreign server said something useful.
    pub(crate) fn note_passed(&self, now: Moment) {
        self.passed_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Takes the right to probe the network, if it was not probed within `every`; whether that was granted, and
    /// whether a probe is under way now.
    pub(crate) fn claim_probe(&self, every: Duration, now: Moment) -> (bool, bool) {
        let mut notes = self.notes.lock();
        (notes.claim(every, now), notes.is_sounding)
    }

    /// How often the network has changed.
    pub(crate) fn changes(&self) -> u32 {
        self.notes.lock().changes
    }

    /// The end of the probe that is under way, to be waited for.
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

impl Notes {
    /// Forgets what was noted, but for what is under way.
    fn forget(&mut self) {
        let Notes { is_sounding, changes, .. } = *self;
        *self = Notes { is_sounding, changes, ..Notes::default() };
    }

    /// Takes the right to sound the network, if it was not sounded within `every`.
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
