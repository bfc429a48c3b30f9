//! What is done about messages that are no reply to the query that waits.
//!
//! Whoever finds the port can send them, so they may hurry us and nothing else. With the first of them TCP
//! is asked beside the wait, over which nobody else can answer, and the race asks another server. Where
//! TCP brings nothing better, the reply is waited for a little longer: a server that itself sends nothing
//! else shall not cost its client the whole time, and one in whose name others speak shall be heard.

use std::time::Duration;

use zoners_dns::{Counter, Endpoint, Failure, Network};

use super::Query;
use super::reading::Read;
use super::wait::Wait;
use crate::verdict::Fault;
use crate::worker::Worker;

/// Messages that are no reply, after which no more are read for a query: each is a guess at its ID. The
/// next try has another port, which is to be found first.
pub(super) const MOST_MESSAGES: u8 = 100;
/// So many times the time that its server takes is a reply waited for that nothing else speaks for …
const ROUND_TRIPS: u32 = 2;
/// … at least so long, and never longer than any other.
const LEAST_REST: Duration = Duration::from_millis(400);

/// The doubts that a wait has.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Messages that are no reply.
    messages: u8,
    /// What they say of the server.
    fault: Option<Fault>,
    /// Its reply did not fit into a datagram.
    cut: bool,
    tcp: Tcp,
    /// What the race was told.
    told: Doubt,
    /// The wait is cut short.
    short: bool,
}

/// How doubtful it is that a reply will come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Doubt {
    #[default]
    None,
    /// Something came that is no good reply: another server is asked beside.
    Some,
    /// TCP brought nothing better: the server is not asked again meanwhile.
    Grave,
}

impl From<u8> for Doubt {
    fn from(doubt: u8) -> Self {
        match doubt {
            0 => Doubt::None,
            1 => Doubt::Some,
            _ => Doubt::Grave,
        }
    }
}

/// Whether TCP is asked beside the wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tcp {
    /// There is no reason.
    #[default]
    Unwanted,
    Wanted,
    /// It is, or was, or cannot be.
    Asked,
    /// It brought nothing better.
    Failed,
}

impl Doubts {
    /// Takes in what came that is no good reply.
    pub(super) fn add(&mut self, read: &Read) {
        match read {
            Read::Cut => self.cut = true,
            Read::NoReply(fault) => self.note(*fault),
            Read::Told(fault) => self.note(Some(*fault)),
            Read::NotBeside(fault) => return self.fail(*fault),
            Read::Reply(_) | Read::Ended(_) | Read::Nothing => return,
        }
        self.messages = self.messages.saturating_add(1);
        // What is said of the port for UDP is no reason to try the other.
        if self.tcp == Tcp::Unwanted && !matches!(read, Read::Told(_)) {
            self.tcp = Tcp::Wanted;
        }
    }

    /// TCP brought nothing better. Only what came over it says something of the server, unless the whole
    /// reply was to come that way.
    fn fail(&mut self, fault: Fault) {
        self.tcp = Tcp::Failed;
        if self.cut {
            self.fault = Some(fault);
        } else if fault.is_unreadable() {
            self.note(Some(fault));
        }
    }

    /// Of several faults that of the server itself counts.
    fn note(&mut self, fault: Option<Fault>) {
        let says_more =
            |fault: &Fault| self.fault.is_none_or(|known| fault.is_answer() && !known.is_answer());
        self.fault = fault.filter(says_more).or(self.fault);
    }

    /// Whether more messages are read.
    pub(super) fn leave_room(&self) -> bool {
        self.messages < MOST_MESSAGES
    }

    /// Whether TCP is to be asked beside the wait.
    pub(super) fn want_tcp(&self) -> bool {
        self.tcp == Tcp::Wanted
    }

    /// Whether the whole reply is to come over TCP.
    pub(super) fn are_of_a_cut(&self) -> bool {
        self.cut
    }

    /// What the race is to be told, if that is something new.
    pub(super) fn news(&mut self) -> Option<Doubt> {
        let doubt = match self.short {
            true => Doubt::Grave,
            // The whole of a cut reply comes over TCP, as a rule.
            false if self.cut => Doubt::None,
            false => Doubt::Some,
        };
        let news = doubt > self.told;
        self.told = doubt;
        news.then_some(doubt)
    }

    /// Whether the wait is to be cut short; once.
    pub(super) fn shorten(&mut self, alone: bool) -> bool {
        let shorten = alone && !self.short;
        self.short |= shorten;
        shorten
    }

    /// Whether the wait is cut short.
    pub(super) fn are_short(&self) -> bool {
        self.short
    }

    fn end(&self) -> Option<Fault> {
        // What floods it is not the server, unless it knows the ID.
        let of_server = self.cut || self.fault.is_some_and(Fault::is_answer);
        match self.leave_room() || of_server {
            true => self.fault,
            false => Some(Fault::Flooded),
        }
    }
}

impl<N: Network> Worker<N> {
    /// Puts the query to the same server over TCP too, if it may be had that way.
    ///
    /// # Errors
    /// The whole of a cut reply is not to be had with what is left to spend.
    pub(super) fn ask_beside(
        &self,
        query: &Query<'_>,
        doubts: &mut Doubts,
    ) -> Result<Option<Wait<N>>, Fault> {
        doubts.tcp = Tcp::Asked;
        let over_tcp = query.over_tcp();
        let asked = match doubts.cut {
            _ if self.is_left_alone(over_tcp.endpoint) => Err(Fault::Network(Failure::Closed)),
            true => self.send(&over_tcp),
            false => {
                self.count(Counter::UpstreamDoubted);
                let charged = query.context.budget.charge_aside(true);
                charged.map(|()| self.send_charged(&over_tcp)).map_err(Fault::Exhausted)
            }
        };
        match asked {
            Ok(wait) => Ok(Some(wait)),
            Err(fault @ Fault::Exhausted(_)) if doubts.cut => Err(fault),
            Err(fault) => {
                self.count(Counter::UpstreamUncleared);
                doubts.fail(fault);
                Ok(None)
            }
        }
    }

    /// Whether a server is known not to take what is sent to it.
    fn is_left_alone(&self, endpoint: Endpoint) -> bool {
        let shared = self.shared();
        let known = shared.cache.server(endpoint, shared.now());
        shared.market().price(&known, None).skipped_until.is_some()
    }

    /// How much longer a server is waited for that TCP is no way to.
    pub(super) fn rest(&self, endpoint: Endpoint) -> Duration {
        let shared = self.shared();
        let known = shared.cache.server(endpoint, shared.now());
        let takes = known.srtt().map(|srtt| srtt + known.rttvar() * 4);
        (takes.unwrap_or_else(|| shared.habits.late()) * ROUND_TRIPS).max(LEAST_REST)
    }

    /// Ends a wait without a reply.
    pub(super) fn give_up(&self, wait: &Wait<N>, doubts: &Doubts) -> Fault {
        self.gave_up(wait, doubts.end(), !doubts.short)
    }
}
