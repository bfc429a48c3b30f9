//! A race: the servers of a zone are asked, hedged where a reply is late.
//!
//! The first query is sent at once. If no reply arrives in the time that a healthy server needs, a
//! second server is asked too; after a bad reply, at once. The first good reply wins; the losers
//! live on as stragglers, to learn the RTTs.

mod child_nameservers;
mod concurrent;
mod encryption_trial;
mod hearsay;
mod hedging;
mod interrupted_uplink;
mod launch;
mod losers;
mod outcome;
mod permits;
mod running;
mod silent_zone;
mod uplink_probe;

use std::net::SocketAddr;

use tokio::time::{Instant, sleep_until};
use zoners_dns::{Counter, Delegation, Endpoint, NameServer, Network, QueryMode, Question};

use crate::ask::exchange::{Report, Suspicion};
use crate::env::environment::Env;
use crate::env::lookups::{AddressLookup, FoundAddresses, Lookups};
use crate::infra::zone_silence::PROBE_PACKETS;
use crate::model::answer::Unresolved;
use crate::model::asking::UpstreamQuery;
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::verdict::{Fault, Verdict};
use crate::selection::candidates::{Attempt, Candidates};
use crate::selection::report::why_skipped;
use child_nameservers::{ChildServers, child_servers_of};
use running::{RunningAttempt, next_of};

pub(crate) use concurrent::Concurrent;
pub(crate) use silent_zone::race;

/// One question to the servers of one zone.
struct Race<'a, N: Network> {
    env: &'a Env<N>,
    cut: &'a Delegation,
    step: &'a Step,
    asking: UpstreamQuery,
    candidates: Candidates,
    running: Concurrent<RunningAttempt>,
    lookups: Concurrent<AddressLookup>,
    looked_up: u16,
    empty: u16,
    /// The first fault other than silence, for the EDE.
    fault: Option<Box<(Attempt, Fault)>>,
    /// Servers whose reply says nothing about the question.
    empty_replies: Vec<(Attempt, Fault)>,
    /// A server replied with a different failure.
    contradicted: bool,
    exhausted: Option<Unresolved>,
    hedge_at: Instant,
    /// The number of late replies so far.
    late: u8,
    /// A bad message arrived for a query of the race.
    has_bad_message: bool,
    /// The server that the hedge delay belongs to.
    newest: Option<Endpoint>,
    /// A server was needed and none was left.
    wants_more: bool,
    /// When the race ends if no server is expected to answer any more.
    hopeless_at: Option<Instant>,
    child_servers_state: ChildServers,
    /// Servers of the child NS set, numbered after those of the cut.
    more: Vec<NameServer>,
    /// Attempts so far.
    packets: u32,
    /// Packets not yet charged to the account of the zone.
    uncharged: u32,
    /// The remaining packets, if the zone counts as dead.
    probe: Option<u32>,
    /// The next attempt waits for a permit.
    waits_for_permit: bool,
    /// The own zone of a nameserver has named an address since the last packet. The next packet counts as the first of the
    /// question, since the silence so far is the silence of the glue.
    has_own_address: bool,
    /// The uplink was interrupted at the last attempt: the race goes on at the next reply of any server.
    waits_for_uplink: bool,
}

/// The next event of a race.
enum RaceEvent {
    Report(Box<Report>),
    Doubtful(Suspicion, SocketAddr),
    Found(FoundAddresses),
    ChildServers(Option<Delegation>),
    Late,
    Released,
    Over,
}

impl<'a, N: Network> Race<'a, N> {
    fn new(
        env: &'a Env<N>,
        cut: &'a Delegation,
        asked: &Question,
        step: &'a Step,
        candidates: Candidates,
    ) -> Self {
        let recursion_desired = cut.mode == QueryMode::Forward;
        Race {
            env,
            cut,
            step,
            asking: UpstreamQuery { question: asked.clone(), recursion_desired, retry: false },
            candidates,
            running: Concurrent::default(),
            lookups: Concurrent::default(),
            looked_up: 0,
            empty: 0,
            fault: None,
            empty_replies: Vec::new(),
            contradicted: false,
            exhausted: None,
            hedge_at: Instant::now(),
            late: 0,
            has_bad_message: false,
            newest: None,
            wants_more: false,
            hopeless_at: None,
            child_servers_state: ChildServers::Unasked,
            more: Vec::new(),
            packets: 0,
            uncharged: 0,
            probe: None,
            waits_for_permit: false,
            has_own_address: false,
            waits_for_uplink: false,
        }
    }
}

impl<N: Network> Race<'_, N> {
    async fn run(&mut self) -> Result<Box<Verdict>, Unresolved> {
        let over =
            self.step.client.budget.deadline.min(Instant::now() + self.env.settings().limits.race);
        self.begin();
        loop {
            if let Some(result) = self.ended() {
                return result;
            }
            let ends_at = self.ends_at(over);
            let event = self.next(ends_at).await;
            if let Some(result) = self.act_on_event(event) {
                return result;
            }
        }
    }

    /// Asks the first server, and what may be asked beside.
    fn begin(&mut self) {
        for (endpoint, until) in self.candidates.skipped() {
            self.env.count(Counter::InfraBackoffSkipped);
            self.step.trace(|| Hop::Note(why_skipped(self.env, endpoint, until)));
            let rtype = self.asking.question.rtype;
            self.step.log_skipped(&self.cut.zone, rtype, endpoint, || {
                let shared = self.env.shared();
                shared.cache.server(endpoint, shared.now()).trouble
            });
        }
        if self.env.settings().speculative_lookups {
            self.look_up_more(1);
        }
        if self.candidates.are_in_trouble() {
            self.add_known_child_servers();
        }
        if let Some(first) = self.launch() {
            self.explore(&first);
            self.open_connection(&first);
        }
    }

    /// The result, if there is nothing to wait for.
    fn ended(&mut self) -> Option<Result<Box<Verdict>, Unresolved>> {
        // Queries under way may still bring the answer.
        if self.running.is_empty()
            && let Some(unresolved) = self.exhausted.take()
        {
            return Some(Err(unresolved));
        }
        if let Some(stopped) = self.is_stopped() {
            return Some(Err(stopped));
        }
        if self.candidates.are_given_up() {
            // A nameserver may have better addresses than those known.
            self.look_up_more(1);
        }
        if self.running.is_empty() && self.lookups.is_empty() && !self.waits_for_permit {
            self.ask_for_child_servers();
            if !matches!(self.child_servers_state, ChildServers::Asked(_)) {
                return Some(self.end());
            }
        }
        None
    }

    /// Acts on an event; the result, if the event ends the race.
    fn act_on_event(&mut self, event: RaceEvent) -> Option<Result<Box<Verdict>, Unresolved>> {
        match event {
            RaceEvent::Report(report) => {
                if let Some(verdict) = self.judge(*report) {
                    return Some(Ok(verdict));
                }
                self.launch();
            }
            RaceEvent::Doubtful(doubt, server) => self.doubt(doubt, server),
            RaceEvent::Found(found) => {
                self.empty = self.empty.saturating_add(u16::from(found.addresses.is_empty()));
                self.candidates.add(self.env, self.cut, found.server, &found.addresses);
                match found.by_glue {
                    true => self.candidates.add_glue_only(found.server),
                    false => {
                        self.candidates.prefer_own(&found.addresses);
                        self.has_own_address |= !found.addresses.is_empty();
                    }
                }
                // The servers' own zone may know better than the glue of a dead zone.
                if !found.addresses.is_empty() {
                    self.probe = self.probe.map(|left| left.max(1));
                }
                if self.running.is_empty()
                    || self.wants_more
                    || self.candidates.doubts_glue()
                    || self.newest.is_some_and(|newest| self.candidates.has_quicker(newest))
                {
                    self.launch();
                }
            }
            RaceEvent::ChildServers(servers) => {
                self.child_servers_state = ChildServers::Known;
                self.add_child_servers(servers);
                self.launch();
            }
            RaceEvent::Late if self.waits_for_permit => self.try_again(),
            RaceEvent::Released if self.waits_for_permit => self.try_again(),
            RaceEvent::Released if self.is_uplink_interrupted() => {}
            RaceEvent::Released => self.go_on(),
            RaceEvent::Late if self.is_yet_to_be_asked() || self.is_not_late_after_all() => {}
            RaceEvent::Late => self.hedge(),
            RaceEvent::Over => return Some(self.end_in_time()),
        }
        None
    }

    async fn next(&mut self, over: Instant) -> RaceEvent {
        let released = &self.env.shared().released;
        let waits = self.waits_for_permit || self.waits_for_uplink;
        tokio::select! {
            biased;
            happening = next_of(&mut self.running) => happening,
            found = self.lookups.next() => RaceEvent::Found(found),
            own = child_servers_of(&mut self.child_servers_state) => RaceEvent::ChildServers(own),
            () = released.notified(), if waits => RaceEvent::Released,
            () = sleep_until(over.min(self.hedge_at)) => match self.hedge_at < over {
                true => RaceEvent::Late,
                false => RaceEvent::Over,
            },
        }
    }

    /// The nameserver of an attempt or a look-up.
    fn server(&self, at: usize) -> &NameServer {
        match at.checked_sub(self.cut.servers.len()) {
            None => &self.cut.servers[at],
            Some(beyond) => &self.more[beyond],
        }
    }

    /// Starts look-ups of nameserver names until `at_once` are under way.
    fn look_up_more(&mut self, at_once: usize) {
        let limits = self.env.settings().limits;
        while self.lookups.len() < at_once {
            let most = if self.probe.is_some() { PROBE_PACKETS } else { limits.lookups_per_zone };
            if u32::from(self.looked_up) >= most || u32::from(self.empty) >= limits.empty_lookups {
                if self.candidates.has_unresolved() {
                    self.env.count(Counter::BudgetAddressLookups);
                }
                while self.candidates.take_unresolved().is_some() {}
                return;
            }
            let Some((server, source)) = self.candidates.take_unresolved() else { return };
            self.looked_up = self.looked_up.saturating_add(1);
            let name = &self.server(server).name;
            match self.env.look_up_addresses(server, name, source, self.step) {
                Ok(lookup) => self.lookups.push(lookup),
                Err(unresolved) if self.running.is_empty() && self.candidates.is_empty() => {
                    self.exhausted = Some(unresolved);
                    return;
                }
                Err(_) => return,
            }
        }
    }
}
