//! Doubts: the treatment of messages that are no reply to the waiting query.
//!
//! Any host that finds the port can send messages: a message may only cause further attempts. After
//! the first, TCP is tried beside the wait, since no off-path attacker can answer over TCP, and the
//! race asks a second server. If TCP brings nothing better, the wait lasts a little longer: a
//! server that itself sends bad messages must not cost its client the whole time, and a server that
//! an attacker impersonates must be heard.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use zoners_cache::EchoEvidence;
use zoners_dns::{Counter, Endpoint, Message, Network, NetworkError};

use super::receive::Received;
use super::wait::PendingQuery;
use super::{QueryResult, ServerQuery};
use crate::ask::exchange::outstanding::may_send;
use crate::ask::exchange::{send_charged, send_query};
use crate::env::environment::Env;
use crate::model::verdict::Fault;
use crate::selection::observation::{Observation, ReplyTime, observe};

/// Bad messages after which the port is given up: each is a guess at the ID. The next attempt has a
/// new port, which the attacker must find first.
pub(super) const MOST_MESSAGES: u8 = 100;
/// The remaining wait for a doubtful reply, in round trips of its server …
const ROUND_TRIPS: u32 = 2;
/// … but at least this long, and never longer than an ordinary wait.
const LEAST_REST: Duration = Duration::from_millis(200);

/// The doubts about a wait.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    /// Messages that are no reply.
    messages: u8,
    /// The fault that they show.
    fault: Option<Fault>,
    /// A reply without the secrets of its query, used if nothing better arrives. Boxed, since it is
    /// rare.
    kept: Option<Box<(Box<Message>, EchoEvidence)>>,
    /// The reply was truncated.
    is_truncated: bool,
    tcp: TcpFallback,
    /// The doubt reported to the race.
    reported: Suspicion,
    short: WaitCut,
}

/// How far the wait is cut short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum WaitCut {
    #[default]
    Not,
    /// TCP may do better.
    WithTcp,
    /// TCP is of no help.
    Alone,
}

/// The degree of doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Suspicion {
    #[default]
    None,
    /// The reply was truncated: the server is not asked again while the full reply comes over TCP.
    Truncated,
    /// A bad message arrived: a second server is asked.
    Some,
    /// TCP brought nothing better: the server is not asked again meanwhile.
    Grave,
}

impl Suspicion {
    /// Whether the server is not to be asked again meanwhile.
    pub(crate) fn pauses(self) -> bool {
        matches!(self, Suspicion::Truncated | Suspicion::Grave)
    }
}

impl From<u8> for Suspicion {
    fn from(doubt: u8) -> Self {
        match doubt {
            0 => Suspicion::None,
            1 => Suspicion::Truncated,
            2 => Suspicion::Some,
            _ => Suspicion::Grave,
        }
    }
}

/// Whether TCP is asked beside the wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TcpFallback {
    /// There is no reason.
    #[default]
    Unwanted,
    Wanted,
    /// The query was sent over TCP too.
    Asked,
    /// TCP brought nothing better.
    Failed,
}

impl Suspicions {
    /// Records a bad message; true if no further message is read.
    pub(super) fn add(&mut self, read: Received) -> bool {
        // An ICMP error for the UDP port is no reason to try TCP.
        let wants_tcp = !matches!(read, Received::NetworkError(_));
        match read {
            Received::Truncated => self.is_truncated = true,
            Received::Unproven(message, repeated) => {
                self.kept.get_or_insert_with(|| Box::new((message, repeated)));
            }
            Received::NoReply(fault) => self.note(fault),
            Received::NetworkError(fault) => self.note(Some(fault)),
            Received::TcpFailed(fault) => {
                self.fail(fault);
                return false;
            }
            Received::Reply(_) | Received::Ended(_) | Received::Nothing => return false,
        }
        self.messages = self.messages.saturating_add(1);
        if self.tcp == TcpFallback::Unwanted && wants_tcp {
            self.tcp = TcpFallback::Wanted;
        }
        !self.leave_room()
    }

    /// TCP brought nothing better. Only its own result counts against the server, unless the full
    /// reply was expected over TCP.
    fn fail(&mut self, fault: Fault) {
        self.tcp = TcpFallback::Failed;
        if self.is_truncated {
            self.fault = Some(fault);
        } else if fault.is_unreadable() {
            self.note(Some(fault));
        }
    }

    /// Of several faults, that of the server itself counts.
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
    fn want_tcp(&self) -> bool {
        self.tcp == TcpFallback::Wanted
    }

    /// A new doubt for the race, if any.
    pub(super) fn new_suspicion(&mut self) -> Option<Suspicion> {
        let doubt = match self.short {
            WaitCut::Alone => Suspicion::Grave,
            _ if self.is_truncated => Suspicion::Truncated,
            _ => Suspicion::Some,
        };
        let is_new = doubt > self.reported;
        self.reported = self.reported.max(doubt);
        is_new.then_some(doubt)
    }

    /// The number of rests to which the wait is shortened, with TCP beside it or not; each once.
    /// TCP starts with one.
    fn shorten(&mut self) -> Option<u32> {
        let (short, rests) = match self.tcp {
            TcpFallback::Asked if self.is_truncated => return None,
            TcpFallback::Asked => (WaitCut::WithTcp, 2),
            TcpFallback::Unwanted | TcpFallback::Wanted | TcpFallback::Failed => {
                (WaitCut::Alone, 1)
            }
        };
        let shorter = short > self.short;
        self.short = self.short.max(short);
        shorter.then_some(rests)
    }

    /// Whether the wait is cut short.
    pub(super) fn are_short(&self) -> bool {
        self.short > WaitCut::Not
    }

    fn end(&self) -> Option<Fault> {
        // A flood is not the server's fault, unless the messages have the right ID.
        let of_server = self.is_truncated || self.fault.is_some_and(Fault::is_answer);
        match self.leave_room() || of_server {
            true => self.fault,
            false => Some(Fault::Flooded),
        }
    }
}

/// Acts on the doubts of a wait: TCP is tried, and the wait is shortened.
///
/// # Errors
/// The wait is over.
pub(super) fn act_on<N: Network>(
    env: &Env<N>,
    doubts: &mut Suspicions,
    query: &ServerQuery<'_>,
    beside: &mut Option<Box<PendingQuery<N>>>,
    mut deadline: Pin<&mut Sleep>,
) -> Result<(), Fault> {
    if doubts.want_tcp() {
        *beside = ask_beside(env, query, doubts)?.map(Box::new);
        if doubts.is_truncated {
            deadline.as_mut().reset(Instant::now() + env.settings().limits.exchange);
        }
    }
    if let Some(rests) = doubts.shorten() {
        let rest = Instant::now() + longest_rest(env, query.endpoint) * rests;
        let until = deadline.deadline().min(rest);
        deadline.as_mut().reset(until);
    }
    Ok(())
}

/// Sends the query to the same server over TCP too, if possible.
///
/// # Errors
/// The full reply to a truncated one exceeds the remaining budget.
fn ask_beside<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    doubts: &mut Suspicions,
) -> Result<Option<PendingQuery<N>>, Fault> {
    doubts.tcp = TcpFallback::Asked;
    let over_tcp = query.over_tcp();
    let asked = match doubts.is_truncated {
        true => send_query(env, &over_tcp, env.network().room(over_tcp.endpoint)),
        false if is_penalised(env, over_tcp.endpoint) || !may_send(env, &over_tcp) => {
            Err(Fault::Network(NetworkError::Closed))
        }
        false => {
            env.count(Counter::UpstreamSuspicious);
            let charged = query.step.client.budget.charge_aside(true);
            let room = env.network().room(over_tcp.endpoint);
            charged.map(|()| send_charged(env, &over_tcp, room)).map_err(Fault::Exhausted)
        }
    };
    match asked {
        Ok(wait) => Ok(Some(wait)),
        Err(fault @ Fault::Exhausted(_)) if doubts.is_truncated => Err(fault),
        Err(fault) => {
            env.count(Counter::UpstreamTcpFallbackFailed);
            doubts.fail(fault);
            Ok(None)
        }
    }
}

/// Whether a server has lately left queries unanswered or answered badly.
fn is_penalised<N: Network>(env: &Env<N>, endpoint: Endpoint) -> bool {
    let shared = env.shared();
    let known = shared.cache.server(endpoint, shared.now());
    let uplink = shared.uplinks.to(endpoint.address.ip());
    let estimate = shared.estimator(uplink).estimate(&known, None);
    estimate.skipped_until.is_some() || !estimate.penalty.is_zero()
}

/// The remaining wait for a server without TCP.
pub(super) fn longest_rest<N: Network>(env: &Env<N>, endpoint: Endpoint) -> Duration {
    let shared = env.shared();
    let known = shared.cache.server(endpoint, shared.now());
    (known.rto().unwrap_or_else(|| shared.rtt_prior.late()) * ROUND_TRIPS).max(LEAST_REST)
}

/// Ends a wait without a good reply. A shortened wait is no evidence of the RTT.
pub(super) fn give_up<N: Network>(
    env: &Env<N>,
    wait: &PendingQuery<N>,
    mut doubts: Suspicions,
) -> QueryResult {
    if let Some(kept) = doubts.kept.take() {
        let (message, repeated) = *kept;
        let (most, edns) = (wait.sent.elapsed(), message.edns.is_some());
        let time = ReplyTime::Between { least: Duration::ZERO, most };
        // An unproven reply makes no last responder.
        observe(env, wait.endpoint, Observation::Reply { time, edns, query: None });
        observe(env, wait.endpoint, Observation::Secrets { repeated });
        return Ok(message);
    }
    if let Some(fault) = doubts.end() {
        observe(env, wait.endpoint, Observation::FailedExchange { fault });
        return Err(fault);
    }
    if !doubts.are_short() {
        observe(env, wait.endpoint, Observation::Timeout { copies: wait.times });
    }
    Err(Fault::Timeout)
}
